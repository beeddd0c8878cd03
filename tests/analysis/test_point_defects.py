"""Formation energies against published ones, and moments against what a Landau term must give."""

import numpy as np
import pytest

from ase_mag import models
from ase_mag.analysis import formation_energies
from ase_mag.build import POINT_DEFECTS, bcc_crystal
from ase_mag.calculators import MagneticCalculator

#: Formation energies (eV) of the potential of Mendelev et al., Phil. Mag. 83, 3977 (2003), as
#: quoted in the literature on radiation damage (Malerba et al., J. Nucl. Mater. 406, 19 (2010)).
PUBLISHED = {"vacancy": 1.71, "<110>": 3.53, "<111>": 4.02, "<100>": 4.34}


def test_mendelev_2003_against_published_energies():
    found = formation_energies(models.named("Fe-Mendelev2003"), PUBLISHED, sizes=(4, 6), moment=0)
    for kind, energy in PUBLISHED.items():
        assert found[kind].converged
        # Published for cells of about 1000 atoms: between the one of 431 and the infinite crystal.
        assert found[kind].energy == pytest.approx(energy, abs=0.012)
        assert found.extrapolated(kind) == pytest.approx(energy, abs=0.02)
    assert "(mu_B)" in str(found) and "bulk-like" not in str(found)


def test_constant_volume_and_zero_pressure_meet_in_the_infinite_crystal():
    model = models.named("Fe-Mendelev2003")
    held, free = (
        formation_energies(
            model, ["<110>"], sizes=(4, 6), moment=0, constant_volume=flag, fmax=5e-4
        )
        for flag in (True, False)
    )
    assert held["<110>"].energy - free["<110>"].energy > 0.02
    assert held.extrapolated("<110>") == pytest.approx(free.extrapolated("<110>"), abs=0.003)
    assert 1.1 < free["<110>"].volume < 1.3
    assert np.isnan(held["<110>"].volume)


def test_fehl1_by_site():
    """Every kind relaxes; moments follow the volume: larger by a vacancy, smaller in the core."""
    model = models.named("FeHL-1")
    found = formation_energies(model, sizes=4, core="parallel")
    assert [row.kind for row in found] == list(POINT_DEFECTS)
    assert all(row.converged and row.fmax < 1e-3 for row in found)
    order = sorted(POINT_DEFECTS, key=lambda kind: found[kind].energy)
    assert order == ["vacancy", "<110>", "<111>", "tetrahedral", "octahedral", "<100>"]
    vacancy, dumbbell = found["vacancy"].moments, found["<110>"].moments
    assert vacancy["1NN"] > vacancy["2NN"] > vacancy["3NN"] > 2.145 - 1e-2
    assert dumbbell["core"] < dumbbell["compressive"] < dumbbell["bulk-like"] < dumbbell["tensile"]
    assert found["<110>"].counts == {
        "core": 2, "compressive": 4, "tensile": 4, "2NN": 6, "3NN": 12, "bulk-like": 66, "near": 35
    }  # fmt: skip
    text = str(found)
    assert "E_f (eV)" in text and "moments (mu_B)" in text and "constant volume" in text
    row = next(line for line in text.splitlines() if line.startswith("vacancy"))
    assert f"{found['vacancy'].energy:10.4f}" in row
    # The energy once more, by ASE's own way.
    relaxed = found["<111>"].atoms.copy()
    relaxed.calc = MagneticCalculator(model)
    energy = relaxed.get_potential_energy() - 129 * found.energy
    assert energy == pytest.approx(found["<111>"].energy, abs=1e-9)
    forces = np.linalg.norm(relaxed.get_forces(), axis=1)
    assert forces.max() < 1e-3


def test_antiparallel_cores_are_tried_too():
    """FeHL-1 has no minimum with a reversed core: from there moments come back by themselves."""
    model = models.named("FeHL-1")
    found = {
        core: formation_energies(model, ["<110>"], sizes=3, core=core)["<110>"]
        for core in ("parallel", "antiparallel", "both")
    }
    assert found["both"].energy == min(found[c].energy for c in ("parallel", "antiparallel"))
    assert found["both"].moments["core"] == pytest.approx(2.02, abs=0.05)


def test_rattled_111_turns_to_110():
    """Without its symmetry <111> leaves its saddle point, in the potential as in the paper."""
    model = models.named("Fe-Mendelev2003")
    options = dict(sizes=4, moment=0, max_steps=1000)
    lowest = formation_energies(model, ["<110>"], **options)["<110>"]
    found = formation_energies(model, ["<111>"], rattle=0.1, rng=4, **options)["<111>"]
    assert found.converged
    assert found.energy == pytest.approx(lowest.energy, abs=2e-3)


def test_given_lattice_constant():
    model = models.named("FeHL-1")
    found = formation_energies(model, ["vacancy"], sizes=3, a=2.87)
    assert found.a == 2.87
    crystal = bcc_crystal(2.87, 3)
    crystal.calc = MagneticCalculator(model, moments="relaxed")
    assert found.energy == pytest.approx(crystal.get_potential_energy() / 54, abs=1e-9)
    assert crystal.get_magnetic_moments()[0, 2] == pytest.approx(found.moment, abs=1e-6)
    np.testing.assert_allclose(found["vacancy"].atoms.cell.lengths(), 3 * 2.87)


def test_bad_input():
    model = models.named("FeHL-1")
    for options, message in (
        ({"kinds": ["crowdion"]}, r"kinds of point defects are vacancy, .*; got \['crowdion'\]"),
        ({"kinds": []}, "got none"),
        ({"sizes": 2}, r"at least 3 repeats, got sizes=\[2\]"),
        ({"core": "up"}, "core must be one of parallel, antiparallel, both, got 'up'"),
        ({"rattle": 0.1}, "rattle needs rng"),
    ):
        with pytest.raises(ValueError, match=message):
            formation_energies(model, **options)
    found = formation_energies(model, ["vacancy"], sizes=3)
    with pytest.raises(ValueError, match=r"needs cells of two sizes, got \[3\]"):
        found.extrapolated("vacancy")
    with pytest.raises(KeyError, match="there is no '<110>'"):
        found["<110>"]
