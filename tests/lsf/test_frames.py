"""Displaced frames with new moment directions."""

import numpy as np
import pytest
from ase.build import bulk
from ase.io import read, write

import ase_mag
from ase_mag import lsf


def test_displacements_and_directions_have_the_right_distribution():
    """108,000 numbers: mean 0 +- 0.173/sqrt(n), variance within 4 standard errors; seed 3."""
    atoms = bulk("Fe", a=2.877, cubic=True) * (3, 3, 3)
    ase_mag.set_moments(atoms, 2.2)
    frames = lsf.snapshots(atoms, displacement=0.173, directions="random", count=2000 // 3, rng=3)
    moved = np.array([f.positions - atoms.positions for f in frames])
    n = moved.size
    assert abs(moved.mean()) < 4 * 0.173 / np.sqrt(n)
    assert abs(moved.var() / 0.173**2 - 1) < 4 * np.sqrt(2 / n)
    e = np.array([ase_mag.get_moments(f) for f in frames]) / 2.2
    np.testing.assert_allclose(np.linalg.norm(e, axis=2), 1.0, atol=1e-13)
    assert np.abs(e.mean(axis=(0, 1))).max() < 4 / np.sqrt(3 * n / 3)
    # On the sphere every component is uniform in (-1, 1): <x^2> = 1/3, <x^4> = 1/5.
    assert np.abs((e**2).mean(axis=(0, 1)) - 1 / 3).max() < 4 * np.sqrt((1 / 5 - 1 / 9) / (n / 3))
    assert np.abs((e**4).mean(axis=(0, 1)) - 1 / 5).max() < 4 * np.sqrt((1 / 9 - 1 / 25) / (n / 3))


def test_seeds_and_generators(iron):
    first = lsf.snapshots(iron, 0.1, count=2, rng=7)
    again = lsf.snapshots(iron, 0.1, count=2, rng=np.random.default_rng(7))
    other = lsf.snapshots(iron, 0.1, count=2, rng=8)
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a.positions, b.positions)
        np.testing.assert_array_equal(ase_mag.get_moments(a), ase_mag.get_moments(b))
        assert not np.allclose(a.positions, c.positions)
    assert not np.allclose(first[0].positions, first[1].positions)


def test_the_input_is_not_changed_and_ideal_sites_are_kept(iron):
    before = iron.copy()
    frames = lsf.snapshots(iron, 0.1, count=2, rng=1)
    assert iron == before and set(iron.arrays) == set(before.arrays)
    for frame in frames:
        np.testing.assert_array_equal(frame.arrays["ideal_positions"], iron.positions)
        assert frame.calc is None
    again = lsf.snapshots(frames[0], 0.05, rng=2)[0]
    np.testing.assert_array_equal(again.arrays["ideal_positions"], iron.positions)
    assert np.abs(again.positions - iron.positions).max() < 0.3


def test_ideal_sites_survive_extended_xyz(iron, tmp_path):
    frame = lsf.snapshots(iron, 0.1, rng=1)[0]
    write(tmp_path / "frame.extxyz", frame)
    back = read(tmp_path / "frame.extxyz")
    np.testing.assert_allclose(
        back.arrays["ideal_positions"], frame.arrays["ideal_positions"], atol=1e-7
    )


def test_directions_and_sizes(iron):
    ferro = lsf.snapshots(iron, 0.0, directions="ferro", rng=1)[0]
    np.testing.assert_allclose(ase_mag.get_moments(ferro), np.tile([0, 0, 2.2], (16, 1)))
    np.testing.assert_array_equal(ferro.positions, iron.positions)
    wanted = np.tile([3.0, 0.0, -4.0], (16, 1))
    wanted[2] = 0.0
    one = lsf.snapshots(iron, 0.1, directions=wanted, count=2, rng=1, sizes=np.linspace(1, 2, 16))
    for frame in one:
        sizes = np.linspace(1, 2, 16)[:, None]
        np.testing.assert_allclose(ase_mag.get_moments(frame), sizes * wanted / 5, atol=1e-14)
    each = np.stack([wanted, -wanted])
    two = lsf.snapshots(iron, 0.1, directions=each, count=2, rng=1, sizes=1.5)
    np.testing.assert_allclose(ase_mag.get_moments(two[1]), -1.5 * wanted / 5, atol=1e-14)


def test_bad_input_is_explained(iron):
    with pytest.raises(ValueError, match=r"displacement must be .* got -0\.1 angstrom"):
        lsf.snapshots(iron, -0.1, rng=1)
    with pytest.raises(ValueError, match="count must be a positive integer, got 0"):
        lsf.snapshots(iron, 0.1, count=0, rng=1)
    with pytest.raises(ValueError, match=r"directions 'up' are unknown; use 'random', 'ferro'"):
        lsf.snapshots(iron, 0.1, directions="up", rng=1)
    with pytest.raises(ValueError, match=r"directions have shape \(5, 3\); allowed are \(16, 3\)"):
        lsf.snapshots(iron, 0.1, directions=np.ones((5, 3)), rng=1)
    with pytest.raises(ValueError, match="directions contain NaN"):
        lsf.snapshots(iron, 0.1, directions=np.full((16, 3), np.nan), rng=1)
    with pytest.raises(ValueError, match="give rng, an integer seed"):
        lsf.snapshots(iron, 0.1)
    with pytest.raises(ValueError, match=r"sizes must be a number or \(16,\) numbers"):
        lsf.snapshots(iron, 0.1, rng=1, sizes=[1.0, 2.0])
    with pytest.raises(ValueError, match=r"atoms have no moments.*set_moments"):
        lsf.snapshots(bulk("Cu"), 0.1, rng=1)
