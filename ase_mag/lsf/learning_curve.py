"""Learning curves: errors as a function of the number of training landscapes."""

from dataclasses import dataclass

import numpy as np

from ase_mag.core.extras import require
from ase_mag.lsf.folds import splits
from ase_mag.lsf.validation import HEADS, QUANTITIES, label_of, method_name, with_minimum


@dataclass(frozen=True)
class LearningCurve:
    """Mean absolute errors for several sizes of the training set.

    Attributes
    ----------
    name : str, the descriptor.
    sizes : (k,) int array, training landscapes.
    quantities : ('a', 'b', 'minimum'), in eV/mu_B^2, eV/mu_B^4 and mu_B.
    errors : (k, quantities, folds) array, mean absolute error in each test set.
    """

    name: str
    sizes: np.ndarray
    quantities: tuple
    errors: np.ndarray

    @property
    def mean(self):
        """Average over the folds, (k, quantities)."""
        return self.errors.mean(axis=2)

    @property
    def standard_error(self):
        """Standard error of that average, (k, quantities)."""
        return self.errors.std(axis=2, ddof=1) / np.sqrt(self.errors.shape[2])

    def __str__(self):
        lines = [
            f"Mean absolute errors of {self.name}, {self.errors.shape[2]} folds",
            "landscapes" + "".join(f"{h:>23s}" for h in HEADS),
        ]
        for size, row, spread in zip(self.sizes, self.mean, self.standard_error, strict=True):
            cells = (
                f"{value:.{d}f} +- {s:.{d}f}".rjust(23)
                for value, s, d in zip(row, spread, (5, 6, 4), strict=True)
            )
            lines.append(f"{size:10d}{''.join(cells)}")
        return "\n".join(lines)

    def plot(self, figure=None):
        """Draw the errors of a and b with error bars, double logarithmic.

        Parameters
        ----------
        figure : matplotlib figure of an earlier curve, to draw into, optional.

        Returns
        -------
        matplotlib.figure.Figure
        """
        if figure is None:
            figure = require("matplotlib.figure", "plot").Figure((8, 3.5), layout="constrained")
            figure.subplots(1, 2)
        for q, ax in enumerate(figure.axes):
            quantity = self.quantities[q]
            ax.errorbar(
                self.sizes,
                self.mean[:, q],
                self.standard_error[:, q],
                marker="o",
                markersize=3,
                capsize=2,
                label=self.name,
            )
            ax.set(
                xscale="log",
                yscale="log",
                xlabel="training landscapes",
                ylabel=f"MAE of {quantity} ({label_of(quantity)})",
            )
            ax.set_xticks(self.sizes, self.sizes, fontsize="small")
            ax.set_xticks([], minor=True)
        figure.axes[0].legend(fontsize="small")
        return figure


def learning_curve(predictor, table, sizes=None, folds=10, rng=1, groups=None):
    """Train on more and more landscapes and test on those of the folds left out.

    In each fold the training rows are shuffled once, and the first n of them are learned for every
    n of ``sizes``, so that the points of one fold share their data.

    Parameters
    ----------
    predictor : LsfPredictor, not changed.
    table : LandscapeTable
    sizes : sequence of int, optional
        Training landscapes; default: eight, in equal ratios, from 30 (or a twentieth of the
        largest training set) to all.
    folds, rng, groups : as in :func:`cross_validate`.

    Returns
    -------
    LearningCurve

    Raises
    ------
    ValueError
        For sizes below 1 or beyond the smallest training set of the folds, and as
        :func:`cross_validate`.
    """
    X, y = predictor.training_data(table)
    if rng is None:
        raise ValueError("subsets are drawn at random: give rng, an integer seed or a Generator")
    rng = np.random.default_rng(rng)
    parts = splits(table, folds, rng, groups)
    largest = min(len(train) for train, _ in parts)
    if sizes is None:
        start = min(30, max(1, largest // 20))
        sizes = np.unique(np.geomspace(start, largest, 8).round().astype(int))
    sizes = np.array(sizes)
    if sizes.ndim != 1 or sizes.dtype.kind != "i" or not ((sizes >= 1) & (sizes <= largest)).all():
        raise ValueError(
            f"sizes are {sizes.tolist()}; give integers from 1 to {largest}, the smallest training "
            f"set of {folds} folds"
        )
    truth = with_minimum(y)
    errors = np.empty((len(sizes), 3, len(parts)))
    for k, (train, test) in enumerate(parts):
        order = rng.permutation(train)
        for s, size in enumerate(sizes):
            rows = order[:size]
            predicted = predictor.regressor().fit(X[rows], y[rows]).predict(X[test])
            errors[s, :, k] = np.abs(with_minimum(predicted) - truth[test]).mean(axis=0)
    return LearningCurve(method_name(predictor), sizes, tuple(QUANTITIES), errors)
