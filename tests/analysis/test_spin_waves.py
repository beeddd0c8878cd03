"""Linear spin-wave theory against closed forms, UppASD's recorded numbers, and dynamics."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase import units as ase_units
from ase.build import bulk

import ase_mag
from ase_mag import analysis, io, models, units
from ase_mag.dynamics import SpinDynamics

RECORDED = Path(__file__).parents[3] / "shared/data/uppasd_inputs"
needs_recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded inputs are not here")


def chain(sizes=(1.0,), spacing=1.0):
    n = len(sizes)
    atoms = Atoms(
        ["Fe", "Co"][:n] if n < 3 else ["Fe"] * n,
        [(0, 0, k * spacing) for k in range(n)],
        cell=(20, 20, n * spacing),
        pbc=(False, False, True),
    )
    ase_mag.set_moments(atoms, sizes)
    return atoms


def bonds(species, listed, **options):
    vectors, values, sites = zip(*listed, strict=True)
    tensors = np.array(values)[:, None, None] * np.eye(3)
    return models.BondExchange(species, vectors, tensors, sites, **options)


@pytest.mark.parametrize(("ka", "expected"), [(0.1, 2.666729), (0.5, 54.485884), (1.0, 108.971768)])
def test_ferromagnetic_chain(ka, expected):
    """E = (2 g/m) sum_j J (1 - cos k.R), J = 0.5 mRy, m = 1 mu_B, in meV; ka in units of pi."""
    model = bonds("Fe", [((0, 0, 1.0), 0.5, (0, 0))], unit="mRy", convention="UppASD", moment=1.0)
    found = analysis.spin_waves(chain(), model, [(0, 0, ka / 2)])
    assert 1e3 * found.energies[0, 0] == pytest.approx(expected, abs=1e-6)


@needs_recorded
def test_recorded_chain_of_uppasd():
    """432.05837 meV with g = 2 at the first wave vector of its qfile."""
    atoms, model, settings = io.read_uppasd(RECORDED / "tests/HeisChain")
    cell = atoms[:1]
    cell.set_cell([20, 20, 1.0])
    ase_mag.set_moments(cell, 1.0)
    found = analysis.spin_waves(cell, model, settings.q_points, g=2.0)
    # UppASD's constants differ from these in the eighth digit.
    assert 1e3 * found.energies[:, 0] == pytest.approx([432.05837413818, 0.0], rel=2e-6, abs=1e-9)


def test_antiferromagnetic_chain():
    """E = 2 g J m |sin ka| of two equal sublattices, J (inside convention) of neighbors at a."""
    coupling, m = -0.02, 1.5
    model = bonds(("Fe", "Co"), [((0, 0, 1.0), coupling, (0, 1)), ((0, 0, -1.0), coupling, (0, 1))])
    q = np.array([0.05, 0.2, 0.35])
    found = analysis.spin_waves(chain((m, -m)), model, np.c_[0 * q, 0 * q, q])
    expected = 2 * units.g_electron * abs(coupling) * m * np.abs(np.sin(np.pi * q))
    np.testing.assert_allclose(found.energies, np.stack([expected] * 2, axis=1), rtol=1e-9)


def test_gap_of_a_field_and_of_an_anisotropy():
    """A field adds g mu_B B, an easy axis 2 g K/m, at every wave vector."""
    atoms = bulk("Fe", a=2.87)
    ase_mag.set_moments(atoms, 2.2)
    exchange = models.Heisenberg("Fe", models.cubic(0.19, 3.75))
    q = [(0, 0, 0), (0.1, 0.2, -0.3), (0.5, 0, 0)]
    plain = analysis.spin_waves(atoms, exchange, q).energies
    field = analysis.spin_waves(atoms, exchange + models.Zeeman("Fe", (0, 0, 50.0)), q).energies
    easy = models.UniaxialAnisotropy("Fe", 0.003, (0, 0, 1), moment=2.2)
    hard = analysis.spin_waves(atoms, exchange + easy, q).energies
    np.testing.assert_allclose(field - plain, units.g_electron * 50 * units.tesla, rtol=1e-9)
    np.testing.assert_allclose(hard - plain, 2 * units.g_electron * 0.003 / 2.2, rtol=1e-9)
    j = models.cubic(0.19, 3.75)
    shells = [(8, np.sqrt(3) / 2 * 2.87), (6, 2.87)]
    # At H all first neighbors are antiparallel and all second ones parallel.
    corner = analysis.spin_waves(atoms, exchange, [(0.5, 0.5, 0.5)]).energies[0, 0]
    vectors = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * 1.435
    reciprocal = atoms.cell.reciprocal()
    wave = 2 * np.pi * np.array([0.5, 0.5, 0.5]) @ reciprocal
    first = (1 - np.cos(vectors @ wave)).sum() * j(shells[0][1])
    second = 2 * (1 - np.cos(2.87 * wave)).sum() * j(shells[1][1])
    assert corner == pytest.approx(units.g_electron * 2.2 * (first + second), rel=1e-9)


def test_a_spiral_has_a_goldstone_mode_and_dmi_bends_the_bands():
    """A chain with J and D along it: the spiral of angle arctan(D/J) has E(0) = 0."""
    j, d, count = 0.02, 0.02 * np.tan(2 * np.pi / 8), 8
    atoms = chain((1.0,) * count)
    angles = 2 * np.pi / 8 * np.arange(count)
    tensors = [j * np.eye(3) + models.dmi_tensors((0, 0, d))]
    model = models.BondExchange("Fe", [(0, 0, 1.0)], tensors)
    for sign in (1, -1):
        spiral = np.stack([np.cos(angles), sign * np.sin(angles), 0 * angles], axis=1)
        ase_mag.set_moments(atoms, spiral)
        calc = ase_mag.MagneticCalculator(model)
        energy = calc.get_potential_energy(atoms)
        if energy < -1.3 * j * count:
            break
    found = analysis.spin_waves(atoms, model, [(0, 0, 0), (0, 0, 0.3)])
    # A soft mode at k = 0: the square root of rounding.
    assert found.energies[0, 0] < 1e-7
    assert (found.energies[1] > 1e-4).all()
    # In the rotating frame it is an easy-plane ferromagnet: E = 2 g sqrt((J' - J' c)(J' - J c)).
    k = 2 * np.pi * (0.3 + np.arange(8)) / 8
    strong = np.hypot(j, d)
    expected = 2 * units.g_electron * np.sqrt(strong * (1 - np.cos(k)) * (strong - j * np.cos(k)))
    np.testing.assert_allclose(found.energies[1], np.sort(expected), rtol=1e-7)


def test_frequency_of_a_wave_in_spin_dynamics():
    """A wave of small amplitude turns with the period h/E."""
    count, m = 10, 2.0
    model = bonds("Fe", [((0, 0, 1.0), 0.01, (0, 0))])
    energy = analysis.spin_waves(chain((m,)), model, [(0, 0, 0.2)]).energies[0, 0]
    atoms = chain((m,) * count)
    phase = 2 * np.pi * 0.2 * np.arange(count)
    directions = np.stack([1e-3 * np.cos(phase), 1e-3 * np.sin(phase), 1 + 0 * phase], axis=1)
    ase_mag.set_moments(atoms, m * directions / np.linalg.norm(directions, axis=1)[:, None])
    atoms.calc = ase_mag.MagneticCalculator(model)
    period = 2 * np.pi * units.hbar_eV_s * ase_units.s / energy
    dyn = SpinDynamics(atoms, timestep=period / 400, temperature_K=None, damping=0.0)
    start = ase_mag.get_moments(atoms)
    dyn.run(100)
    quarter = ase_mag.get_moments(atoms)
    # Each moment has turned by 90 degrees about z, from x towards -y or +y alike for all.
    turned = start[:, 0] * quarter[:, 1] - start[:, 1] * quarter[:, 0]
    assert np.abs(turned / (1e-3 * m) ** 2) == pytest.approx(1.0, abs=1e-3)


def test_path_plot_and_table():
    atoms = bulk("Fe", a=2.87)
    ase_mag.set_moments(atoms, 2.2)
    found = analysis.spin_waves(atoms, models.named("Fe-UppASD"), path="GHNGP", n_points=40)
    assert [name for _, name in found.ticks] == ["G", "H", "N", "G", "P"]
    assert found.energies.shape == (40, 1) and found.energies[0, 0] == pytest.approx(0, abs=1e-9)
    assert (np.diff(found.distances) > 0).all()
    # |GH| = 2 pi/a, in the same unit as wave vectors of structure factors.
    assert found.ticks[1][0] == pytest.approx(2 * np.pi / 2.87, rel=1e-9)
    same = analysis.commensurate_path(bulk("Fe", a=2.87, cubic=True) * 4, "GHNGP")
    assert found.distances[-1] == pytest.approx(same.distances[-1], rel=1e-9)
    given = analysis.spin_waves(atoms, models.named("Fe-UppASD"), found.q_points)
    np.testing.assert_allclose(given.distances, found.distances, rtol=1e-9)
    assert len(found.plot().axes[0].lines) >= 1
    assert "band 1 (meV)" in str(found)


def test_bad_input():
    atoms = chain((1.0, 1.0))
    model = bonds(("Fe", "Co"), [((0, 0, 1.0), -0.02, (0, 1)), ((0, 0, -1.0), -0.02, (0, 1))])
    with pytest.raises(ValueError, match="at no minimum of the energy: at q = "):
        # Parallel moments of an antiferromagnet: they precess, but uphill.
        ase_mag.set_moments(atoms, [1.0, 1.0])
        analysis.spin_waves(atoms, model, [(0, 0, 0.1)])
    ase_mag.set_moments(atoms, [[0, 0, 1.0], [0.1, 0, 1.0]])
    with pytest.raises(ValueError, match="not in equilibrium: the field of atom"):
        analysis.spin_waves(atoms, model, [(0, 0, 0)])
    ase_mag.set_moments(atoms, [1.0, 0.0])
    with pytest.raises(ValueError, match="atom 1 has no moment"):
        analysis.spin_waves(atoms, model, [(0, 0, 0)])
    ase_mag.set_moments(atoms, [1.0, -1.0])
    with pytest.raises(ValueError, match="either q_points or path"):
        analysis.spin_waves(atoms, model)
    atoms.set_cell([0, 0, 2.0])
    with pytest.raises(ValueError, match="the cell of atoms has 1: give q_points"):
        analysis.spin_waves(atoms, model, path="GX")
