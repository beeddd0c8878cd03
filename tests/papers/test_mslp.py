"""Chapman and Ma (2022) on synthetic iron: the trained set beside its reference."""

import pytest

from ase_mag import models
from ase_mag.analysis import formation_energies, phase_table

PHASES = (("bcc", "FM"), ("bcc", "SL-AFM"), ("bcc", "NM"))


def reference():
    """What Fe-MSLP-FeHL1 was trained on."""
    three_sites = models.ThreeSiteExchange("Fe", models.cubic(1.0, 3.75), 0.01)
    return models.named("FeHL-1") + three_sites


@pytest.fixture(scope="module")
def trained():
    return models.named("Fe-MSLP-FeHL1")


def test_phases(trained):
    """Table 1: lattice constants to 0.004 angstrom, 0.01 mu_B, energies to 2 meV/atom."""
    for found, true in zip(
        phase_table(trained, PHASES), phase_table(reference(), PHASES), strict=True
    ):
        assert found.exists and true.exists
        assert found.a == pytest.approx(true.a, abs=0.004)
        assert found.moment == pytest.approx(true.moment, abs=0.01)
        assert found.difference == pytest.approx(true.difference, abs=0.002)


@pytest.mark.slow
def test_point_defects(trained):
    """Table 2: formation energies to 0.05 eV, moments to 0.03 mu_B, <110> the stablest dumbbell."""
    found, true = (list(formation_energies(m, sizes=(5,))) for m in (trained, reference()))
    energies = {row.kind: row.energy for row in found}
    assert len(found) == 6 and all(row.converged for row in found)
    for ours, theirs in zip(found, true, strict=True):
        assert ours.energy == pytest.approx(theirs.energy, abs=0.05)
        assert set(ours.moments) == set(theirs.moments)
        for site, moment in theirs.moments.items():
            assert ours.moments[site] == pytest.approx(moment, abs=0.03)
    assert energies["<110>"] == min(energies[kind] for kind in energies if kind != "vacancy")
