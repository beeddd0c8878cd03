"""Initial orders of moments: closed forms, counts of neighbors, distributions."""

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.neighborlist import neighbor_list
from scipy.optimize import brentq

import ase_mag
from ase_mag import models
from ase_mag.build import (
    magnetic_phase,
    set_antiferromagnetic,
    set_ferromagnetic,
    set_random,
    set_spiral,
    set_thermal,
)
from ase_mag.core import get_moments


def test_ferromagnetic_sizes():
    atoms = bulk("FeCo", "cesiumchloride", a=2.85) * 2
    set_ferromagnetic(atoms, {"Fe": 2.6, "Co": 1.7}, axis=(0, 3, 4))
    expected = np.where(atoms.symbols == "Fe", 2.6, 1.7)[:, None] * [0, 0.6, 0.8]
    np.testing.assert_allclose(get_moments(atoms), expected, atol=1e-14)
    set_ferromagnetic(atoms)  # sizes stay
    sizes = np.linalg.norm(expected, axis=1)
    np.testing.assert_allclose(get_moments(atoms), sizes[:, None] * [0, 0, 1], atol=1e-14)
    set_ferromagnetic(atoms, np.arange(16.0))
    np.testing.assert_array_equal(get_moments(atoms)[:, 2], np.arange(16))


@pytest.mark.parametrize(
    "sizes, message",
    [
        (-1.0, "must not be negative, got -1.0"),
        ({"Co": 1.0}, "no moment for Fe"),
        ([1.0, 2.0, 3.0], "shape \\(3,\\)"),
        (np.ones((2, 3)), "got shape \\(2, 3\\)"),
        (np.nan, "not a finite number"),
    ],
)
def test_bad_sizes(sizes, message):
    with pytest.raises(ValueError, match=message):
        set_ferromagnetic(bulk("Fe", cubic=True), sizes)


def test_no_sizes_and_bad_axes():
    atoms = Atoms("Fe")
    with pytest.raises(ValueError, match="no moments whose sizes could be kept"):
        set_ferromagnetic(atoms)
    with pytest.raises(ValueError, match="axis must not be zero"):
        set_ferromagnetic(atoms, 2.0, axis=(0, 0, 0))
    with pytest.raises(ValueError, match="axis must be three finite numbers"):
        set_ferromagnetic(atoms, 2.0, axis=(0, 1))


@pytest.mark.parametrize(
    "atoms",
    [
        bulk("Fe", a=2.87, cubic=True) * 2,
        bulk("Po", "sc", a=3.3) * (4, 2, 2),
        bulk("NiO", "rocksalt", a=4.2),
        Atoms("Fe4", 2.5 * np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])),
    ],
)
def test_antiferromagnetic_neighbors(atoms):
    atoms = atoms.copy()
    rng = np.random.default_rng(0)
    atoms.positions += rng.uniform(-0.02, 0.02, size=atoms.positions.shape)
    set_antiferromagnetic(atoms, 2.0, axis=(1, 1, 0))
    moments = get_moments(atoms)
    np.testing.assert_allclose(abs(moments), [[2**0.5, 2**0.5, 0]] * len(atoms))
    i, j, d = neighbor_list("ijd", atoms, 4.0)
    near = d < 1.1 * d.min()
    np.testing.assert_allclose(
        np.einsum("pa,pa->p", moments[i[near]], moments[j[near]]), -4.0, atol=1e-12
    )
    assert (moments[0] > -1e-12).all()


def test_antiferromagnetic_among_magnetic_atoms_only():
    """Nickel in NiO has twelve nickel neighbors, which cannot all be opposite."""
    atoms = bulk("NiO", "rocksalt", a=4.2, cubic=True)
    with pytest.raises(ValueError, match="not all neighbors can have opposite moments"):
        set_antiferromagnetic(atoms, {"Ni": 1.9, "O": 0.0})
    with pytest.raises(ValueError, match="an odd number of cells"):
        set_antiferromagnetic(bulk("Po", "sc", a=3.3) * 3, 1.0)
    doubled = atoms * 2
    set_antiferromagnetic(doubled, {"Ni": 1.9, "O": 0.0}, layers=(1, 1, 1), pattern=(1, 0, -1, 0))
    moments = get_moments(doubled)[:, 2]
    assert (moments[doubled.symbols == "O"] == 0).all()
    # Type II order: six parallel, six antiparallel nickel neighbors, the six second ones opposite.
    i, j, d = neighbor_list("ijd", doubled, 4.3)
    nickel = (doubled.symbols[i] == "Ni") & (doubled.symbols[j] == "Ni")
    product = np.sign(moments[i] * moments[j])
    for distance, count, total in ((4.2 / 2**0.5, 12, 0), (4.2, 6, -6)):
        pairs = nickel & (abs(d - distance) < 0.01)
        np.testing.assert_array_equal(
            np.bincount(i[pairs], minlength=64)[doubled.symbols == "Ni"], count
        )
        np.testing.assert_array_equal(
            np.bincount(i[pairs], product[pairs], 64)[doubled.symbols == "Ni"], total
        )


