"""Means and quantiles of landscapes of sixth order with two minima, down to 5 K."""

from itertools import pairwise
from math import fsum

import numpy as np
import pytest
from scipy.integrate import quad

from ase_mag import lsf, units

# The minimum at zero is the lowest, the highest, or as low as the other one; barriers of 0.3 to
# 44 meV, so that 5 K is far below some and not below others.
WELLS = [
    (0.05, -0.05, 0.01),
    (0.02, -0.03, 0.01125),
    (0.1, -0.08, 0.016),
    (0.06, -0.0489, 0.01),
    (0.3, -0.3, 0.075),
    (0.01, -0.01, 0.0025),
]


class Exact:
    """Adaptive quadrature between many points around both minima and the barrier."""

    def __init__(self, a, b, c, temperature, measure):
        kT = units.kB * temperature
        root = np.sqrt(b * b - 3 * a * c)
        places = [0.0, *np.sqrt([(-b - root) / (3 * c), (-b + root) / (3 * c)])]
        energy = np.polynomial.Polynomial([0, 0, a, 0, b, 0, c])
        least = min(energy(x) for x in places)
        widths = np.sqrt(kT / np.abs(energy.deriv(2)(np.array(places))))
        grid = np.ravel(np.array(places)[:, None] + widths[:, None] * np.arange(-14, 15))
        end = grid.max()
        while energy(end) - least < 60 * kT:
            end *= 1.05
        self.grid = np.unique([0.0, *grid[grid > 0], end])
        self.factor = lambda m: m**measure * np.exp(-(energy(m) - least) / kT)
        self.norm = self.integral(self.factor, end)

    def integral(self, function, high):
        points = [*self.grid[self.grid < high], high]
        return fsum(quad(function, *ends, epsabs=0, epsrel=2e-14)[0] for ends in pairwise(points))

    @property
    def mean(self):
        return self.integral(lambda m: m * self.factor(m), self.grid[-1]) / self.norm

    def share_below(self, m):
        return self.integral(self.factor, m) / self.norm


@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")
@pytest.mark.parametrize("temperature", [5, 10, 20, 50, 300])
@pytest.mark.parametrize("measure", [0, 2])
def test_double_wells_have_the_stated_accuracy(temperature, measure):
    a, b, c = np.array(WELLS).T
    u = np.array([1e-3, 0.3, 0.7, 0.99])
    means = lsf.mean_moment(a, b, temperature, measure, c)
    found = lsf.moment_quantile(u[:, None], a, b, temperature, measure, c)
    for k, well in enumerate(WELLS):
        exact = Exact(*well, temperature, measure)
        assert abs(means[k] / exact.mean - 1) < 1e-10
        for share, m in zip(u, found[:, k], strict=True):
            assert abs(exact.share_below(m) - share) < 1e-12
        density = lsf.density(found[:, k], *well[:2], temperature, measure, well[2])
        np.testing.assert_allclose(density, exact.factor(found[:, k]) / exact.norm, rtol=1e-10)
