"""Cross-validation of landscape predictors beside simpler approximations."""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold

from ase_mag.descriptors import voronoi_volumes
from ase_mag.lsf.features import is_invariant
from ase_mag.lsf.thermodynamics import minimum_moment

_QUANTITIES = {"a": "eV/mu_B^2", "b": "eV/mu_B^4", "minimum": "mu_B"}


@dataclass(frozen=True)
class CrossValidation:
    """Mean absolute errors on data that was not trained on.

    ``report['mean landscape', 'a']`` is the error of one method for one quantity, averaged over
    the folds.

    Attributes
    ----------
    methods : tuple of str; the predictor is the last one.
    quantities : ('a', 'b', 'minimum'), in eV/mu_B^2, eV/mu_B^4 and mu_B (moment at the minimum).
    errors : (methods, quantities, folds) array, mean absolute error in each test set. The error
        of the minimum is NaN where a predicted landscape is unbounded.
    unbounded : (methods,) int array, predicted landscapes without minimum.
    n_samples : int
    """

    methods: tuple
    quantities: tuple
    errors: np.ndarray
    unbounded: np.ndarray
    n_samples: int

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
        heads = ("a (eV/mu_B^2)", "b (eV/mu_B^4)", "minimum (mu_B)")
        lines = [
            f"Mean absolute errors, {self.errors.shape[2]}-fold cross-validation of "
            f"{self.n_samples} landscapes",
            f"{'':16s}" + "".join(f"{head:>23s}" for head in heads),
        ]
        for name, row, spread, bad in zip(
            self.methods, self.mean, self.standard_error, self.unbounded, strict=True
        ):
            cells = (
                f"{value:.{d}f} +- {s:.{d}f}".rjust(23)
                for value, s, d in zip(row, spread, (5, 6, 4), strict=True)
            )
            note = f"  ({bad} predicted landscapes are unbounded)" if bad else ""
            lines.append(f"{name:16s}{''.join(cells)}{note}")
        return "\n".join(lines)


def method_name(predictor):
    """Return the name of a predictor in tables and plots."""
    if is_invariant(predictor.descriptor):
        return "invariants"
    return f"descriptor {predictor.descriptor}"


def volumes(table):
    """Return the Voronoi volume of every scanned atom, (n,), angstrom^3."""
    out = np.empty(len(table))
    for k in np.unique(table.frame):
        frame, rows = table.frames[k], table.frame == k
        every = voronoi_volumes(frame.positions, frame.cell.array, frame.pbc)
        out[rows] = every[table.atom[rows]]
    return out


def cross_validate(predictor, table, folds=10, rng=1):
    """Compare a predictor with two simpler approximations by cross-validation.

    MAE = 1/n sum_i |y_i - f(x_i)| over each test set, for a, b and the moment at the minimum of
    the landscape. The approximations (Brannvall et al., Phys. Rev. B 105, 144417 (2022),
    Sec. III B) are the mean landscape, which is the means of a and b over the training set, and
    the Voronoi volume V as the only feature, a = a_0 + a_1 V and b = b_0 + b_1 V by least squares:
    with one feature a kernel as wide as the predictor's only follows the noise and does worse.

    Parameters
    ----------
    predictor : LsfPredictor, fitted or not; it is not changed.
    table : LandscapeTable
    folds : int, at least 2.
    rng : int or numpy.random.Generator, shuffles the rows.

    Returns
    -------
    CrossValidation

    Raises
    ------
    ValueError
        For fewer than two folds or fewer rows than folds, and as :meth:`LsfPredictor.fit`.
    """
    X, y = predictor.training_data(table)
    volume = volumes(table)[:, None]
    if int(folds) != folds or not 2 <= folds <= len(X):
        raise ValueError(
            f"folds must be an integer from 2 to the number of landscapes, {len(X)}, got {folds!r}"
        )
    if rng is None:
        raise ValueError(
            "folds are drawn at random: give rng, an integer seed or a numpy Generator"
        )
    seed = int(np.random.default_rng(rng).integers(2**31))
    splits = KFold(int(folds), shuffle=True, random_state=seed).split(X)
    methods = ("mean landscape", "Voronoi volume", method_name(predictor))
    errors = np.empty((3, 3, int(folds)))
    unbounded = np.zeros(3, dtype=int)
    truth = np.column_stack([y, minimum_moment(*y.T)])
    for k, (train, test) in enumerate(splits):
        predictions = (
            np.broadcast_to(y[train].mean(axis=0), (len(test), 2)),
            LinearRegression().fit(volume[train], y[train]).predict(volume[test]),
            predictor.regressor().fit(X[train], y[train]).predict(X[test]),
        )
        for m, prediction in enumerate(predictions):
            minimum = minimum_moment(*prediction.T)
            unbounded[m] += np.isnan(minimum).sum()
            difference = np.column_stack([prediction, minimum]) - truth[test]
            errors[m, :, k] = np.abs(difference).mean(axis=0)
    return CrossValidation(methods, tuple(_QUANTITIES), errors, unbounded, len(X))
