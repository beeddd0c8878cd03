"""Functions of a distance against scipy's piecewise polynomials and closed forms."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.interpolate import CubicSpline, PPoly

from ase_mag import units
from ase_mag.core import get_threads, set_threads, storage
from ase_mag.models import PiecewisePolynomial, bethe_slater, cubic
from ase_mag.models.radial import Converted, Switched, ended, inside

# Density of the iron potential of Mendelev et al. (2003): sum of c (R - r)^3 for r < R.
AMPLITUDES = [11.686859407970, -0.014710740098830, 0.47193527075943]
RADII = [2.4, 3.2, 4.2]


def random_polynomial(n, degree, seed=0, spacing="random"):
    rng = np.random.default_rng(seed)
    steps = rng.uniform(0.01, 1.0, n) ** 3 if spacing == "random" else np.full(n, 0.1)
    knots = 0.7 + np.concatenate([[0], np.cumsum(steps)])
    return PiecewisePolynomial(knots, rng.normal(size=(n, degree + 1)), step=True)


@pytest.mark.parametrize("spacing", ["random", "equal"])
@pytest.mark.parametrize(("n", "degree"), [(1, 0), (1, 3), (5, 5), (13, 3), (40, 3), (500, 3)])
def test_kernel_equals_scipy(n, degree, spacing):
    f = random_polynomial(n, degree, spacing=spacing)
    twin = PPoly(f.coefficients[:, ::-1].T, f.knots)
    rng = np.random.default_rng(1)
    r = np.concatenate([rng.uniform(0.0, f.cutoff, 2000), f.knots[:-1], np.nextafter(f.knots, 0)])
    value, slope = f.evaluate(r)
    # Below the first knot the first polynomial goes on, as in scipy.
    scale = np.abs(f.coefficients).sum()
    np.testing.assert_allclose(value, twin(r), rtol=1e-13, atol=1e-14 * scale)
    np.testing.assert_allclose(slope, twin(r, 1), rtol=1e-13, atol=1e-13 * scale)
    for beyond in (f.cutoff, f.cutoff + 1e-9, 1e3):
        assert f.evaluate(np.array([beyond])) == (0.0, 0.0)


@pytest.mark.parametrize(("n", "degree"), [(3, 3), (40, 3), (2, 5)])
def test_sums_over_rows(n, degree):
    f = random_polynomial(n, degree)
    rng = np.random.default_rng(4)
    offsets = np.cumsum([0, 0, 5, 8, 1, 31, 0]).astype(np.intc)
    r = rng.uniform(0.5, f.cutoff + 0.3, offsets[-1])
    value, slope = f.evaluate(r)
    sums, slopes = np.empty(6), np.empty(len(r))
    f.sum_into(offsets, r, sums, slopes)
    expected = [value[a:b].sum() for a, b in pairwise(offsets)]
    np.testing.assert_allclose(sums, expected, rtol=0, atol=1e-13 * np.abs(value).sum())
    np.testing.assert_array_equal(slopes, slope)
    f.sum_into(offsets[:1], r[:0], sums[:0], slopes[:0])


def test_results_do_not_depend_on_threads():
    f = random_polynomial(40, 3)
    r = np.random.default_rng(2).uniform(0, f.cutoff + 0.5, 100_003)
    before = get_threads()
    results = []
    try:
        for n in (1, 2):
            set_threads(n)
            results.append(f.evaluate(r))
    finally:
        set_threads(before)
    np.testing.assert_array_equal(results[0], results[1])


def test_cubes_equal_the_sum_of_cubes():
    f = PiecewisePolynomial.from_cubes(AMPLITUDES, RADII)
    r = np.linspace(1e-3, 5.0, 4001)
    value = sum(c * np.clip(R - r, 0, None) ** 3 for c, R in zip(AMPLITUDES, RADII, strict=True))
    slope = sum(
        -3 * c * np.clip(R - r, 0, None) ** 2 for c, R in zip(AMPLITUDES, RADII, strict=True)
    )
    got = f.evaluate(r)
    np.testing.assert_allclose(got[0], value, rtol=0, atol=1e-13 * value.max())
    np.testing.assert_allclose(got[1], slope, rtol=0, atol=1e-13 * np.abs(slope).max())
    assert f.cutoff == 4.2


def test_cubes_in_any_order_and_with_equal_radii():
    a = PiecewisePolynomial.from_cubes([1.0, 2.0, 3.0], [4.0, 3.0, 4.0])
    b = PiecewisePolynomial.from_cubes([2.0, 4.0], [3.0, 4.0])
    r = np.linspace(0, 5, 101)
    np.testing.assert_allclose(a(r), b(r), rtol=0, atol=1e-12)


def test_inner_function_takes_over_below_the_first_knot():
    inner = bethe_slater(1.0, 0.2, 1.5, cutoff=3.0, step=True)
    f = PiecewisePolynomial.from_cubes(AMPLITUDES, RADII, start=2.0, inner=inner)
    outer = PiecewisePolynomial.from_cubes(AMPLITUDES, RADII)
    r = np.linspace(0.5, 4.5, 57)
    expected = np.where(r < 2.0, inner.evaluate(r), outer.evaluate(r))
    np.testing.assert_allclose(f.evaluate(r), expected, rtol=0, atol=1e-12)


def test_spline_passes_through_its_points():
    radii = np.linspace(1.0, 5.0, 41)
    values = np.exp(-radii) * (5 - radii) ** 3
    f = PiecewisePolynomial.from_spline(radii, values)
    np.testing.assert_allclose(f(radii), values, rtol=0, atol=1e-15)
    twin = CubicSpline(radii, values, bc_type=("not-a-knot", (1, 0.0)))
    r = np.random.default_rng(3).uniform(1, 5, 500)
    np.testing.assert_allclose(f(r), twin(r), rtol=0, atol=1e-14)
    np.testing.assert_allclose(f.evaluate(r)[1], twin(r, 1), rtol=0, atol=1e-13)


def test_call_keeps_the_shape():
    f = cubic(2.0, cutoff=4.0)
    assert f(2.0) == 0.25
    assert f(np.full((2, 3), 2.0)).shape == (2, 3)
    assert len(f.evaluate(np.zeros(0))[0]) == 0


@pytest.mark.parametrize("width", [0.3, 3.4])
def test_switch(width):
    f = bethe_slater(0.02726, 0.2171, 1.841, cutoff=3.4, step=True)
    g = Switched(f, width)
    start = 3.4 - width
    below = np.linspace(max(start - 1, 0.1), start, 5) if start else np.array([1e-9])
    np.testing.assert_allclose(g.evaluate(below), f.evaluate(below), rtol=1e-12, atol=1e-12)
    # The middle of the switch is 1/2, with slope -15/8 of its width.
    r = np.array([3.4 - width / 2])
    value, slope = f.evaluate(r)
    got = g.evaluate(r)
    np.testing.assert_allclose(got[0], value / 2, rtol=1e-14)
    np.testing.assert_allclose(got[1], slope / 2 - value * 1.875 / width, rtol=1e-14)
    # Value, slope and curvature vanish at the end: J(rc - h) falls as h^3.
    h = np.array([1e-3, 1e-4])
    value = np.abs(g(3.4 - h)) / h**3
    np.testing.assert_allclose(value[0], value[1], rtol=0.05)
    assert g.evaluate(np.array([3.4])) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("convention", "moments", "factor"),
    [
        ("UppASD", (2.0, 2.5), 2 / 5.0),
        ("TB2J", (2.0, 2.5), 2 / 5.0),
        ("LAMMPS", (2.0, 2.5), 2 / 5.0),
        ("SPILADY", None, 1 / 2.00231930436256**2),
        ("MSLP", None, 1.0),
        ("inside", None, 1.0),
    ],
)
def test_conversion(convention, moments, factor):
    f = cubic(3.0, cutoff=4.0)
    g = inside(f, "mRy", convention, moments)
    np.testing.assert_allclose(g(1.0), f(1.0) * factor * 13.605693123e-3, rtol=1e-15)
    assert units.CONVENTIONS.keys() >= {convention}


def test_conversion_happens_once():
    f = inside(cubic(3.0, cutoff=4.0), "mRy", "UppASD", 2.2)
    with pytest.raises(ValueError, match="was converted from mRy in convention 'UppASD'"):
        inside(f, "meV")
    assert inside(f) is f
    with pytest.raises(TypeError, match="must be a Radial"):
        inside(0.1)


def test_saved_functions_return_identical_bits(tmp_path):
    inner = bethe_slater(1.0, 0.2, 1.5, cutoff=3.0)
    functions = [
        PiecewisePolynomial.from_cubes(AMPLITUDES, RADII, start=2.0, inner=inner),
        Converted(inner, "mRy", "UppASD", (2.2, 1.6)),
        random_polynomial(7, 4),
    ]
    r = np.random.default_rng(4).uniform(0.1, 5, 1000)
    for f in functions:
        storage.save(f, tmp_path / "f.npz")
        loaded, _ = storage.load(tmp_path / "f.npz")
        np.testing.assert_array_equal(loaded.evaluate(r), f.evaluate(r))
        assert loaded.cutoff == f.cutoff


def test_a_step_is_refused_unless_asked_for():
    hard = bethe_slater(0.02726, 0.2171, 1.841, cutoff=3.4, step=True)
    with pytest.raises(ValueError, match=r"value 0\.00\d+ and slope.*breaks energy conservation"):
        ended(hard, smooth=0)
    assert ended(hard, step=True) is hard
    with pytest.raises(ValueError, match="exclude each other"):
        ended(hard, smooth=0.5, step=True)
    with pytest.raises(ValueError, match="width in angstrom, 0 or more, got -1"):
        ended(hard, smooth=-1)
    with pytest.raises(ValueError, match=r"at most at the cutoff 3\.4 angstrom, got 3\.5"):
        ended(hard, smooth=3.5)
    with pytest.raises(ValueError, match="value 1 and slope 0 at its cutoff 2"):
        PiecewisePolynomial([0, 2], [[1.0]])
    with pytest.raises(ValueError, match="value 0 and slope -1 at its cutoff 2"):
        PiecewisePolynomial([0, 2], [[2.0, -1.0]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], [[1.0]]), "at least two distances"),
        (([0, 1, 2], [[1.0]]), r"shape \(2, degree \+ 1\) for 3 knots, got \(1, 1\)"),
        (([0, 2, 1], [[1.0], [0.0]]), r"must increase.*got \[0\.0, 2\.0, 1\.0\]"),
        (([-1, 2], [[0.0]]), "not be negative"),
        (([0, np.nan], [[0.0]]), "knots contain NaN"),
        (([0, 1], [[np.inf]]), "coefficients contain NaN or infinity"),
    ],
)
def test_bad_polynomials(arguments, message):
    with pytest.raises(ValueError, match=message):
        PiecewisePolynomial(*arguments)


def test_bad_constructors():
    with pytest.raises(TypeError, match="inner must be a Radial or None, got int"):
        PiecewisePolynomial([0, 1], [[0.0]], inner=3)
    with pytest.raises(ValueError, match="equal length"):
        PiecewisePolynomial.from_cubes([1.0, 2.0], [3.0])
    with pytest.raises(ValueError, match="must lie above start=2 angstrom"):
        PiecewisePolynomial.from_cubes([1.0, 2.0], [3.0, 1.0], start=2.0)
    with pytest.raises(ValueError, match="radii must increase"):
        PiecewisePolynomial.from_spline([1, 1, 2, 3], [1, 1, 1, 0])
