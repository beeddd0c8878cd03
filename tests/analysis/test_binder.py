import numpy as np
import pytest

from ase_mag import units
from ase_mag.analysis.binder import BinderCurves, best_weights, binder
from ase_mag.analysis.reweighting import MultiHistogram


def test_limits():
    rng = np.random.default_rng(1)
    square = (rng.normal(size=(400_000, 3)) ** 2).sum(axis=1)
    error = 0.0015
    assert abs(binder(square.mean(), (square**2).mean()) - 4 / 9) < error
    assert binder(1.0, 1.0) == pytest.approx(2 / 3, rel=1e-15)


def test_best_weights():
    C = np.array([[1.0, 0.2], [0.2, 4.0]])
    w = best_weights(C)
    assert abs(w.sum() - 1) < 1e-14
    grid = np.linspace(0, 1, 1001)
    variances = [np.array([x, 1 - x]) @ C @ [x, 1 - x] for x in grid]
    assert abs(w[0] - grid[np.argmin(variances)]) < 1e-3
    # A strongly correlated worse estimate would get a negative weight: it gets none.
    np.testing.assert_array_equal(best_weights(np.array([[1.0, 1.5], [1.5, 4.0]])), [1.0, 0.0])
    np.testing.assert_array_equal(best_weights(np.array([[2.0]])), [1.0])


def toy(size, n, rng, offset=0.0):
    """Series with the cumulants U4 = 0.6 + offset - 0.001 size <E>/w, <E> = 0 at 200 K.

    Energies have the width w = kT^2 / (2 K) and the mean -w^2 (1/kT - 1/(k 200 K)). m^2 takes two
    values with equal weight, 1 - d and 1 + d, so that <m^4>/<m^2>^2 = 1 + <d^2>.
    """
    width = units.kB * 200.0**2 / 2.0
    temperatures = [198.0, 200.0, 202.0]
    energies, observables = [], []
    for T in temperatures:
        mean = -(width**2) * (1 / T - 1 / 200.0) / units.kB
        energy = rng.normal(mean, width, size=n)
        d = np.sqrt(3 * (0.4 - offset + 0.001 * size * energy / width) - 1)
        square = 1 + d * rng.choice([-1.0, 1.0], size=n)
        observables.append(np.stack([square, square**2], axis=1))
        energies.append(energy)
    return MultiHistogram(temperatures, energies, observables, bins=500)


def test_errors_are_those_of_repetitions():
    values, errors, levels = [], [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        histograms = {size: toy(size, 20_000, rng) for size in (2, 8)}
        curves = BinderCurves(histograms, np.linspace(194, 206, 121))
        found, best = curves.crossings()
        assert [crossing.sizes for crossing in found] == [(2, 8)]
        assert (best.temperature_K, best.binder) == (found[0].temperature_K, found[0].binder)
        values.append(best.temperature_K)
        levels.append(best.binder)
        errors.append([best.error, best.binder_error])
    rms = np.sqrt(np.mean(np.square(errors), axis=0))
    spread = np.array([np.std(values, ddof=1), np.std(levels, ddof=1)])
    # The spread of 40 repetitions is known to 11 %.
    np.testing.assert_allclose(spread, rms, rtol=0.35)
    assert abs(np.mean(values) - 200.0) < 4 * spread[0] / np.sqrt(40)
    assert abs(np.mean(levels) - 0.6) < 4 * spread[1] / np.sqrt(40)


def test_pairs_and_their_combination():
    rng = np.random.default_rng(5)
    histograms = {size: toy(size, 40_000, rng) for size in (2, 4, 8)}
    curves = BinderCurves(histograms, np.linspace(194, 206, 121))
    found, best = curves.crossings()
    assert [crossing.sizes for crossing in found] == [(2, 4), (2, 8), (4, 8)]
    assert best.sizes == (2, 8)
    with_largest = [crossing for crossing in found if crossing.sizes[1] == 8]
    assert best.error <= min(crossing.error for crossing in with_largest) * (1 + 1e-12)
    low, high = sorted(crossing.temperature_K for crossing in with_largest)
    assert low <= best.temperature_K <= high
    assert abs(best.temperature_K - 200.0) < 4 * best.error


def test_no_crossing():
    rng = np.random.default_rng(5)
    histograms = {size: toy(size, 5000, rng, 0.003 * size) for size in (2, 8)}
    curves = BinderCurves(histograms, np.linspace(198, 202, 41))
    assert curves.crossings() == ([], None)
