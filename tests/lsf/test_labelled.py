"""Landscapes from frames that were labelled elsewhere."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write

import ase_mag
from ase_mag import lsf, models
from ase_mag.reference import ConstrainedModel


def labelled(frames, calc):
    """Return copies that hold their energies."""
    out = []
    for frame in frames:
        new = frame.copy()
        frame.calc = calc
        new.calc = SinglePointCalculator(new, energy=frame.get_potential_energy())
        out.append(new)
    return out


def test_labelled_scans_give_the_known_landscapes(frames, quartic, tmp_path):
    scans = lsf.scan_frames(frames[:2], sizes=5, atoms=(0, 7))
    assert len(scans) == 2 * 2 * 5
    assert [f.info["landscape"] for f in scans[::5]] == [0, 1, 2, 3]
    np.testing.assert_allclose(
        np.linalg.norm(ase_mag.get_moments(scans[7])[7]), np.linspace(0.5, 2.9, 5)[2]
    )
    np.testing.assert_allclose(
        ase_mag.get_moments(scans[7])[:7], ase_mag.get_moments(frames[0])[:7]
    )
    write(tmp_path / "scans.extxyz", labelled(scans, quartic))
    table = lsf.landscapes_from_frames(read(tmp_path / "scans.extxyz", ":"))
    assert table.atom.tolist() == [0, 7, 0, 7] and len(table.frames) == 4
    for row, frame in zip(table, (frames[0], frames[0], frames[1], frames[1]), strict=True):
        a, b = quartic.landscapes(frame)
        # Positions in extended xyz files have eight digits.
        assert abs(row.a - a[row.atom]) < 1e-9 and abs(row.b - b[row.atom]) < 1e-9
    assert np.isnan(table.relaxed).all() and table.error.max() < 1e-9
    np.testing.assert_allclose(table.sizes[0], np.linspace(0.5, 2.9, 5))
    lsf.LsfPredictor().fit(table)


def test_both_passes_of_thermal_sizes_on_labelled_frames(tmp_path):
    """Zero background, then the mean sizes of these landscapes: as lsf.landscapes does it."""
    dense = bulk("Fe", a=2.41, cubic=True)
    ase_mag.set_moments(dense, 1.0)
    frames = lsf.snapshots(dense, 0.2, count=2, rng=5)
    calc = ConstrainedModel(models.named("FeHL-1"))
    options = {"background": "nonmagnetic", "progress": False}

    def labels(background):
        scans = lsf.scan_frames(frames, background=background)
        write(tmp_path / "scans.extxyz", labelled(scans, calc))
        return lsf.landscapes_from_frames(read(tmp_path / "scans.extxyz", ":"))

    first, expected = labels(0.0), lsf.landscapes(frames, calc, **options)
    np.testing.assert_allclose(first.a, expected.a, rtol=1e-6)
    sizes = lsf.mean_moment(first.a, first.b, 6000).reshape(2, -1)
    second = labels(sizes)
    expected = lsf.landscapes(frames, calc, temperature_K=6000, **options)
    np.testing.assert_allclose(second.a, expected.a, rtol=1e-6)
    np.testing.assert_allclose(second.b, expected.b, rtol=1e-6)
    assert np.abs(second.a / first.a - 1).max() > 0.01
    # One frame per scan; directions are those of the frames in either case.
    for k, frame in enumerate(second.frames):
        given = ase_mag.get_moments(frames[k // 2])
        np.testing.assert_allclose(ase_mag.get_moments(frame), given, atol=1e-7)
        assert "frame_magmoms" not in frame.arrays
    X, _ = lsf.LsfPredictor(3).training_data(second)
    Y, _ = lsf.LsfPredictor(3).training_data(expected)
    np.testing.assert_allclose(X, Y, atol=1e-6)
    with pytest.raises(ValueError, match=r"must be a number, \(2,\) or \(2, 2\) numbers"):
        lsf.scan_frames(frames, background=[1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"not negative, got an array of shape \(\): -1"):
        lsf.scan_frames(frames, background=-1)


def test_two_lists_of_scans_in_one_file(frames, quartic):
    both = lsf.scan_frames(frames[:1], atoms=[2]) + lsf.scan_frames(frames[1:2], atoms=[2])
    with pytest.raises(ValueError, match=r"landscape 0 is not a scan.*scan_frames\(\.\.\., first="):
        lsf.landscapes_from_frames(labelled(both, quartic))
    both = lsf.scan_frames(frames[:1], atoms=[2]) + lsf.scan_frames(frames[1:2], atoms=[2], first=1)
    table = lsf.landscapes_from_frames(labelled(both, quartic))
    expected = [quartic.landscapes(frame)[0][2] for frame in frames[:2]]
    np.testing.assert_allclose(table.a, expected, atol=1e-9)


def test_targets_of_a_constrained_calculation_count(frames, quartic):
    scans = labelled(lsf.scan_frames(frames[:1], sizes=4, atoms=[2]), quartic)
    expected = lsf.landscapes_from_frames(scans)
    for scan in scans:
        energy = scan.get_potential_energy()
        scan.set_array("target_magmoms", ase_mag.get_moments(scan))
        ase_mag.set_moments(scan, 0.0)
        scan.calc = SinglePointCalculator(scan, energy=energy)
    found = lsf.landscapes_from_frames(scans[::-1])
    np.testing.assert_allclose(found.a, expected.a, rtol=1e-12)
    assert "target_magmoms" not in found.frames[0].arrays


def test_a_reference_gives_ideal_sites(frames, quartic, iron):
    scans = labelled(lsf.scan_frames(frames[:1], sizes=4, atoms=[2]), quartic)
    for scan in scans:
        energy = scan.get_potential_energy()
        del scan.arrays["ideal_positions"]
        scan.set_cell(1.01 * scan.cell, scale_atoms=True)
        scan.calc = SinglePointCalculator(scan, energy=energy)
    table = lsf.landscapes_from_frames(scans, reference=iron)
    np.testing.assert_array_equal(table.frames[0].arrays["ideal_positions"], iron.positions)
    np.testing.assert_array_equal(table.frames[0].info["ideal_cell"], iron.cell.array)
    with pytest.raises(ValueError, match=r"the reference Fe8 and landscape 0 \(Fe16\) differ"):
        lsf.landscapes_from_frames(scans, reference=iron[:8])


def test_bad_fits_are_recorded(frames, quartic):
    scans = labelled(lsf.scan_frames(frames[:1], sizes=5, atoms=[2, 3]), quartic)
    scans[8].calc.results["energy"] += 1.0
    table = lsf.landscapes_from_frames(scans)
    assert table.atom.tolist() == [2]
    assert table.failures[0]["atom"] == 3 and "misses the energies" in table.failures[0]["reason"]
    with pytest.raises(ValueError, match="every fit was refused, the first because the fit of"):
        lsf.landscapes_from_frames(scans[5:])


def test_bad_input_is_explained(frames, quartic):
    scans = labelled(lsf.scan_frames(frames[:1], sizes=4, atoms=[2]), quartic)
    with pytest.raises(ValueError, match="frame 0 has no info"):
        lsf.landscapes_from_frames(frames)
    moved = [scan.copy() for scan in scans]
    for new, old in zip(moved, scans, strict=True):
        new.calc = old.calc
    moved[1].positions[0] += 0.1
    with pytest.raises(ValueError, match="landscape 0 is not a scan: positions, cell"):
        lsf.landscapes_from_frames(moved)
    turned = ase_mag.get_moments(scans[1])
    turned[2] = turned[2][::-1]
    ase_mag.set_moments(scans[1], turned)
    with pytest.raises(ValueError, match="landscape 0 is not a scan"):
        lsf.landscapes_from_frames(scans)
    del scans[0].info["scanned_atom"]
    with pytest.raises(ValueError, match="landscape 0 does not say its atom"):
        lsf.landscapes_from_frames(scans)
    with pytest.raises(ValueError, match="there are no frames"):
        lsf.landscapes_from_frames([])
    moments = ase_mag.get_moments(frames[0])
    moments[3] = 0.0
    ase_mag.set_moments(frames[0], moments)
    with pytest.raises(ValueError, match="atom 3 of frame 0 has no moment"):
        lsf.scan_frames(frames)
