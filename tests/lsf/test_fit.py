"""Polynomials through the energies of a scan."""

import numpy as np
import pytest

from ase_mag import lsf


def test_sixth_order_is_least_squares():
    rng = np.random.default_rng(0)
    sizes = np.linspace(0.5, 2.9, 9)
    energies = rng.normal(size=(4, 9)) - 6000.0
    a, b, c, constant, error = lsf.fit_landscapes(sizes, energies, order=6)
    for k in range(4):
        expected = np.polynomial.Polynomial.fit(sizes**2, energies[k], 3).convert().coef
        np.testing.assert_allclose([constant[k], a[k], b[k], c[k]], expected, rtol=1e-7)
        left = np.polynomial.Polynomial([constant[k], a[k], b[k], c[k]])(sizes**2) - energies[k]
        assert abs(error[k] - np.sqrt((left**2).mean())) < 1e-8


def test_known_coefficients_and_window():
    """A kink outside of the window does not matter inside."""
    sizes = np.linspace(0.0, 3.0, 13)
    energies = 0.1 * sizes**2 - 0.06 * sizes**4 + 0.008 * sizes**6 - 10.0
    energies[sizes > 2.6] += 1.0
    a, b, c, constant, error = lsf.fit_landscapes(sizes, energies[None], 6, (0.0, 2.5))
    np.testing.assert_allclose([a[0], b[0], c[0], constant[0]], [0.1, -0.06, 0.008, -10], atol=1e-9)
    assert error[0] < 1e-10
    assert lsf.fit_landscapes(sizes, energies[None], 6)[-1][0] > 0.05


def test_bad_input_is_explained():
    with pytest.raises(ValueError, match="order is 8; the polynomial in m is of order 4 or 6"):
        lsf.fit_landscapes([1, 2, 3], np.zeros((1, 3)), order=8)
    with pytest.raises(ValueError, match=r"too few for the fit .* c m\^6: give at least 4"):
        lsf.fit_landscapes([1, 2, 3], np.zeros((1, 3)), order=6)
    with pytest.raises(ValueError, match=r"too few within \(0, 2\.5\) mu_B"):
        lsf.fit_landscapes([1, 2, 3], np.zeros((1, 3)), fit_window=(0, 2.5))
