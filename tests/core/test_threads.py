"""The number of threads."""

import pytest

import ase_mag
from ase_mag.core.threads import threads_for


@pytest.fixture(autouse=True)
def restore():
    yield
    ase_mag.set_threads(None)


def test_set_and_get(monkeypatch):
    ase_mag.set_threads(3)
    assert ase_mag.get_threads() == 3
    ase_mag.set_threads(None)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert ase_mag.get_threads() == 5
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert ase_mag.get_threads() >= 1
    monkeypatch.setenv("OMP_NUM_THREADS", "0")
    assert ase_mag.get_threads() == 1


def test_small_work_takes_one_thread():
    ase_mag.set_threads(4)
    assert [threads_for(n) for n in (0, 100, 39_999, 40_000, 10**7)] == [1, 1, 1, 2, 4]


@pytest.mark.parametrize("n", [0, -1, 1.5])
def test_bad_number(n):
    with pytest.raises(ValueError, match="threads must be a positive integer or None, got"):
        ase_mag.set_threads(n)
