import numpy as np
import pytest

from ase_mag import _kernels
from ase_mag.core import set_threads
from ase_mag.dynamics.noise import Noise, seed_from


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ([0] * 4, [0] * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_known_answers(counter, key, words):
    """Known-answer vectors of Philox4x32-10 published with the Random123 library."""
    assert [f"{word:08x}" for word in _kernels.noise.words(counter, key)] == words.split()


def test_normal_moments():
    """Mean 0, variance 1, kurtosis 3, no correlation between components, atoms or steps."""
    noise = Noise(seed=11, stream=3)
    x = np.array([noise.normal(1000) for _ in range(400)])  # 1.2e6 numbers
    n = x.size
    assert abs(x.mean()) < 3 / np.sqrt(n)
    assert abs(x.var() - 1) < 3 * np.sqrt(2 / n)
    assert abs((x**4).mean() - 3) < 3 * np.sqrt(96 / n)
    for y, z in [
        (x[..., 0], x[..., 1]),
        (x[..., 1], x[..., 2]),
        (x[1:], x[:-1]),
        (x[:, 1:], x[:, :-1]),
    ]:
        assert abs((y * z).mean()) < 3 / np.sqrt(y.size)


def test_streams_seeds_and_steps_differ_and_repeat():
    draws = [Noise(1, 1).normal(4), Noise(1, 2).normal(4), Noise(2, 1).normal(4)]
    again = Noise(1, 1)
    again.normal(4)
    draws.append(again.normal(4))
    assert len({draw.tobytes() for draw in draws}) == 4
    assert np.array_equal(Noise(1, 1).normal(4), draws[0])
    # The noise of an atom does not depend on how many atoms there are.
    assert np.array_equal(Noise(1, 1).normal(9)[:4], draws[0])


def test_threads_do_not_matter():
    try:
        set_threads(1)
        one = Noise(5, 1).normal(5000)
        set_threads(2)
        two = Noise(5, 1).normal(5000)
    finally:
        set_threads(None)
    assert np.array_equal(one, two)


def test_seed_from():
    assert seed_from(7) == 7
    assert seed_from(np.random.default_rng(3)) == seed_from(np.random.default_rng(3))
    assert seed_from(None) != seed_from(None)
    with pytest.raises(TypeError, match=r"integer seed.*got str"):
        seed_from("7")
