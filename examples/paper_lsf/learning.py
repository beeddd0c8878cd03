"""Figs. 1 and 5-7, Tables II and III: what can be learned about landscapes."""

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, ShuffleSplit
from threadpoolctl import threadpool_limits

from ase_mag import lsf
from ase_mag.descriptors import voronoi_volumes
from ase_mag.regressors import LaplacianKernelRidge

REGULARIZATION = 1e-4
DESCRIPTORS = (1, 2, 3, 4)


def features(table, descriptor, shells):
    """Return features (n, n_features) and targets (n, 2) of a descriptor."""
    return lsf.LsfPredictor(descriptor=descriptor, shells=shells).training_data(table)


def fold_errors(X, y, width, folds):
    """Return mean absolute errors of a and b in every fold, (folds, 2)."""
    errors = []
    for train, test in KFold(folds, shuffle=True, random_state=1).split(X):
        model = LaplacianKernelRidge(width, REGULARIZATION).fit(X[train], y[train])
        errors.append(np.abs(model.predict(X[test]) - y[test]).mean(axis=0))
    return np.array(errors)


def widths_and_errors(table, sizes):
    """Tables II and III: the best width of every descriptor and number of shells, with errors.

    Returns a list of rows: descriptor, shells, and for a and b: width, error, standard error.
    """
    rows = []
    for descriptor in DESCRIPTORS:
        for shells in range(1, sizes.shells + 1):
            X, y = features(table, descriptor, shells)
            errors = np.array([fold_errors(X, y, w, sizes.folds) for w in sizes.widths])
            best = errors.mean(axis=1).argmin(axis=0)
            row = {"descriptor": descriptor, "shells": shells}
            for target, name in enumerate("ab"):
                folds = errors[best[target], :, target]
                row[name] = {
                    "width": sizes.widths[best[target]],
                    "error": folds.mean(),
                    "standard error": folds.std(ddof=1) / np.sqrt(len(folds)),
                }
            rows.append(row)
    return rows


def learning_curves(table, rows, sizes):
    """Fig. 1: errors against the number of training rows, a tenth of the table as test set."""
    n = len(table)
    counts = np.unique(np.linspace(0.06, 0.9, 7) * n).astype(int)
    curves = []
    for row in rows:
        X, y = features(table, row["descriptor"], row["shells"])
        width = (row["a"]["width"], row["b"]["width"])
        errors = np.empty((sizes.repeats, len(counts), 2))
        splits = ShuffleSplit(sizes.repeats, test_size=0.1, random_state=2).split(X)
        for k, (train, test) in enumerate(splits):
            for c, count in enumerate(counts):
                model = LaplacianKernelRidge(width, REGULARIZATION)
                model.fit(X[train[:count]], y[train[:count]])
                errors[k, c] = np.abs(model.predict(X[test]) - y[test]).mean(axis=0)
        curves.append(
            {
                "descriptor": row["descriptor"],
                "shells": row["shells"],
                "counts": counts.tolist(),
                "errors": errors.mean(axis=0).tolist(),
                "standard errors": (errors.std(axis=0, ddof=1) / np.sqrt(sizes.repeats)).tolist(),
            }
        )
    return curves


def baselines(table, rows, sizes):
    """Figs. 5 and 6: errors of every method for a, b and the moment at the minimum.

    Beside the descriptors, with the number of shells and the widths that are best for a, stand the
    rotation-invariant descriptor and the paper's approximations: (i) a line in the Voronoi volume,
    (ii) the mean landscape, (iii) the moment m_0 that relaxes at fixed directions (0 K).
    """
    y = np.column_stack([table.a, table.b])
    volumes = np.concatenate(
        [
            voronoi_volumes(frame.positions, frame.cell.array)[table.atom[table.frame == k]]
            for k, frame in enumerate(table.frames)
        ]
    )[:, None]
    models = {
        "(i) Voronoi volume": lambda: (volumes, LinearRegression()),
        "(ii) mean landscape": lambda: (np.zeros((len(y), 1)), LinearRegression()),
    }
    for descriptor in DESCRIPTORS:
        best = min(
            (row for row in rows if row["descriptor"] == descriptor),
            key=lambda row: row["a"]["error"],
        )
        models[f"descriptor {descriptor}"] = lambda best=best: (
            features(table, best["descriptor"], best["shells"])[0],
            LaplacianKernelRidge((best["a"]["width"], best["b"]["width"]), REGULARIZATION),
        )
    invariant = lsf.LsfPredictor(descriptor="invariant")
    models["invariants"] = lambda: (invariant.training_data(table)[0], invariant.regressor())
    results = {}
    for name, make in models.items():
        X, regressor = make()
        errors = []
        for train, test in KFold(sizes.folds, shuffle=True, random_state=1).split(X):
            guess = regressor.fit(X[train], y[train]).predict(X[test])
            minimum = lsf.minimum_moment(*guess.T)
            errors.append(
                [
                    *np.abs(guess - y[test]).mean(axis=0),
                    np.nanmean(np.abs(minimum - table.minimum[test])),
                ]
            )
        results[name] = summary(errors)
    zero = np.abs(table.relaxed - table.minimum)
    results["(iii) 0 K moment"] = {"minimum": (zero.mean(), zero.std(ddof=1) / np.sqrt(len(zero)))}
    return results


def summary(errors):
    """Return the mean over folds and its standard error for a, b and the minimum."""
    errors = np.array(errors)
    means, spreads = errors.mean(axis=0), errors.std(axis=0, ddof=1) / np.sqrt(len(errors))
    return dict(zip(("a", "b", "minimum"), zip(means, spreads, strict=True), strict=True))


def transfer(curie, core, sizes):
    """Fig. 7: predictions for both systems, learned from one or from both.

    Returns a dict of descriptor -> case -> {'true', 'predicted': lists of (a, b), 'error', ...}.
    """
    union = curie + core
    of_core = np.arange(len(union)) >= len(curie)
    results = {}
    for descriptor, label in ((3, "descriptor 3"), ("invariant", "invariants")):
        predictor = lsf.LsfPredictor(descriptor=descriptor)
        X, y = predictor.training_data(union)
        alone, both = np.empty_like(y), np.empty_like(y)
        for train, test in KFold(sizes.folds, shuffle=True, random_state=1).split(X):
            both[test] = predictor.regressor().fit(X[train], y[train]).predict(X[test])
            train, test = train[~of_core[train]], test[~of_core[test]]
            alone[test] = predictor.regressor().fit(X[train], y[train]).predict(X[test])
        alone[of_core] = predictor.regressor().fit(X[~of_core], y[~of_core]).predict(X[of_core])
        results[label] = {}
        for case, guess, rows in (
            ("Tc -> Tc", alone, ~of_core),
            ("Tc -> core", alone, of_core),
            ("both -> Tc", both, ~of_core),
            ("both -> core", both, of_core),
        ):
            errors = np.abs(guess[rows] - y[rows])
            results[label][case] = {
                "true": y[rows].tolist(),
                "predicted": guess[rows].tolist(),
                "error": errors.mean(axis=0).tolist(),
                "standard error": (errors.std(axis=0, ddof=1) / np.sqrt(rows.sum())).tolist(),
            }
    return results


def learn(table, sizes):
    """Return (Tables II and III, Fig. 1, Figs. 5-6) of the T_c table."""
    # Many small linear systems: threads of BLAS cost more than they bring.
    with threadpool_limits(1, "blas"):
        rows = widths_and_errors(table, sizes)
        return rows, learning_curves(table, rows, sizes), baselines(table, rows, sizes)
