"""Mean moments in quartic landscapes."""

import numpy as np
import pytest
from scipy import integrate
from scipy.special import gamma, pbdv

from ase_mag import lsf, units

# a (eV/mu_B^2), b (eV/mu_B^4), T (K), <m> for the measures 1, m, m^2 (independent quadrature).
TABLE = [
    (-0.150, 0.0192, 1043, 1.80738598238, 1.94008677009, 2.02558733512),
    (-0.150, 0.0192, 300, 1.94039068962, 1.96500674497, 1.98790865753),
    (0.05, 0.005, 1043, 0.662429947397, 1.00360312401, 1.23883393831),
    (0, 0.01, 1043, 0.846463353484, 1.19707995455, 1.41296207062),
    (0.1, 0, 1043, 0.534876678473, 0.840182321833, 1.06975335695),
]
GRID = [
    (a, b, T)
    for a in (-0.3, -0.15, -0.02, 0.0, 0.03, 0.2)
    for b in (1e-3, 0.0192, 0.1)
    for T in (300.0, 1043.0, 6000.0)
]


def closed_form(a, b, kT, measure):
    """Ratio of int m^p exp(-E/kT) dm ~ (2b/kT)^(-(p+1)/4) Gamma((p+1)/2) D_{-(p+1)/2}(z)."""
    z = a / np.sqrt(2 * b * kT)
    p = measure
    ratio = pbdv(-(p + 2) / 2, z)[0] / pbdv(-(p + 1) / 2, z)[0]
    return (2 * b / kT) ** -0.25 * gamma((p + 2) / 2) / gamma((p + 1) / 2) * ratio


def quadrature(a, b, kT, measure):
    """Adaptive quadrature around the minimum."""
    m0 = np.sqrt(max(-a, 0) / (2 * b)) if b > 0 else 0.0
    lowest = a * m0**2 + b * m0**4
    width = np.sqrt(kT / max(abs(a), np.sqrt(b * kT)))
    low, high = max(0.0, m0 - 15 * width), m0 + 15 * width

    def moment(p):
        return integrate.quad(
            lambda m: m**p * np.exp(-(a * m**2 + b * m**4 - lowest) / kT),
            low,
            high,
            points=[m0] if m0 > low else None,
            epsabs=0,
            epsrel=1e-12,
            limit=200,
        )[0]

    return moment(measure + 1) / moment(measure)


@pytest.mark.parametrize("row", TABLE)
def test_published_table(row):
    a, b, T, *means = row
    for measure, expected in enumerate(means):
        value = lsf.mean_moment(a, b, T, measure)
        assert abs(value / expected - 1) < 1e-11


@pytest.mark.parametrize("measure", [0, 1, 2])
def test_parabolic_cylinder_functions(measure):
    for a, b, T in GRID:
        kT = units.kB * T
        if abs(a) / np.sqrt(2 * b * kT) < 6:  # beyond, scipy's pbdv is right to 3e-10 only
            expected = closed_form(a, b, kT, measure)
            assert abs(lsf.mean_moment(a, b, T, measure) / expected - 1) < 1e-10, (a, b, T)


@pytest.mark.parametrize("measure", [0, 1, 2])
def test_adaptive_quadrature(measure):
    for a, b, T in [*GRID, (-0.15, 0.0192, 1.0), (-0.15, 0.0192, 0.01), (0.1, 0.0, 5.0)]:
        expected = quadrature(a, b, units.kB * T, measure)
        assert abs(lsf.mean_moment(a, b, T, measure) / expected - 1) < 1e-10, (a, b, T)


@pytest.mark.parametrize("measure", [0, 1, 2])
def test_low_temperatures_follow_the_expansion(measure):
    """<m> = m0 + kT [measure / (m0 E'') - E''' / (2 E''^2)], E'' = -4 a, E''' = 24 b m0."""
    a, b = -0.150, 0.0192
    m0 = np.sqrt(-a / (2 * b))
    for T in (1e-1, 1e-3, 1e-6):
        kT = units.kB * T
        shift = kT * (measure / (m0 * -4 * a) - 24 * b * m0 / (2 * (4 * a) ** 2))
        error = lsf.mean_moment(a, b, T, measure) - m0 - shift
        assert abs(error) < 30 * kT**2 + 1e-15
    for T in (1e-30, 1e-300):
        assert lsf.mean_moment(a, b, T, measure) == pytest.approx(m0, rel=1e-15)


