"""Site descriptors of the longitudinal-fluctuation paper."""

from math import atan2, hypot, pi, sqrt

import numpy as np
import pytest
from ase.build import bulk

from ase_mag.descriptors import SiteDescriptor, voronoi_volumes

CUBE = bulk("Fe", a=2.877, cubic=True)


def displaced(repeat=(3, 3, 3), seed=1):
    """An ideal lattice, displaced positions, and random moments."""
    rng = np.random.default_rng(seed)
    ideal = CUBE * repeat
    positions = ideal.positions + rng.normal(0, 0.173, (len(ideal), 3))
    return ideal, positions, rng.normal(size=(len(ideal), 3))


def one_site(i, ideal, positions, moments, shells, kind):
    """Features of one site, atom by atom and image by image."""
    cell = ideal.cell.array
    found = []
    for j in range(len(ideal)):
        for shift in np.ndindex(7, 7, 7):
            shift = (np.array(shift) - 3) @ cell
            r = ideal.positions[j] + shift - ideal.positions[i]
            distance = np.linalg.norm(r)
            if 1e-6 < distance < 6.6:
                theta = round(atan2(hypot(r[0], r[1]), r[2]), 3)
                phi = round(atan2(round(r[1], 6) + 0.0, round(r[0], 6) + 0.0), 3)
                found.append((round(distance, 3), theta, phi, j, tuple(shift)))
    found.sort()
    last = sorted({f[0] for f in found})[shells - 1]
    e = [m / np.linalg.norm(m) if m.any() else m for m in moments]
    features = [voronoi_volumes(positions, cell)[i]]
    spins = [*e[i]] if kind == 1 else []
    for distance, theta0, phi0, j, shift in found:
        if distance <= last:
            x, y, z = positions[j] + shift - positions[i]
            r = sqrt(x * x + y * y + z * z)
            phi = atan2(y, x)
            phi += 2 * pi * round((phi0 - phi) / (2 * pi))
            if theta0 in (0.0, round(pi, 3)):
                phi = 0.0
            features += [r, np.arccos(z / r), phi]
            spins += [*e[j]] if kind == 1 else [e[i] @ e[j]]
    return features + ([sum(spins)] if kind == 3 else spins)


def test_kind_4_is_kind_2_and_the_relaxed_size():
    ideal, positions, moments = displaced((2, 2, 2))
    cell, relaxed = ideal.cell.array, np.linspace(1, 2, 16)
    sites = SiteDescriptor(4, 2).sites(ideal.positions, cell)
    features = SiteDescriptor(4, 2)(sites, positions, cell, moments, relaxed)
    np.testing.assert_array_equal(features[:, -1], relaxed)
    np.testing.assert_array_equal(
        features[:, :-1], SiteDescriptor(2, 2)(sites, positions, cell, moments)
    )
    assert SiteDescriptor(4, 2).labels(sites.n_neighbors)[-1] == "m_0"
    with pytest.raises(ValueError, match="1 that are not finite"):
        SiteDescriptor(4, 2)(sites, positions, cell, moments, np.where(relaxed == 1, np.nan, 1))


def test_legacy_angles_are_those_of_atan2():
    ideal, positions, moments = displaced((2, 2, 2))
    cell = ideal.cell.array
    sites = SiteDescriptor(3, 2).sites(ideal.positions, cell)
    features = SiteDescriptor(3, 2, legacy=True)(sites, positions, cell, moments)
    vectors = sites.vectors(positions, cell)
    np.testing.assert_array_equal(features[:, 3:43:3], np.arctan2(vectors[..., 1], vectors[..., 0]))