@pytest.mark.parametrize("phase", [("bcc", "SL-AFM"), ("fcc", "SL-AFM"), ("fcc", "DL-AFM")])
def test_layers_are_those_of_magnetic_phases(phase):
    atoms = magnetic_phase(*phase, 3.4) * 2
    known = get_moments(atoms)
    pattern = (1, 1, -1, -1) if phase[1] == "DL-AFM" else (1, -1)
    set_antiferromagnetic(atoms, 2.2, layers=(0, 0, 1), pattern=pattern)
    np.testing.assert_allclose(get_moments(atoms), known, atol=1e-12)
    with pytest.raises(ValueError, match="multiples of the 3 of the pattern"):
        set_antiferromagnetic(atoms, 2.2, layers=(0, 0, 1), pattern=(1, 0, -1))
    with pytest.raises(ValueError, match="sequence of 1, -1 and 0"):
        set_antiferromagnetic(atoms, 2.2, layers=(0, 0, 1), pattern=(2,))


def test_layers_of_a_primitive_cell_and_of_a_film():
    with pytest.raises(ValueError, match="repeat the cell"):
        set_antiferromagnetic(bulk("Fe", a=2.87), 2.0, layers=(0, 0, 1))
    film = bulk("Fe", a=2.87, cubic=True) * (1, 1, 3)
    film.pbc = (True, True, False)
    set_antiferromagnetic(film, 2.0, layers=(0, 0, -1))
    heights = np.rint(film.positions[:, 2] / (2.87 / 2)).astype(int)
    np.testing.assert_allclose(get_moments(film)[:, 2], 2.0 * (-1.0) ** (5 - heights))


def test_random_directions_are_uniform():
    """Mean and second moments of 20 000 directions within five standard errors."""
    atoms = Atoms("Fe20000", magmoms=np.full(20000, 2.0))
    set_random(atoms, rng=3)
    e = get_moments(atoms) / 2.0
    np.testing.assert_allclose(np.linalg.norm(e, axis=1), 1.0)
    # <e_a> = 0, variance 1/3; <e_a e_b> = delta/3, variances 4/45 and 1/15.
    assert abs(e.mean(axis=0)).max() < 5 * np.sqrt(1 / 3 / 20000)
    assert abs((e.T @ e) / 20000 - np.eye(3) / 3).max() < 5 * np.sqrt(4 / 45 / 20000)
    again = atoms.copy()
    set_random(again, rng=3)
    np.testing.assert_allclose(get_moments(again), get_moments(atoms), rtol=1e-12)


def test_spiral_energy_and_handedness():
    """A Dzyaloshinskii-Moriya chain: E per atom = -J cos(qa) - D sin(qa) with D along the axis."""
    a, n = 2.5, 8
    chain = Atoms(f"Fe{n}", [[a * k, 0, 0] for k in range(n)], cell=[n * a, 10, 10], pbc=True)
    tensors = [np.eye(3) * 0.02, models.dmi_tensors(np.array([[0.0, 0.0, 0.01]]))[0]]
    cell = chain[:1]
    cell.set_cell([a, 10, 10])
    bonds = models.BondExchange(
        ("Fe",),
        [[a, 0, 0], [-a, 0, 0]],
        [tensors[0] + tensors[1], tensors[0] + tensors[1].T],
        [(0, 0), (0, 0)],
    )
    energies = []
    for k in (1, -1):
        q = 2 * np.pi * k / (n * a)
        set_spiral(chain, (q, 0, 0), 1.0)
        moments = get_moments(chain)
        np.testing.assert_allclose(moments[1], [np.cos(q * a), np.sin(q * a), 0], atol=1e-12)
        chain.calc = ase_mag.MagneticCalculator(bonds)
        energies.append(chain.get_potential_energy() / n)
        # -1/2 sum over both neighbors of e_i.(J + [D]).e_j by hand
        expected = -0.02 * np.cos(q * a) - 0.01 * np.sin(q * a)
        assert energies[-1] == pytest.approx(expected, abs=1e-12)
    assert energies[0] < energies[1]


