"""Tables of landscapes."""

import csv

import numpy as np
import pytest

import ase_mag
from ase_mag import lsf


def test_rows_slices_and_sums(table):
    row = table[20]
    assert isinstance(row, lsf.Landscape)
    assert (row.frame, row.atom) == (1, 4)
    assert row.a == table.a[20] and row.minimum == table.minimum[20]
    np.testing.assert_allclose(row.energy(row.sizes), row.energies, atol=1e-12)
    assert row.energy(0.0) == row.constant
    assert [r.atom for r in table[:3]] == [0, 1, 2]
    some = table[table.a > np.median(table.a)]
    assert len(some) == 32 and len(some.frames) == 4
    np.testing.assert_array_equal(table[[3, 1]].a, table.a[[3, 1]])
    both = table[:10] + table[60:]
    assert len(both) == 14 and len(both.frames) == 8
    np.testing.assert_array_equal(both.frame[10:], table.frame[60:] + 4)
    assert both.frames[both.frame[-1]] == table.frames[3]
    with pytest.raises(IndexError):
        table[64]


def test_tables_with_different_scans_add(frames, quartic):
    three = lsf.landscapes(frames[0], quartic, sizes=3, progress=False)
    five = lsf.landscapes(frames[1], quartic, sizes=5, progress=False)
    both = three + five
    assert both.sizes.shape == (32, 5)
    assert np.isnan(both.sizes[:16, 3:]).all() and np.isfinite(both.sizes[16:]).all()


def test_files_keep_everything(table, tmp_path):
    table.save(tmp_path / "table.npz")
    back = lsf.LandscapeTable.load(tmp_path / "table.npz")
    for name in ("frame", "atom", "a", "b", "constant", "error", "relaxed", "sizes", "energies"):
        np.testing.assert_array_equal(getattr(back, name), getattr(table, name))
    for old, new in zip(table.frames, back.frames, strict=True):
        np.testing.assert_array_equal(new.positions, old.positions)
        np.testing.assert_array_equal(new.cell, old.cell)
        np.testing.assert_array_equal(new.pbc, old.pbc)
        np.testing.assert_array_equal(ase_mag.get_moments(new), ase_mag.get_moments(old))
        np.testing.assert_array_equal(new.arrays["ideal_positions"], old.arrays["ideal_positions"])


def test_csv_has_units(table, tmp_path):
    table.to_csv(tmp_path / "table.csv")
    with (tmp_path / "table.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0][2:5] == ["a (eV/mu_B^2)", "b (eV/mu_B^4)", "constant (eV)"]
    assert len(rows) == 65
    assert float(rows[7][2]) == table.a[6]


def test_summary_has_numbers_with_units(table):
    assert repr(table) == "<LandscapeTable: 64 landscapes of 4 frames>"
    text = str(table)
    assert f"{table.a.mean():.5f}" in text
    for unit in ("eV/mu_B^2", "eV/mu_B^4", "mu_B", "meV"):
        assert unit in text


def test_minimum_and_bounded(table):
    kinds = table[:4]
    kinds.a[:] = [-0.1, 0.1, -0.1, 0.1]
    kinds.b[:] = [0.02, 0.0, 0.0, -0.02]
    np.testing.assert_array_equal(kinds.bounded, [True, True, False, False])
    np.testing.assert_allclose(kinds.minimum, [np.sqrt(2.5), 0, np.nan, np.nan])


def test_bad_input_is_explained(table, tmp_path):
    with pytest.raises(FileNotFoundError):
        lsf.LandscapeTable.load(tmp_path / "none.npz")
    lsf.LsfPredictor().save(tmp_path / "predictor.npz")
    with pytest.raises(ValueError, match="holds a LsfPredictor, not a LandscapeTable"):
        lsf.LandscapeTable.load(tmp_path / "predictor.npz")
    columns = {name: getattr(table, name) for name in ("frame", "atom", "a", "b", "constant")}
    with pytest.raises(ValueError, match=r"column 'error' has shape \(3,\), but there are 64 rows"):
        lsf.LandscapeTable(
            table.frames, **columns, error=np.zeros(3), relaxed=np.zeros(64), sizes=0, energies=0
        )
