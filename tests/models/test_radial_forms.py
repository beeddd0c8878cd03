"""The functions J(r) of the literature: published values, smooth ends, errors."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from ase_mag.models import (
    bethe_slater,
    cubic,
    double_exchange,
    quintic,
    shell_radii,
    shells,
    tabulated,
)

DATA = Path(__file__).parents[3] / "shared" / "data"
A = 2.8665
BCC = bulk("Fe", a=A, cubic=True)
# bcc Fe of the UppASD examples: the first four shells, mRy.
UPPASD_FE = [1.33767484769984, 0.7570357654565, -0.05975437643846, -0.08819834160658]
EVERY = [
    cubic(0.870, cutoff=3.75),
    quintic(0.02, cutoff=3.75),
    quintic(-0.02, cutoff=3.75, inner=2.0),
    bethe_slater(0.02726, 0.2171, 1.841, cutoff=3.4),
    double_exchange(),
    tabulated(np.linspace(2.0, 4.0, 9), np.linspace(2.0, 0.0, 9) ** 3),
    tabulated(np.linspace(2.0, 4.0, 9), np.cos(np.arange(9)), smooth=0.7),
    shells(UPPASD_FE, reference=BCC, unit="mRy", convention="UppASD", moment=2.23),
]


@pytest.mark.parametrize("f", EVERY, ids=repr)
def test_slopes_and_smooth_ends(f):
    r = np.random.default_rng(0).uniform(1.0, f.cutoff - 1e-3, 300)
    h = 2e-4
    value, slope = f.evaluate(r)
    numerical = (8 * (f(r + h) - f(r - h)) - (f(r + 2 * h) - f(r - 2 * h))) / (12 * h)
    scale = np.abs(slope).max()
    # One kink of the third derivative within 2h of a point costs f''' h^2.
    np.testing.assert_allclose(slope, numerical, rtol=0, atol=1e-6 * scale)
    h = np.array([1e-4])
    value, slope = f.evaluate(f.cutoff - h)
    assert np.abs(value) < 1e-6 * np.abs(f(r)).max()
    assert np.abs(slope) < 1e-3 * scale
    np.testing.assert_array_equal(f.evaluate(f.cutoff + np.arange(3.0)), 0.0)
    assert np.isfinite(f.evaluate(np.linspace(0.01, 6, 500))).all()


def test_cubic_of_spilady():
    """0.870 (1 - r/3.75)^3 eV at a = 2.8665: J1 33.598, J2 11.377 meV."""
    f = cubic(0.870, cutoff=3.75)
    assert abs(1e3 * f(A * np.sqrt(3) / 2) - 33.598) < 5e-4
    assert abs(1e3 * f(A) - 11.377) < 5e-4
    r = np.linspace(0.1, 3.7, 50)
    np.testing.assert_allclose(f(r), 0.870 * (1 - r / 3.75) ** 3, rtol=0, atol=1e-15)


def test_bethe_slater_of_lammps():
    """The spin/exchange example of LAMMPS: J1 19.4768, J2 11.0860 meV at 2.8665."""
    f = bethe_slater(0.02726, 0.2171, 1.841, cutoff=3.4)
    assert abs(1e3 * f(A * np.sqrt(3) / 2) - 19.4768) < 5e-5
    assert abs(1e3 * f(A) - 11.0860) < 5e-5


def test_bethe_slater_fits_the_table_of_lammps():
    path = DATA / "lammps_exchange_tables" / "exchange_bcc_iron.dat"
    if not path.exists():
        pytest.skip("reference data are not here")
    table = np.loadtxt(path)
    f = bethe_slater(0.02726, 0.2171, 1.841, cutoff=3.4)
    # The published fit passes the first two points within 0.01 meV.
    np.testing.assert_allclose(f(table[:2, 0]), table[:2, 1], rtol=0, atol=1e-5)


def test_double_exchange_of_gao():
    """Eq. 43 at a = 2.83: J1 18.749, J2 10.075 meV."""
    f = double_exchange(cutoff=1.4 * 2.83)
    assert abs(1e3 * f(2.83 * np.sqrt(3) / 2) - 18.749) < 5e-4
    assert abs(1e3 * f(2.83) - 10.075) < 5e-4
    assert double_exchange().cutoff == pytest.approx(f.cutoff)


def test_quintic_is_flat_inside():
    f = quintic(0.02, cutoff=4.0, inner=2.0)
    value, slope = f.evaluate(np.array([0.5, 1.9, 2.0, 3.0]))
    np.testing.assert_allclose(value, [0.02, 0.02, 0.02, 0.01], rtol=1e-14)
    np.testing.assert_allclose(slope, [0, 0, 0, -0.02 * 15 / 8 / 2], rtol=1e-14)


def test_table_reproduces_a_smooth_function():
    f = cubic(0.2, cutoff=3.75)
    radii = np.linspace(2.0, 3.75, 8)
    g = tabulated(radii, f(radii))
    r = np.linspace(2.0, 3.75, 100)
    # A cubic with slope zero at its end is its own spline.
    np.testing.assert_allclose(g(r), f(r), rtol=0, atol=1e-15)
    np.testing.assert_allclose(g.evaluate(r)[1], f.evaluate(r)[1], rtol=0, atol=1e-14)
    # Below the first radius the tangent goes on.
    value, slope = f.evaluate(np.array([2.0]))
    np.testing.assert_allclose(g(1.5), value[0] - 0.5 * slope[0], rtol=1e-13)


def test_table_with_units():
    radii, values = [2.0, 2.5, 3.0, 3.5], np.array([3.0, 2.0, 1.0, 0.0])
    f = tabulated(radii, values, unit="meV", convention="TB2J", moment=2.0)
    np.testing.assert_allclose(f(2.5), 2e-3 * 2 / 4, rtol=1e-14)


def test_table_with_a_step():
    f = tabulated([2.0, 2.5, 3.0, 3.5], [3.0, 2.0, 1.0, 1.0], step=True)
    assert f(np.nextafter(3.5, 0)) == pytest.approx(1.0)
    assert f(3.5) == 0.0


@pytest.mark.parametrize(
    ("structure", "ratios"),
    [
        ("sc", [1, 2, 3, 4, 5]),
        ("bcc", [3 / 4, 1, 2, 11 / 4, 3]),
        ("fcc", [1 / 2, 1, 3 / 2, 2, 5 / 2]),
    ],
)
def test_shell_radii_of_cubic_crystals(structure, ratios):
    crystal = bulk("Fe", structure, a=2.9)
    np.testing.assert_allclose(shell_radii(crystal, 5), 2.9 * np.sqrt(ratios), rtol=1e-12)
    # A supercell and a cell of another shape have the same shells.
    again = shell_radii(bulk("Fe", structure, a=2.9, cubic=True) * (2, 1, 1), 5)
    np.testing.assert_allclose(again, 2.9 * np.sqrt(ratios), rtol=1e-12)


def test_shell_radii_of_a_pair_of_species():
    crystal = bulk("FeCo", "cesiumchloride", a=2.85)
    np.testing.assert_allclose(
        shell_radii(crystal, 2, ("Fe", "Co")), 2.85 * np.sqrt([3 / 4, 11 / 4]), rtol=1e-12
    )
    np.testing.assert_allclose(
        shell_radii(crystal, 2, ("Co", "Co")), 2.85 * np.sqrt([1, 2]), rtol=1e-12
    )


def test_shells_are_exact_and_flat_at_the_lattice():
    values = [1.0, -0.5, 0.25]
    f = shells(values, reference=BCC)
    radii = A * np.sqrt([3 / 4, 1, 2, 11 / 4])
    value, slope = f.evaluate(radii[:3])
    np.testing.assert_allclose(value, values, rtol=0, atol=1e-14)
    np.testing.assert_allclose(slope, 0, rtol=0, atol=1e-13)
    assert f.cutoff == pytest.approx(radii[3], rel=1e-12)
    assert f(0.5) == f(2.0) == 1.0
    # Halfway between shells (also behind the last one) J is the mean of the two.
    middle = 0.5 * (radii[1:] + radii[:-1])
    np.testing.assert_allclose(f(middle), [0.25, -0.125, 0.125], rtol=0, atol=1e-13)


def test_shells_with_steps():
    f = shells([1.0, -0.5], reference=BCC, step=True)
    radii = A * np.sqrt([3 / 4, 1, 2])
    value, slope = f.evaluate(np.array([1.0, radii[0], radii[0] + 0.19, radii[0] + 0.2, 3.0]))
    np.testing.assert_array_equal(value, [1, 1, 1, -0.5, -0.5])
    np.testing.assert_array_equal(slope, 0)
    assert f.cutoff == pytest.approx(0.5 * (radii[1] + radii[2]))


def test_shells_convert():
    f = shells(UPPASD_FE, reference=BCC, unit="mRy", convention="UppASD", moment=2.23)
    np.testing.assert_allclose(f(A), 2 * 0.7570357654565 * 13.605693123e-3 / 2.23**2, rtol=1e-13)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cubic(0.2, cutoff=0), "cutoff must be positive and finite, got 0"),
        (lambda: cubic(0.2, cutoff=np.nan), "cutoff must be positive and finite, got nan"),
        (lambda: cubic(np.nan, cutoff=3), "amplitude must be a finite number, got nan"),
        (lambda: quintic(1.0, cutoff=3, inner=3), "between 0 and the cutoff 3 angstrom, got 3"),
        (lambda: bethe_slater(1, 1, 0, cutoff=3), "length d must be positive, got 0"),
        (lambda: bethe_slater(1, np.inf, 1, cutoff=3), "b must be a finite number"),
        (lambda: bethe_slater(1, 0.1, 2, cutoff=3, smooth=0), "breaks energy conservation"),
        (lambda: double_exchange(decay=-1), "decay length must be positive, got -1"),
        (lambda: double_exchange(cutoff=-2.0), r"positive and finite, got -2\.0"),
        (lambda: double_exchange(smooth=0), "breaks energy conservation"),
        (lambda: tabulated([1, 2, 3], [1, 1, 0]), "at least 4 points, got 3"),
        (lambda: tabulated([1, 2, 3, 4], [1, 1, 1, 1]), "value 1 and slope 0 at its cutoff 4"),
        (lambda: tabulated([1, 3, 2, 4], [1, 1, 1, 0]), "radii must increase"),
        (lambda: tabulated([1, 2, 3, 4], [1, np.nan, 1, 0]), "values contain NaN"),
        (lambda: tabulated([1, 2, 3, 4], [1, 1, 0]), "two lists of equal length"),
        (lambda: shells([], BCC), "one per shell"),
        (lambda: shells([np.nan], BCC), "one per shell"),
        (lambda: shells([1.0], BCC, unit="kcal"), "energy unit 'kcal' is unknown"),
        (lambda: shells([1.0], BCC, convention="UppASD"), "give the moment size"),
        (lambda: shells([1.0], BCC, pair=("Fe", "Co")), r"two species.*got \('Fe', 'Co'\)"),
        (lambda: shells([1.0], Atoms("Fe2", [[0, 0, 0], [0, 0, 2]])), "only 1 coordination shell"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