def test_cones():
    atoms = bulk("Fe", a=2.87, cubic=True) * (4, 1, 1)
    q = 2 * np.pi * np.array([1 / (4 * 2.87), 0, 0])
    axis = np.array([1.0, 1.0, 1.0]) / 3**0.5
    set_spiral(atoms, q, 2.0, axis=axis, start=(1, -1, 0), cone=30.0)
    moments = get_moments(atoms)
    np.testing.assert_allclose(moments @ axis, 2 * np.cos(np.pi / 6), atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(moments, axis=1), 2.0)
    flat = moments[0] - (moments[0] @ axis) * axis
    np.testing.assert_allclose(flat, [2**-0.5, -(2**-0.5), 0], atol=1e-12)
    turned = moments - (moments @ axis)[:, None] * axis
    np.testing.assert_allclose(turned @ flat, np.cos(atoms.positions @ q), atol=1e-12)


def test_spirals_that_do_not_fit():
    atoms = bulk("Fe", a=2.87, cubic=True) * (3, 1, 1)
    q = (2 * np.pi / (4 * 2.87), 0, 0)
    with pytest.raises(ValueError, match=r"makes \[0.75, 0.0, 0.0\] turns"):
        set_spiral(atoms, q, 2.0)
    set_spiral(atoms, q, 2.0, open_ends=True)
    with pytest.raises(ValueError, match="must not be along the axis"):
        set_spiral(atoms, (0, 0, 0), 2.0, start=(0, 0, 1))
    with pytest.raises(ValueError, match="cone must be a finite angle"):
        set_spiral(atoms, (0, 0, 0), 2.0, cone=np.inf)


@pytest.mark.parametrize("order", [0.0, 0.35, 0.9, 1.0])
def test_thermal_order(order):
    """<cos> = order and <cos^2> = 1 - 2 order/x of p ~ exp(x cos), within five standard errors."""
    n = 20000
    atoms = Atoms(f"Fe{n}")
    axis = np.array([2.0, -1.0, 2.0]) / 3
    ase_mag.set_moments(atoms, np.tile(1.7 * axis, (n, 1)))
    aimed = set_thermal(atoms, order=order, rng=1)
    np.testing.assert_allclose(aimed, order, atol=1e-9)
    e = get_moments(atoms) / 1.7
    np.testing.assert_allclose(np.linalg.norm(e, axis=1), 1.0)
    cosines = e @ axis
    assert abs(cosines.mean() - order) <= 5 * cosines.std() / n**0.5 + 1e-12
    across = e - cosines[:, None] * axis
    assert np.linalg.norm(across.mean(axis=0)) <= 5 * np.sqrt(1 / n) * np.sqrt(1 - order) + 1e-12
    if 0 < order < 1:
        x = brentq(lambda x: 1 / np.tanh(x) - 1 / x - order, 1e-6, 1e3)
        squares = cosines**2
        assert abs(squares.mean() - (1 - 2 * order / x)) < 5 * squares.std() / n**0.5


def test_thermal_order_of_a_temperature():
    """Mean-field theory by hand: order = L(3 (T_c/T) order), k_B T_c = m^2 J_0/3."""
    atoms = bulk("Fe", a=2.87) * 6
    model = models.Heisenberg("Fe", models.cubic(0.2, 3.6))
    atoms.calc = ase_mag.MagneticCalculator(model)
    set_ferromagnetic(atoms, 2.2)
    field = atoms.calc.get_property("magforces", atoms)[0, 2]  # m J_0
    curie = 2.2 * field / 3 / units.kB
    for ratio in (0.3, 0.8):
        set_ferromagnetic(atoms, 2.2)
        aimed = set_thermal(atoms, temperature_K=ratio * curie, rng=2)
        x = brentq(lambda x, t: 1 / np.tanh(x) - 1 / x - x * t / 3, 0.1, 50, args=(ratio,))
        np.testing.assert_allclose(aimed, 1 / np.tanh(x) - 1 / x, atol=1e-4)
        mean = get_moments(atoms)[:, 2].mean() / 2.2
        assert abs(mean - aimed[0]) < 5 / np.sqrt(3 * len(atoms))
    set_ferromagnetic(atoms, 2.2)
    assert set_thermal(atoms, temperature_K=1.5 * curie, rng=2).max() < 1e-5


def test_thermal_arguments():
    atoms = bulk("Fe", a=2.87)
    set_ferromagnetic(atoms, 2.2)
    with pytest.raises(ValueError, match="one of order and temperature_K"):
        set_thermal(atoms, rng=1)
    with pytest.raises(ValueError, match=r"from 0 to 1, got 1\.2"):
        set_thermal(atoms, order=1.2, rng=1)
    with pytest.raises(ValueError, match="calculator with magforces"):
        set_thermal(atoms, temperature_K=300, rng=1)
    with pytest.raises(ValueError, match="positive number of kelvin"):
        set_thermal(atoms, temperature_K=-1, rng=1)
    atoms.calc = ase_mag.MagneticCalculator(models.Heisenberg("Fe", models.cubic(0.2, 3.6)))
    with pytest.raises(RuntimeError, match="after 1 steps at 300"):
        set_thermal(atoms, temperature_K=300, rng=1, max_steps=1)
