"""Memory is used again only when nobody holds it."""

import numpy as np
import pytest

from ase_mag.core import memory
from ase_mag.core.memory import Memory


def address(array):
    return array.__array_interface__["data"][0]


@pytest.mark.skipif(not memory.COUNTED, reason="references are not counted here")
def test_memory_is_used_again():
    pool = Memory()
    first = pool.empty((4, 3))
    where = address(first)
    second = pool.empty((4, 3))
    assert address(second) != where
    part = first[2:, 0]
    del first
    assert address(pool.empty((4, 3))) != where  # a view of it is still held
    del part
    again = pool.empty((12,))
    assert address(again) == where
    assert address(pool.empty((24,), np.intc)) not in (where, address(second))
    del again
    assert address(pool.empty((24,), np.intc)) == where


def test_arrays_are_independent():
    pool = Memory()
    arrays = [pool.empty((5, 2)) for _ in range(4)]
    for index, array in enumerate(arrays):
        array[:] = index
    assert [array.sum() for array in arrays] == [0.0, 10.0, 20.0, 30.0]
    read_only = pool.empty((5, 2))
    read_only.flags.writeable = False
    del read_only
    pool.empty((5, 2))[:] = 1.0
    assert pool.empty((0, 3)).shape == (0, 3)


def test_without_counts_all_memory_is_fresh(monkeypatch):
    monkeypatch.setattr(memory, "COUNTED", False)
    pool = Memory()
    a = pool.empty((3,))
    a[:] = 1.0
    b = pool.empty((3,))
    b[:] = 2.0
    assert a.tolist() == [1.0] * 3
