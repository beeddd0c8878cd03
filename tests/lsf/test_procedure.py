"""Procedures of landscapes: backgrounds, orders, refused fits."""

import numpy as np
import pytest
from ase.calculators.calculator import CalculationFailed

import ase_mag
from ase_mag import lsf, models, reference

from .quartic_calculator import QuarticCalculator


class Coupled(QuarticCalculator):
    """E = sum_i a m_i^2 + b m_i^4 + c m_i^6 + g/2 sum_{i != j} m_i^2 m_j^2."""

    c, g = 0.001, 0.002

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        square = (ase_mag.get_moments(self.atoms) ** 2).sum(axis=1)
        pairs = square.sum() ** 2 - (square**2).sum()
        self.results["energy"] += float(self.c * (square**3).sum() + 0.5 * self.g * pairs)


class Troubled(QuarticCalculator):
    """Some moments fail: atom 2 does not converge, atom 3 is NaN, atom 5 jumps."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        sizes = np.linalg.norm(ase_mag.get_moments(self.atoms), axis=1)
        rest = self.relax_sizes(self.atoms)
        moved = np.abs(sizes - np.linalg.norm(rest, axis=1)) > 1e-9
        if moved[2]:
            raise CalculationFailed("not converged in 60 steps")
        if moved[3]:
            self.results["energy"] = np.nan
        if moved[5] and sizes[5] > 2:
            self.results["energy"] += 0.5


def test_nonmagnetic_background(frames):
    calc = Coupled()
    table = lsf.landscapes(frames[0], calc, progress=False, background="nonmagnetic", order=6)
    a, b = calc.landscapes(frames[0])
    np.testing.assert_allclose(table.a, a, atol=1e-11)
    np.testing.assert_allclose(table.b, b, atol=1e-11)
    np.testing.assert_allclose(table.c, calc.c, atol=1e-11)
    np.testing.assert_allclose(table.constant, 0.0, atol=1e-11)
    assert np.isnan(table.relaxed).all() and (table.background == 0).all()
    assert calc.n_relaxations == 0
    with pytest.raises(ValueError, match=r"sixth order.*table\.refit\(order=4\)"):
        lsf.LsfPredictor().fit(table)


def test_thermal_background(frames):
    """The second scan sees the mean sizes of the first one: a grows by g sum_j <m_j>^2."""
    calc = Coupled()
    options = {"progress": False, "background": "nonmagnetic", "order": 6}
    table = lsf.landscapes(frames[0], calc, temperature_K=6000, measure=1, **options)
    a, b = calc.landscapes(frames[0])
    sizes = lsf.mean_moment(a, b, 6000, 1, calc.c)
    np.testing.assert_allclose(table.background, sizes, rtol=1e-8)
    others = (sizes**2).sum() - sizes**2
    np.testing.assert_allclose(table.a, a + calc.g * others, atol=1e-9)
    np.testing.assert_allclose(table.c, calc.c, atol=1e-10)


def test_the_embedded_model_in_a_nonmagnetic_background(iron):
    """No neighbors, no exchange: the landscapes are those of the Landau term."""
    calc = reference.ConstrainedModel(models.Landau("Fe", -0.1, 0.02))
    frame = lsf.snapshots(iron, 0.1, rng=1)[0]
    table = lsf.landscapes(frame, calc, progress=False, background="nonmagnetic")
    np.testing.assert_allclose(table.a, -0.1, atol=1e-12)
    np.testing.assert_allclose(table.b, 0.02, atol=1e-12)
    fehl = reference.ConstrainedModel(models.named("FeHL-1"))
    apart = lsf.landscapes(frame, fehl, progress=False, background="nonmagnetic")
    together = lsf.landscapes(frame, fehl, progress=False)
    assert apart.error.max() < 1e-10 < 1e-5 < together.error.max()


def test_bad_landscapes_are_recorded_and_the_others_kept(frames, tmp_path):
    path = tmp_path / "landscapes.npz"
    with pytest.warns(UserWarning, match=r"6 landscapes .*atom 2 of frame 0: not converged in 60"):
        table = lsf.landscapes(frames[:2], Troubled(), path=path, progress=False)
    assert len(table) == 26 and set(table.atom) == set(range(16)) - {2, 3, 5}
    assert [(f["frame"], f["atom"]) for f in table.failures] == [
        (frame, atom) for frame in (0, 1) for atom in (2, 3, 5)
    ]
    reasons = [f["reason"] for f in table.failures]
    assert reasons[1] == "the energy at 0.5 mu_B is nan"
    assert "fit of order 4 misses the energies by" in reasons[2]
    assert "largest_error = 0.05 eV" in reasons[2]
    assert "6 landscapes or frames were refused" in str(table)
    good = lsf.landscapes(frames[:2], QuarticCalculator(), progress=False)
    np.testing.assert_allclose(table.a, good.a[~np.isin(good.atom, (2, 3, 5))], atol=1e-13)
    idle = Troubled()
    with pytest.warns(UserWarning, match="6 landscapes"):
        again = lsf.landscapes(frames[:2], idle, path=path, progress=False)
    assert idle.n_energies == 0 and again.failures == table.failures
    np.testing.assert_array_equal(again.energies, table.energies)
    lsf.LsfPredictor().fit(table)
    with pytest.warns(UserWarning, match="6 landscapes"):
        lsf.landscapes(frames[:2], idle, path=path, progress=False, retry_failed=True)
    assert idle.n_energies > 0


def test_a_frame_that_does_not_relax_is_recorded(frames):
    class Stubborn(QuarticCalculator):
        def relax_sizes(self, atoms):
            if np.allclose(atoms.positions, frames[1].positions):
                raise CalculationFailed("the sizes did not relax")
            return super().relax_sizes(atoms)

    with pytest.warns(UserWarning, match="of frame 1: the sizes did not relax"):
        table = lsf.landscapes(frames[:3], Stubborn(), progress=False)
    assert table.failures == [{"frame": 1, "atom": None, "reason": "the sizes did not relax"}]
    assert np.unique(table.frame).tolist() == [0, 2]
    both = table + table
    assert [f["frame"] for f in both.failures] == [1, 4]


def test_nothing_but_failures_raises(frames):
    with pytest.raises(ValueError, match=r"every landscape has failed, the first of atom 0 of fr"):
        lsf.landscapes(frames[0], QuarticCalculator(), sizes=5, largest_error=1e-30, progress=False)


def test_energies_are_fitted_again(frames):
    table = lsf.landscapes(frames[:2], Coupled(), progress=False, order=4, largest_error=1.0)
    again = table.refit(order=6)
    direct = lsf.landscapes(frames[:2], Coupled(), progress=False, order=6)
    for name in ("a", "b", "c", "constant", "error", "low", "high", "background"):
        np.testing.assert_allclose(getattr(again, name), getattr(direct, name), atol=1e-9)
    np.testing.assert_allclose(again.refit(order=4).b, table.b, atol=1e-11)
    narrow = table.refit(fit_window=(0.5, 2.0))
    assert (narrow.low == 0.5).all() and (narrow.high < 2.0).all()
    strict = table.refit(largest_error=float(np.median(table.error)))
    assert 0 < len(strict) < 32 and len(strict.failures) == 32 - len(strict)
    landscape = again[3]
    np.testing.assert_allclose(landscape.energy(landscape.sizes), landscape.energies, atol=1e-9)
    assert abs(landscape.minimum - lsf.minimum_moment(again.a[3], again.b[3], again.c[3])) < 1e-12


def test_files_keep_procedures_apart(frames, tmp_path):
    path = tmp_path / "landscapes.npz"
    lsf.landscapes(frames[0], QuarticCalculator(), path=path, progress=False)
    for options, message in (
        ({"order": 6}, "order = 4, not 6"),
        ({"background": "nonmagnetic"}, "background = relaxed, not nonmagnetic"),
        ({"fit_window": (0.4, 2.0)}, r"fit_window = None, not \[0\.4, 2\.0\]"),
    ):
        with pytest.raises(ValueError, match=message):
            lsf.landscapes(frames[0], QuarticCalculator(), path=path, progress=False, **options)


def test_bad_input_is_explained(frames, quartic):
    for options, message in (
        ({"background": "ferro"}, "background is 'ferro'; use 'relaxed'"),
        ({"temperature_K": 300}, r"temperature_K is 300, but relaxed moments are those of 0 K"),
        ({"largest_error": 0.0}, r"largest_error must be a positive energy, got 0\.0 eV"),
        ({"background": "nonmagnetic", "temperature_K": -1}, "temperature_K is -1"),
        ({"order": 5}, "order is 5"),
    ):
        with pytest.raises(ValueError, match=message):
            lsf.landscapes(frames, quartic, **options)