def test_power_laws_hold_at_every_temperature():
    """Without b: <m> = sqrt(kT/a) Gamma(3/2 + 1/2)/Gamma(3/2) for measure 2; without a: T^1/4."""
    for T in (1e-300, 1e-20, 1e-3, 300.0, 1e6, 1e200):
        kT = units.kB * T
        gaussian = lsf.mean_moment(0.1, 0.0, T)
        assert abs(gaussian / (np.sqrt(kT / 0.1) * gamma(2) / gamma(1.5)) - 1) < 1e-12
        quartic = lsf.mean_moment(0.0, 0.01, T)
        assert abs(quartic / ((kT / 0.01) ** 0.25 * gamma(1) / gamma(0.75)) - 1) < 1e-12


def test_zero_temperature_is_the_minimum():
    a, b = np.array([-0.15, 0.05, 0.0, 0.1]), np.array([0.0192, 0.005, 0.01, 0.0])
    expected = [np.sqrt(0.15 / 0.0384), 0, 0, 0]
    for measure in (0, 1, 2):
        np.testing.assert_allclose(lsf.mean_moment(a, b, 0, measure), expected, rtol=1e-15)
    np.testing.assert_allclose(lsf.minimum_moment(a, b), expected, rtol=1e-15)
    assert np.isnan(lsf.minimum_moment(-0.1, 0.0))
    assert np.isnan(lsf.minimum_moment(0.1, -0.1))


def test_arrays_broadcast():
    a, b = np.linspace(-0.2, 0.1, 5), np.array([[0.01], [0.02]])
    means = lsf.mean_moment(a, b, 1043.0)
    assert means.shape == (2, 5)
    assert means[1, 3] == lsf.mean_moment(a[3], 0.02, 1043.0)
    assert np.ndim(lsf.mean_moment(-0.1, 0.02, 300)) == 0
    assert lsf.mean_moment(-0.1, 0.02, [100, 200, 300]).shape == (3,)
    assert lsf.mean_moment([], [], 300).shape == (0,)


@pytest.mark.parametrize("measure", [0, 1, 2])
def test_density_is_normalized_and_has_the_mean(measure):
    for a, b, T in [(-0.15, 0.0192, 1043), (0.05, 0.005, 300), (-0.15, 0.0192, 10), (0.1, 0, 50)]:
        m0 = lsf.minimum_moment(a, b)
        m, weights = np.polynomial.legendre.leggauss(400)
        low, high = 0.0, m0 + 4.0
        m = low + (high - low) * (m + 1) / 2
        density = lsf.density(m, a, b, T, measure) * weights * (high - low) / 2
        assert abs(density.sum() - 1) < 1e-9
        assert abs(density @ m - lsf.mean_moment(a, b, T, measure)) < 1e-9
    assert lsf.density(-1.0, -0.1, 0.02, 300, measure) == 0


@pytest.mark.parametrize(
    "a, b", [(-0.1, 0.0), (0.0, 0.0), (0.1, -1e-3), (np.nan, 0.1), (0.1, np.inf)]
)
def test_unbounded_landscapes_are_refused(a, b):
    with pytest.raises(ValueError, match=r"unbounded or not a number.*needs b > 0.*wider range"):
        lsf.mean_moment(a, b, 300)
    with pytest.raises(ValueError, match=rf"landscape 2 is .*a = {a:g}.*b = {b:g}"):
        lsf.mean_moment([-0.1, -0.1, a], [0.1, 0.1, b], 300)


def test_other_bad_input_is_explained():
    for T in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"temperature_K is {T}.*not negative"):
            lsf.mean_moment(-0.1, 0.02, T)
    with pytest.raises(ValueError, match="measure is 3; allowed are 0, 1 and 2"):
        lsf.mean_moment(-0.1, 0.02, 300, measure=3)
    with pytest.raises(ValueError, match="at 0 K the density is a delta function"):
        lsf.density(1.0, -0.1, 0.02, 0)
