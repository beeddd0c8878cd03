"""Search of the parameters of a predictor."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, ParameterGrid

from ase_mag.lsf.folds import splits

_REGRESSOR = ("width", "regularization")
_FEATURES = ("descriptor", "shells", "legacy")


@dataclass(frozen=True)
class GridSearch:
    """Cross-validated errors on a grid of parameters.

    Attributes
    ----------
    best : LsfPredictor, not fitted, with the best descriptor and for a and b separately the best
        width and regularization.
    rows : list of dict
        One per grid point: its parameters, and 'a', 'b', 'a_error', 'b_error', mean absolute errors
        over the folds and their standard errors, eV/mu_B^2 and eV/mu_B^4.
    """

    best: object
    rows: list

    def best_row(self, quantity, **parameters):
        """Return the row of the smallest error of 'a' or 'b' among those with these parameters."""
        rows = [r for r in self.rows if all(r[k] == v for k, v in parameters.items())]
        if not rows:
            raise ValueError(f"no grid point has {parameters}")
        return min(rows, key=lambda row: row[quantity])

    def __str__(self):
        names = [k for k in self.rows[0] if k not in ("a", "b", "a_error", "b_error")]
        lines = [
            "".join(f"{n:>16s}" for n in names) + f"{'a (eV/mu_B^2)':>23s}{'b (eV/mu_B^4)':>25s}"
        ]
        for row in self.rows:
            lines.append(
                "".join(f"{row[n]!s:>16s}" for n in names)
                + f"{row['a']:.5f} +- {row['a_error']:.5f}".rjust(23)
                + f"{row['b']:.6f} +- {row['b_error']:.6f}".rjust(25)
            )
        return "\n".join([*lines, f"best: {self.best}"])


def grid_search(predictor, table, parameters, folds=10, rng=1, groups=None):
    """Find the parameters of the smallest cross-validated errors, with scikit-learn's GridSearchCV.

    Width and regularization are chosen for a and b separately, as in Table III of Brannvall et
    al., Phys. Rev. B 105, 144417 (2022); the descriptor is common to both, the one with the
    smallest sum of the two errors, each relative to that of the mean landscape.

    Parameters
    ----------
    predictor : LsfPredictor, with the parameters that are not searched; it is not changed.
    table : LandscapeTable
    parameters : dict of name -> list of values
        Names are 'width', 'regularization', 'descriptor', 'shells' and 'legacy'.
    folds, rng, groups : as in :func:`cross_validate`.

    Returns
    -------
    GridSearch

    Raises
    ------
    ValueError
        For other names or empty lists, and as :func:`cross_validate`.
    """
    wrong = set(parameters) - {*_REGRESSOR, *_FEATURES}
    if wrong or not parameters or not all(len(values) for values in parameters.values()):
        raise ValueError(
            f"the grid is {parameters}; give lists of values, not empty, for some of "
            f"{', '.join((*_REGRESSOR, *_FEATURES))}"
        )
    parts = splits(table, folds, rng, groups)
    inner = {name: list(parameters[name]) for name in _REGRESSOR if name in parameters}
    outer = {name: list(parameters[name]) for name in _FEATURES if name in parameters}
    rows, best, smallest = [], None, np.inf
    for choice in ParameterGrid(outer):
        candidate = clone(predictor).set_params(**choice)
        X, y = candidate.training_data(table)
        mean = np.abs(y - y.mean(axis=0)).mean(axis=0)
        results = [_search(candidate.regressor(), X, y[:, q], inner, parts) for q in range(2)]
        found = [min(result, key=lambda row: row[1]) for result in results]
        total = sum(row[1] / mean[q] for q, row in enumerate(found))
        if total < smallest:
            smallest = total
            chosen = {name: tuple(row[0][name] for row in found) for name in inner}
            best = candidate.set_params(**chosen)
        for (point, a, a_error), (_, b, b_error) in zip(*results, strict=True):
            rows.append({**choice, **point, "a": a, "b": b, "a_error": a_error, "b_error": b_error})
    return GridSearch(best, rows)


def _search(regressor, X, y, grid, parts):
    """Return [(parameters, error, standard error)] of one target."""
    search = GridSearchCV(
        regressor,
        grid,
        cv=parts,
        scoring="neg_mean_absolute_error",
        refit=False,
        error_score="raise",
    )
    results = search.fit(X, y).cv_results_
    spread = results["std_test_score"] / np.sqrt(len(parts) - 1)
    return [
        (point, float(-mean), float(error))
        for point, mean, error in zip(
            results["params"], results["mean_test_score"], spread, strict=True
        )
    ]
