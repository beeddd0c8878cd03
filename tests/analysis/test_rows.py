"""Rows that lie partly on disk are the rows that were added."""

import numpy as np
import pytest

from ase_mag.analysis.rows import Rows


@pytest.mark.parametrize("memory", [1_000_000, 100])
def test_columns_and_parts_are_those_of_the_array(memory):
    array = np.random.default_rng(0).normal(size=(37, 12)).view(complex)
    rows = Rows(6, complex, memory=memory)
    for row in array:
        rows.append(row.reshape(2, 3))
    assert len(rows) == 37
    np.testing.assert_array_equal(rows.columns(2, 5), array[:, 2:5])
    for memory_of_part, starts in ((1e9, [0]), (1.0, [0, 3])):
        parts = list(rows.parts(3, memory_of_part))
        assert [start for start, _ in parts] == starts
        np.testing.assert_array_equal(np.hstack([part for _, part in parts]), array)
    rows.append(array[0])  # after reading, rows still go to the end
    np.testing.assert_array_equal(rows.columns(), np.vstack([array, array[:1]]))
    rows.close()


def test_a_row_of_another_length():
    with pytest.raises(ValueError, match=r"a row has 6 numbers, got the shape \(4,\)"):
        Rows(6).append(np.zeros(4))