@pytest.mark.parametrize(
    "atoms, counts",
    [
        (bulk("Po", "sc", a=3.3), [6, 18, 26]),
        (bulk("Fe", "fcc", a=3.6), [12, 18, 42]),
        (bulk("Co", "hcp", a=2.51, c=4.07), [6, 12, 18]),
        (bulk("Si", "diamond", a=5.4), [4, 16, 28]),
        (bulk("In", "bct", a=3.25, c=4.95), [4, 12, 16]),
    ],
)
@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_any_crystal(atoms, counts, kind):
    """Features of a repeated primitive cell agree with those of the primitive cell."""
    rng = np.random.default_rng(5)
    for shells, count in enumerate(counts, start=1):
        descriptor = SiteDescriptor(kind, shells)
        large = atoms * (3, 2, 2)
        moments, relaxed = rng.normal(size=(len(atoms), 3)), rng.uniform(1, 2, len(atoms))
        rows = [
            descriptor(
                descriptor.sites(cell.positions, cell.cell.array),
                cell.positions,
                cell.cell.array,
                np.tile(moments, (len(cell) // len(atoms), 1)),
                np.tile(relaxed, len(cell) // len(atoms)),
            )
            for cell in (atoms, large)
        ]
        assert descriptor.sites(atoms.positions, atoms.cell.array).n_neighbors == count
        np.testing.assert_allclose(rows[1], np.tile(rows[0], (12, 1)), atol=1e-9)
        np.testing.assert_allclose(rows[0][:, 0].sum(), atoms.cell.volume, rtol=1e-10)


def test_crystals_with_unlike_sites_are_explained():
    """A15: two kinds of sites with different numbers of neighbors."""
    from ase.spacegroup import crystal

    a15 = crystal(
        ["W", "W"], [(0, 0, 0), (0.25, 0, 0.5)], spacegroup=223, cellpar=[5.0] * 3 + [90] * 3
    )
    with pytest.raises(ValueError, match="the descriptor needs equal numbers"):
        SiteDescriptor(3, 1).sites(a15.positions, a15.cell.array)


def test_perfect_ferromagnetic_bcc():
    ideal = CUBE * (3, 3, 3)
    descriptor = SiteDescriptor(kind=3, shells=1)
    sites = descriptor.sites(ideal.positions, ideal.cell.array)
    moments = np.tile([0.0, 0.0, 2.2], (54, 1))
    features = descriptor(sites, ideal.positions, ideal.cell.array, moments)
    assert features.shape == (54, 26)
    np.testing.assert_allclose(features, np.broadcast_to(features[0], (54, 26)), atol=1e-12)
    assert abs(features[0, 0] - 11.906650066) < 1e-9
    np.testing.assert_allclose(features[0, 1:25:3], 2.491555087, atol=1e-9)
    np.testing.assert_allclose(
        features[0, 2:25:3], [0.955316618] * 4 + [2.186276035] * 4, atol=1e-9
    )
    quarter = [-2.356194490, -0.785398163, 0.785398163, 2.356194490]
    np.testing.assert_allclose(features[0, 3:25:3], quarter * 2, atol=1e-9)
    assert abs(features[0, 25] - 8) < 1e-12


@pytest.mark.parametrize("kind", [1, 2, 3])
@pytest.mark.parametrize("shells", [1, 2, 3])
def test_a_loop_over_atoms_and_images_gives_the_same(kind, shells):
    ideal, positions, moments = displaced((2, 2, 2))
    moments[3] = 0.0
    descriptor = SiteDescriptor(kind, shells)
    sites = descriptor.sites(ideal.positions, ideal.cell.array)
    features = descriptor(sites, positions, ideal.cell.array, moments)
    for i in (0, 3, 7):
        expected = one_site(i, ideal, positions, moments, shells, kind)
        np.testing.assert_allclose(features[i], expected, atol=2e-12)
    assert len(descriptor.labels(sites.n_neighbors)) == features.shape[1]


@pytest.mark.parametrize("shells, expected", [(1, 8), (2, 14), (3, 26), (4, 50), (5, 58)])
@pytest.mark.parametrize("repeat", [(1, 1, 1), (3, 3, 3)])
def test_shells_of_bcc(shells, expected, repeat):
    ideal = CUBE * repeat
    sites = SiteDescriptor(3, shells).sites(ideal.positions, ideal.cell.array)
    assert sites.neighbors.shape == (len(ideal), expected)


@pytest.mark.parametrize(
    "atoms, counts",
    [(bulk("Cu"), [12, 18, 42]), (bulk("Co", c=2.51 * sqrt(8 / 3), a=2.51), [12, 18, 20])],
)
def test_shells_of_close_packed_lattices(atoms, counts):
    for shells, count in enumerate(counts, start=1):
        sites = SiteDescriptor(3, shells).sites(atoms.positions, atoms.cell.array)
        assert sites.n_neighbors == count


def test_rounding_of_the_ideal_lattice_does_not_change_the_order():
    ideal = CUBE * (2, 2, 2)
    descriptor = SiteDescriptor(3, 4)
    exact = descriptor.sites(ideal.positions, ideal.cell.array)
    rng = np.random.default_rng(2)
    for noise in (1e-15, 1e-8, 1e-5):
        positions = ideal.positions + rng.uniform(-noise, noise, ideal.positions.shape)
        rough = descriptor.sites(positions, ideal.cell.array)
        np.testing.assert_array_equal(rough.neighbors, exact.neighbors)
        np.testing.assert_allclose(rough.azimuths, exact.azimuths, atol=3 * noise + 1e-9)


def test_angles_do_not_jump_at_the_negative_x_axis():
    """Second shell of bcc: the ideal neighbor along -x has phi = pi, displaced ones stay near."""
    ideal = CUBE * (3, 3, 3)
    descriptor = SiteDescriptor(3, 2)
    sites = descriptor.sites(ideal.positions, ideal.cell.array)
    along = np.flatnonzero(np.abs(sites.azimuths[0] - pi) < 1e-9)
    assert len(along) == 1
    moments = np.ones((54, 3))
    values = []
    for y in (-1e-3, 1e-3):
        positions = ideal.positions.copy()
        positions[sites.neighbors[0, along[0]], 1] += y
        features = descriptor(sites, positions, ideal.cell.array, moments)
        values.append(features[0, 1 + 3 * along[0] + 2])
    np.testing.assert_allclose(values, [pi + 1e-3 / 2.877, pi - 1e-3 / 2.877], atol=1e-9)


def test_drift_wrapping_and_order_of_atoms_do_not_matter():
    ideal, positions, moments = displaced()
    cell = ideal.cell.array
    descriptor = SiteDescriptor(2, 2)
    sites = descriptor.sites(ideal.positions, cell)
    features = descriptor(sites, positions, cell, moments)
    rng = np.random.default_rng(3)
    moved = positions + rng.integers(-2, 3, (54, 3)) @ cell + [40.0, -3.3, 0.7]
    np.testing.assert_allclose(descriptor(sites, moved, cell, moments), features, atol=1e-10)
    np.testing.assert_allclose(
        sites.displacements(moved, cell), sites.displacements(positions, cell), atol=1e-10
    )
    order = rng.permutation(54)
    shuffled = descriptor.sites(ideal.positions[order], cell)
    np.testing.assert_allclose(
        descriptor(shuffled, positions[order], cell, moments[order]), features[order], atol=1e-10
    )


def test_a_strained_cell_keeps_its_neighbors():
    ideal, positions, moments = displaced()
    strain = np.eye(3) + [[0.03, 0.01, 0], [0, -0.02, 0.02], [0.01, 0, 0.05]]
    cell = ideal.cell.array @ strain
    descriptor = SiteDescriptor(3, 1)
    sites = descriptor.sites(ideal.positions, ideal.cell.array)
    vectors = sites.vectors(positions @ strain, cell)
    np.testing.assert_allclose(
        vectors, sites.vectors(positions, ideal.cell.array) @ strain, atol=1e-12
    )
    features = descriptor(sites, positions @ strain, cell, moments)
    np.testing.assert_allclose(features[:, 0], voronoi_volumes(positions @ strain, cell))


def test_only_directions_count_and_zero_moments_have_none():
    ideal, positions, moments = displaced()
    moments[5] = 0.0
    for kind in (1, 2, 3):
        descriptor = SiteDescriptor(kind, 1)
        sites = descriptor.sites(ideal.positions, ideal.cell.array)
        features = descriptor(sites, positions, ideal.cell.array, moments)
        scaled = descriptor(sites, positions, ideal.cell.array, 1e-3 * moments)
        np.testing.assert_allclose(scaled, features, atol=1e-13)
        if kind > 1:
            np.testing.assert_array_equal(features[5, 25:], 0.0)


def test_bad_input_is_explained():
    ideal, positions, _ = displaced((2, 2, 2))
    cell = ideal.cell.array
    with pytest.raises(ValueError, match="descriptor 5 is unknown; use 1"):
        SiteDescriptor(5)
    with pytest.raises(ValueError, match="shells must be a positive integer, got 0"):
        SiteDescriptor(3, 0)
    with pytest.raises(ValueError, match="non-periodic cell where periodicity is needed"):
        SiteDescriptor().sites(ideal.positions, cell, pbc=False)
    with pytest.raises(ValueError, match=r"neighbors in 2 shells.*without displacements"):
        SiteDescriptor(3, 2).sites(positions, cell)
