"""Constants and conversions: the numbers of the literature, energies by brute force."""

import itertools

import numpy as np
import pytest
from ase import units as ase_units

from ase_mag import units


def test_constants():
    assert units.kB == 8.617333262e-5
    assert units.g_electron == 2.00231930436256
    assert units.mu_B == 5.7883818060e-5
    assert units.hbar_eV_s == 6.582119569e-16
    assert units.Ry == 13.605693123
    assert units.kB == pytest.approx(ase_units.kB, rel=4e-7)
    assert units.Ry == pytest.approx(ase_units.Ry, rel=1e-7)


def test_constants_against_scipy():
    from scipy import constants

    e = constants.e
    assert units.kB == pytest.approx(constants.k / e, rel=1e-9)
    assert units.mu_B == pytest.approx(
        constants.physical_constants["Bohr magneton"][0] / e, rel=1e-8
    )
    assert units.hbar_eV_s == pytest.approx(constants.hbar / e, rel=1e-9)
    g = -constants.physical_constants["electron g factor"][0]
    assert units.g_electron == pytest.approx(g, rel=1e-11)
    gamma = constants.physical_constants["electron gyromag. ratio"][0]
    assert units.gamma_SI == pytest.approx(gamma, rel=1e-8)


def test_field_and_precession():
    # 1 eV/mu_B = 17276 T; gamma = 1.760859631e11 rad/(s T); g/hbar = 30.9338 per ASE time.
    assert 1 / units.tesla == pytest.approx(17276, abs=0.5)
    assert units.gamma_SI == pytest.approx(1.760859631e11, rel=1e-9)
    assert units.gamma * 2 / units.g_electron == pytest.approx(30.9338, abs=2e-4)
    period = 2 * np.pi / (units.gamma * units.tesla) / ase_units.fs / 1000
    assert period == pytest.approx(35.682488, abs=1e-6)  # ps at 1 T


def test_energy_units():
    assert units.energy_unit("eV") == 1.0
    assert 1000 * units.energy_unit("mRy") == pytest.approx(13.605693123, rel=1e-15)
    assert units.energy_unit("meV") == 1e-3
    assert units.energy_unit("Ha") == pytest.approx(27.211386246, rel=1e-12)
    assert units.energy_unit("J") == pytest.approx(6.241509074e18, rel=1e-9)
    assert units.energy_unit("K") == units.kB
    # 1 mRy/mu_B = 235.0518 T.
    assert units.energy_unit("mRy") / units.tesla == pytest.approx(235.0518, abs=1e-4)
    for name in ("ev", "kcal/mol", None, ["eV"]):
        with pytest.raises(ValueError, match="is unknown; use one of Ha, J, K, Ry, eV, mRy, meV"):
            units.energy_unit(name)


def published_energy(convention, J, moments):
    """The Hamiltonians as they are printed; all pairs of a cluster, both orders."""
    pairs = list(itertools.permutations(range(len(moments)), 2))
    e = moments / np.linalg.norm(moments, axis=1)[:, None]
    s = -moments / units.g_electron
    return {
        "inside": lambda: -0.5 * sum(J[i, j] * moments[i] @ moments[j] for i, j in pairs),
        "MSLP": lambda: -0.5 * sum(J[i, j] * moments[i] @ moments[j] for i, j in pairs),
        "SPILADY": lambda: -0.5 * sum(J[i, j] * s[i] @ s[j] for i, j in pairs),
        "UppASD": lambda: -sum(J[i, j] * e[i] @ e[j] for i, j in pairs),
        "TB2J": lambda: -sum(J[i, j] * e[i] @ e[j] for i, j in pairs),
        "LAMMPS": lambda: -sum(J[i, j] * e[i] @ e[j] for i, j in pairs),
    }[convention]()


@pytest.mark.parametrize("unit", ["eV", "mRy", "meV"])
@pytest.mark.parametrize("convention", units.CONVENTIONS)
def test_every_convention_gives_the_energy_of_random_moments(convention, unit):
    rng = np.random.default_rng(1)
    n = 5
    sizes = rng.uniform(0.5, 3.0, n)
    moments = rng.normal(size=(n, 3))
    moments *= (sizes / np.linalg.norm(moments, axis=1))[:, None]
    J = rng.normal(size=(n, n))
    J = J + J.T
    expected = published_energy(convention, J, moments) * units.energy_unit(unit)
    unit_vectors = units.CONVENTIONS[convention][1] == "unit vectors"
    inside = np.zeros((n, n))
    for i, j in itertools.permutations(range(n), 2):
        pair = (sizes[i], sizes[j]) if unit_vectors else None
        inside[i, j] = J[i, j] * units.exchange_factor(convention, unit, pair)
    energy = -0.5 * np.einsum("ij,ia,ja->", inside, moments, moments)
    assert energy == pytest.approx(expected, rel=1e-13)


def test_pair_energies_of_the_conventions():
    """Energy of one pair of parallel moments, for J = 1 mRy (UppASD) and J = 0.870 eV (SPILADY)."""
    factor = units.exchange_factor("UppASD", "mRy", (2.23, 2.23))
    assert factor * 2.23**2 == pytest.approx(2 * 13.605693123e-3, rel=1e-12)
    # SPILADY at a = 2.8665: J1 = 33.598 meV for spins; J_M = J_S/g^2.
    j1 = 0.870 * (1 - 2.8665 * np.sqrt(0.75) / 3.75) ** 3
    assert 1000 * j1 == pytest.approx(33.598, abs=1e-3)
    factor = units.exchange_factor("SPILADY")
    assert factor * units.g_electron**2 == pytest.approx(1.0, rel=1e-15)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("VAMPIRE",), "exchange convention 'VAMPIRE' is unknown; use one of LAMMPS, MSLP"),
        (("UppASD", "mRy"), r"has unit vectors in its Hamiltonian: give the moment size"),
        (("TB2J", "meV", (2.2, 0.0)), r"moment sizes must be positive, got \(2.2, 0.0\) mu_B"),
        (("inside", "eV", (2.2, 2.2)), "moments in its Hamiltonian, so moment=.* no effect"),
        (("SPILADY", "eV", (2.2, 2.2)), "spins in its Hamiltonian, so moment=.* no effect"),
        (("inside", "mev"), "energy unit 'mev' is unknown"),
    ],
)
def test_bad_conversions(arguments, message):
    with pytest.raises(ValueError, match=message):
        units.exchange_factor(*arguments)
