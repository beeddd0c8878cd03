"""Cross-validation of landscape predictors beside simpler approximations."""

import re
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LinearRegression

from ase_mag.lsf.baselines import volumes
from ase_mag.lsf.features import is_invariant
from ase_mag.lsf.folds import splits
from ase_mag.lsf.thermodynamics import minimum_moment

#: Names and units of what is predicted.
QUANTITIES = {"a": "eV/mu_B^2", "b": "eV/mu_B^4", "minimum": "mu_B"}
#: Columns of tables of errors.
HEADS = tuple(f"{name} ({unit})" for name, unit in QUANTITIES.items())
_BASELINES = ("mean landscape", "Voronoi volume", "0 K moment")


def label_of(quantity):
    """Return the unit of a quantity for matplotlib."""
    return re.sub(r"mu_B(\^\d)?", r"$\\mu_B\1$", QUANTITIES[quantity])


@dataclass(frozen=True)
class CrossValidation:
    """Mean absolute errors on data that was not trained on.

    ``report['mean landscape', 'a']`` is the error of one method for one quantity, averaged over
    the folds.

    Attributes
    ----------
    methods : tuple of str; the predictors come last.
    quantities : ('a', 'b', 'minimum'), in eV/mu_B^2, eV/mu_B^4 and mu_B (moment at the minimum).
    errors : (methods, quantities, folds) array, mean absolute error in each test set. The error
        of the minimum is NaN where a predicted landscape is unbounded; those of a and b are NaN
        for the moment of 0 K, which is no landscape.
    unbounded : (methods,) int array, predicted landscapes without minimum.
    n_samples : int
    predictions : (methods, n_samples, 3) array, a, b and minimum of every landscape, predicted
        when it was in a test set.
    truth : (n_samples, 3) array, the computed ones.
    """

    methods: tuple
    quantities: tuple
    errors: np.ndarray
    unbounded: np.ndarray
    n_samples: int
    predictions: np.ndarray
    truth: np.ndarray

    @property
    def mean(self):
        """Average over the folds, (methods, quantities)."""
        return self.errors.mean(axis=2)

    @property
    def standard_error(self):
        """Standard error of that average, (methods, quantities)."""
        return self.errors.std(axis=2, ddof=1) / np.sqrt(self.errors.shape[2])

    def __getitem__(self, key):
        method, quantity = key
        return self.mean[self.methods.index(method), self.quantities.index(quantity)]

    def __str__(self):
        width = max(16, *(len(name) + 1 for name in self.methods))
        lines = [
            f"Mean absolute errors, {self.errors.shape[2]}-fold cross-validation of "
            f"{self.n_samples} landscapes",
            " " * width + "".join(f"{head:>23s}" for head in HEADS),
        ]
        for name, row, spread, bad in zip(
            self.methods, self.mean, self.standard_error, self.unbounded, strict=True
        ):
            cells = (
                ("-" if np.isnan(value) else f"{value:.{d}f} +- {s:.{d}f}").rjust(23)
                for value, s, d in zip(row, spread, (5, 6, 4), strict=True)
            )
            note = f"  ({bad} predicted landscapes are unbounded)" if bad else ""
            lines.append(f"{name:{width}s}{''.join(cells)}{note}")
        return "\n".join(lines)


def method_name(predictor):
    """Return the name of a predictor in tables and plots."""
    if is_invariant(predictor.descriptor):
        return "invariants"
    shells = f", {predictor.shells} shells" if predictor.shells > 1 else ""
    return f"descriptor {predictor.descriptor}{shells}"


def with_minimum(landscapes):
    """Return (n, 3) with columns a, b and the moment at the minimum, from (n, 2)."""
    return np.column_stack([landscapes, minimum_moment(*np.transpose(landscapes))])


def cross_validate(predictor, table, folds=10, rng=1, groups=None):
    """Compare predictors with three simpler approximations by cross-validation.

    MAE = 1/n sum_i |y_i - f(x_i)| over each test set, for a, b and the moment at the minimum of
    the landscape. The approximations (Brannvall et al., Phys. Rev. B 105, 144417 (2022),
    Sec. III B) are the mean landscape (:class:`MeanLandscape`), the Voronoi volume as the only
    feature (:class:`VoronoiLandscape`), and, for the minimum, the moments of 0 K, which are the
    relaxed sizes in the table (:class:`RelaxedMoment`).

    Parameters
    ----------
    predictor : LsfPredictor or list of them, fitted or not; they are not changed.
    table : LandscapeTable
    folds : int, at least 2.
    rng : int or numpy.random.Generator, shuffles the rows.
    groups : None or 'frame'; 'frame' tests on frames of which no atom was trained on.

    Returns
    -------
    CrossValidation

    Raises
    ------
    ValueError
        For fewer than two folds or fewer rows (or frames) than folds, two predictors of the same
        name, and as :meth:`LsfPredictor.fit`.
    """
    predictors = list(predictor) if isinstance(predictor, list | tuple) else [predictor]
    names = [method_name(p) for p in predictors]
    if len(set(names)) < len(names):
        raise ValueError(
            f"the predictors are called {', '.join(names)}: compare those that differ in "
            "descriptor or shells; use lsf.grid_search for widths and regularizations"
        )
    data = [p.training_data(table) for p in predictors]
    y, volume = data[0][1], volumes(table)[:, None]
    parts = splits(table, folds, rng, groups)
    truth = with_minimum(y)
    predictions = np.full((len(_BASELINES) + len(names), len(table), 3), np.nan)
    predictions[2, :, 2] = table.relaxed
    for train, test in parts:
        predictions[0, test] = with_minimum(np.tile(y[train].mean(axis=0), (len(test), 1)))
        line = LinearRegression().fit(volume[train], y[train])
        predictions[1, test] = with_minimum(line.predict(volume[test]))
        for m, (p, (X, _)) in enumerate(zip(predictors, data, strict=True), len(_BASELINES)):
            predictions[m, test] = with_minimum(
                p.regressor().fit(X[train], y[train]).predict(X[test])
            )
    difference = np.abs(predictions - truth)
    errors = np.stack([difference[:, test].mean(axis=1) for _, test in parts], axis=2)
    unbounded = np.isnan(predictions[:, :, 2]).sum(axis=1)
    unbounded[2] = 0
    return CrossValidation(
        (*_BASELINES, *names), tuple(QUANTITIES), errors, unbounded, len(table), predictions, truth
    )
