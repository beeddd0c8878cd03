"""Landscapes of sixth order."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from ase_mag import lsf, units

LANDSCAPES = [
    (-0.15, 0.0192, 0.002, 1043.0),
    (0.1, -0.06, 0.008, 1043.0),
    (0.1, -0.06, 0.0072, 20.0),
    (0.05, 0.005, 1e-4, 6000.0),
    (-0.1, -0.01, 0.002, 300.0),
    (0.02, -0.01, 0.00125, 100.0),
]


@pytest.mark.parametrize("measure", [0, 1, 2])
@pytest.mark.parametrize("a, b, c, temperature", LANDSCAPES)
def test_mean_density_and_quantiles_by_adaptive_quadrature(a, b, c, temperature, measure):
    kT = temperature * units.kB
    center = float(lsf.minimum_moment(a, b, c))
    least = center**2 * (a + center**2 * (b + c * center**2))

    def factor(m):
        return m**measure * np.exp(-(m * m * (a + m * m * (b + c * m * m)) - least) / kT)

    points = sorted({0.0, center, 1.0, 2.0, 4.0, 8.0})
    norm, first = (
        sum(
            quad(lambda m, k=k: m**k * factor(m), low, high, epsabs=1e-13, limit=400)[0]
            for low, high in pairwise(points)
        )
        for k in (0, 1)
    )
    mean = lsf.mean_moment(a, b, temperature, measure, c)
    assert abs(mean / (first / norm) - 1) < 1e-8
    assert abs(lsf.density(1.7, a, b, temperature, measure, c) - factor(1.7) / norm) < 1e-8
    for u in (0.05, 0.5, 0.95):
        m = lsf.moment_quantile(u, a, b, temperature, measure, c)
        share = quad(lambda x: factor(x) / norm, 0, m, epsabs=1e-12, limit=400, points=[center])
        if center < m or temperature > 50:
            assert abs(share[0] - u) < 1e-8


def test_a_small_sixth_order_changes_little():
    a, b = np.array([-0.15, 0.05]), np.array([0.0192, 0.005])
    np.testing.assert_allclose(
        lsf.mean_moment(a, b, 1043, 2, 1e-14), lsf.mean_moment(a, b, 1043, 2), rtol=1e-9
    )
    np.testing.assert_array_equal(
        lsf.mean_moment(a, b, 1043, 2, 0.0), lsf.mean_moment(a, b, 1043, 2)
    )


def test_minima_and_bounds():
    """The lowest of all minima on a grid; first-order transition at b^2 = 4 a c."""
    grid = np.linspace(0, 4, 400_001)
    for a, b, c, _ in LANDSCAPES:
        energy = grid**2 * (a + grid**2 * (b + c * grid**2))
        assert abs(lsf.minimum_moment(a, b, c) - grid[energy.argmin()]) < 2e-5
    assert lsf.minimum_moment(0.1, -0.06, 0.06**2 / 0.4 * 1.001) == 0.0
    assert abs(lsf.minimum_moment(0.1, -0.06, 0.06**2 / 0.4 * 0.999) ** 2 - 0.06 / 0.018) < 0.02
    assert lsf.bounded(-1.0, -1.0, 1e-9) and not lsf.bounded(1.0, 1.0, -1e-9)
    assert np.isnan(lsf.minimum_moment(1.0, 1.0, -1e-9))
    assert lsf.mean_moment(-0.1, -0.01, 0.0, 2, 0.002) == lsf.minimum_moment(-0.1, -0.01, 0.002)
    with pytest.raises(ValueError, match=r"unbounded .* c = -0\.1 eV/mu_B\^6"):
        lsf.mean_moment(0.1, 0.1, 300, 2, -0.1)
