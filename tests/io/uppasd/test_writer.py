"""UppASD folders and restart files that are written: round trips."""

import numpy as np
import pytest
from ase.build import bulk

import ase_mag
from ase_mag import io, models
from ase_mag.core import get_moments

from .samples import energy, random_moments


def crystal():
    """A triclinic cell with two species and moments in all directions."""
    atoms = bulk("Fe", a=2.9, cubic=True)
    atoms.symbols[1] = "Co"
    atoms.set_cell(atoms.cell @ np.array([[1, 0.05, 0], [0, 1.02, 0.03], [0, 0, 0.97]]), True)
    atoms.positions[1] += (0.1, -0.05, 0.02)
    ase_mag.set_moments(atoms, [[0.3, 0.2, 2.1], [0.1, -1.6, 0.2]])
    return atoms


def terms():
    exchange = models.Heisenberg(("Fe", "Co"), models.cubic(0.19, 3.75))
    field = models.Zeeman(("Fe", "Co"), (1.0, 2.0, 3.0))
    dmi = models.DzyaloshinskiiMoriya(
        ("Fe", "Co"), models.cubic(0.02, 3.5), rule="interfacial", normal=(0.1, 0.2, 1.0)
    )
    matrix = np.array([[1.0, 0.2, 0.0], [0.2, 0.7, -0.3], [0.0, -0.3, 1.3]])
    tensor = models.TensorExchange(("Fe", "Co"), models.cubic(0.05, 3.6), matrix)
    uniaxial = models.UniaxialAnisotropy("Fe", 0.01, (1, 2, -1), moment=2.2, fourth=0.002)
    cubic = models.CubicAnisotropy("Co", 0.01, -0.02, moment=1.5)
    landau = models.Landau(("Fe", "Co"), a=-0.15, b=0.02)
    return exchange, dmi, tensor, field, uniaxial, cubic, landau


@pytest.mark.parametrize("chosen", [(0,), (0, 1), (0, 2), (0, 1, 2), (0, 3, 4, 5, 6), (3,)])
def test_round_trip_keeps_differences_of_energy_and_fields(tmp_path, chosen):
    model, cell = models.NonMagnetic(("Fe", "Co")), crystal()
    for k in chosen:
        model += terms()[k]
    io.write_uppasd(tmp_path, cell, model, repeat=(2, 3, 2), temperature_K=77.0)
    atoms, again, settings = io.read_uppasd(tmp_path, species=("Fe", "Co"))
    assert settings.temperature_K == 77.0 and len(atoms) == 24
    np.testing.assert_allclose(get_moments(atoms)[:2], get_moments(cell), rtol=1e-14)
    states = [random_moments(atoms, seed)[0].copy() for seed in range(3)]
    values = [[energy(state, m) for state in states] for m in (model, again)]
    np.testing.assert_allclose(np.diff(values[0]), np.diff(values[1]), rtol=1e-10, atol=1e-12)
    fields = []
    for m in (model, again):
        calc = ase_mag.MagneticCalculator(m)
        b, e = calc.get_property("magforces", states[0]), get_moments(states[0])
        fields.append(np.cross(b, e))
    np.testing.assert_allclose(fields[0], fields[1], rtol=0, atol=1e-12)


def test_restart_files_of_both_versions(tmp_path):
    atoms = random_moments(crystal() * (2, 1, 1))[0]
    io.write_uppasd_restart(tmp_path / "restart.dat", atoms, step=40)
    moments, steps = io.read_uppasd_moments(tmp_path / "restart.dat")
    assert moments.shape == (1, 1, 4, 3) and steps.tolist() == [40]
    np.testing.assert_allclose(moments[0, 0], get_moments(atoms), rtol=1e-14)
    old = ["40", *(f"1 {k} 2.0 0.0 0.6 0.8" for k in range(1, 5))]
    (tmp_path / "old.out").write_text("\n".join(old) + "\n")
    moments, steps = io.read_uppasd_moments(tmp_path / "old.out")
    np.testing.assert_allclose(moments, np.tile([0.0, 1.2, 1.6], (1, 1, 4, 1)))
    assert steps.tolist() == [40]
    (tmp_path / "old.out").write_text("\n".join(old[:-1] + old[1:2]) + "\n")
    with pytest.raises(ValueError, match=r"not complete|twice"):
        io.read_uppasd_moments(tmp_path / "old.out")
    (tmp_path / "old.out").write_text("1 2 3\n")
    with pytest.raises(ValueError, match=r"line 1: expected 7 columns .* got 3"):
        io.read_uppasd_moments(tmp_path / "old.out")
    (tmp_path / "old.out").write_text("1 1 1 2.0 0.0 0.0 1.0\n1 1 2 2.0 NaN 0.0 1.0\n")
    with pytest.raises(ValueError, match="line 2: not finite"):
        io.read_uppasd_moments(tmp_path / "old.out")
    io.write_uppasd(
        tmp_path / "new", crystal(), terms()[0], repeat=(2, 1, 1), moments=get_moments(atoms)
    )
    read = io.read_uppasd(tmp_path / "new", species=("Fe", "Co"))[0]
    np.testing.assert_allclose(get_moments(read), get_moments(atoms), rtol=1e-14)


def test_what_cannot_be_written(tmp_path):
    cell = crystal()
    with pytest.raises(ValueError, match="has no bilinear form"):
        model = models.NoncollinearMomentTensorPotential(("Fe", "Co"), level=2, max_moment=5.0)
        io.write_uppasd(tmp_path, cell, model)
    with pytest.raises(ValueError, match="simid must be one word of at most 8 characters"):
        io.write_uppasd(tmp_path, cell, terms()[0], simid="a long name")
    ase_mag.set_moments(cell, [[0, 0, 2.0], [0, 0, 0]])
    with pytest.raises(ValueError, match="atom 1 has no moment"):
        io.write_uppasd(tmp_path, cell, terms()[0])
    assert not list(tmp_path.iterdir())
