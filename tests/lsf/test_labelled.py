"""Landscapes from frames that were labelled elsewhere."""

import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write

import ase_mag
from ase_mag import lsf


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
