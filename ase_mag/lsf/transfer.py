"""Transfer of a predictor from one condition to another."""

from dataclasses import dataclass

import numpy as np

from ase_mag.core.extras import require
from ase_mag.lsf.folds import splits
from ase_mag.lsf.validation import HEADS, QUANTITIES, label_of, with_minimum


@dataclass(frozen=True)
class TransferCase:
    """Predictions for one condition by a predictor trained on one or both.

    Attributes
    ----------
    trained, tested : str, names of the conditions.
    predictions, truth : (n, 3) arrays, a, b and moment at the minimum of every landscape tested.
    errors : (3, folds) array, mean absolute errors in each test set; NaN where a predicted
        landscape is unbounded and has no minimum.
    """

    trained: str
    tested: str
    predictions: np.ndarray
    truth: np.ndarray
    errors: np.ndarray

    @property
    def mean(self):
        """Average of the errors over the folds, (3,)."""
        return self.errors.mean(axis=1)

    @property
    def standard_error(self):
        """Standard error of that average, (3,)."""
        return self.errors.std(axis=1, ddof=1) / np.sqrt(self.errors.shape[1])


@dataclass(frozen=True)
class Transfer:
    """Four cases of training and testing, see :func:`transfer`.

    ``result['T_c + HTHP', 'HTHP']`` is a :class:`TransferCase`.
    """

    cases: tuple

    def __getitem__(self, key):
        for case in self.cases:
            if (case.trained, case.tested) == tuple(key):
                return case
        known = [(case.trained, case.tested) for case in self.cases]
        raise KeyError(f"no case {key}; there are {known}")

    def __str__(self):
        lines = [f"{'trained':>20s}{'tested':>12s}" + "".join(f"{h:>23s}" for h in HEADS)]
        for case in self.cases:
            cells = (
                ("-" if np.isnan(value) else f"{value:.{d}f} +- {s:.{d}f}").rjust(23)
                for value, s, d in zip(case.mean, case.standard_error, (5, 6, 4), strict=True)
            )
            lines.append(f"{case.trained:>20s}{case.tested:>12s}" + "".join(cells))
        return "\n".join(lines)

    def plot(self):
        """Draw predicted over computed a and b, one color per case; returns the figure."""
        figure = require("matplotlib.figure", "plot").Figure((9, 4.2), layout="constrained")
        for q, ax in enumerate(figure.subplots(1, 2)):
            quantity = list(QUANTITIES)[q]
            unit = label_of(quantity)
            for case, marker in zip(self.cases, "xxoo", strict=True):
                ax.plot(
                    case.truth[:, q],
                    case.predictions[:, q],
                    marker,
                    markersize=3,
                    fillstyle="none",
                    label=f"{case.trained} → {case.tested} ({case.mean[q]:.2g} {unit})",
                )
            low, high = ax.get_xlim()
            ax.plot([low, high], [low, high], "k-", linewidth=0.7)
            ax.set(xlabel=f"computed {quantity} ({unit})", ylabel=f"predicted {quantity} ({unit})")
            ax.legend(fontsize="x-small")
        return figure


def transfer(predictor, first, second, names=("first", "second"), folds=10, rng=1, groups=None):
    """Train on one condition or on both, and test on each (Fig. 7 of the paper below).

    The cases are first -> first, first -> second, both -> first and both -> second. Both tables are
    split into folds; in fold k the training rows of one or both are learned and the test rows of
    each are predicted, so that every landscape is predicted once, and never after it was learned
    (Brannvall et al., Phys. Rev. B 105, 144417 (2022), Sec. III C).

    Parameters
    ----------
    predictor : LsfPredictor, not changed.
    first, second : LandscapeTable, e.g. at T_c and at high temperature and pressure.
    names : two str
    folds, rng, groups : as in :func:`cross_validate`, for both tables.

    Returns
    -------
    Transfer

    Raises
    ------
    ValueError
        For tables whose descriptors differ in length (other crystal structures), equal names, and
        as :func:`cross_validate`.
    """
    if len(set(names)) != 2:
        raise ValueError(f"names are {names}; give two different ones")
    tables = first, second
    data = [predictor.training_data(table) for table in tables]
    lengths = [X.shape[1] for X, _ in data]
    if lengths[0] != lengths[1]:
        raise ValueError(
            f"the tables have {lengths[0]} and {lengths[1]} features per site: both need the same "
            "crystal structure, or the invariant descriptor"
        )
    if rng is None:
        raise ValueError("folds are drawn at random: give rng, an integer seed or a Generator")
    rng = np.random.default_rng(rng)
    parts = [splits(table, folds, rng, groups) for table in tables]
    cases = []
    for both in (False, True):
        predicted = [np.empty((len(table), 3)) for table in tables]
        for k in range(int(folds)):
            used = range(2) if both else range(1)
            X, y = (
                np.concatenate([data[t][column][parts[t][k][0]] for t in used]) for column in (0, 1)
            )
            regressor = predictor.regressor().fit(X, y)
            for t in range(2):
                test = parts[t][k][1]
                predicted[t][test] = with_minimum(regressor.predict(data[t][0][test]))
        for t in range(2):
            truth = with_minimum(data[t][1])
            difference = np.abs(predicted[t] - truth)
            errors = np.stack([difference[test].mean(axis=0) for _, test in parts[t]], axis=1)
            trained = " + ".join(names) if both else names[0]
            cases.append(TransferCase(trained, names[t], predicted[t], truth, errors))
    return Transfer(tuple(cases))
