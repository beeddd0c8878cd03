"""Errors on frames that a potential was not fitted to."""

import copy
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ase_mag.core.jobs import run_jobs
from ase_mag.fitting.fit import fit
from ase_mag.fitting.labels import QUANTITIES
from ase_mag.fitting.metrics import compare
from ase_mag.fitting.summary import spread_of


@dataclass(frozen=True)
class CrossValidation:
    """Test errors of every fold.

    Attributes
    ----------
    labels : tuple of str; units : tuple of str.
    rmse, mae : (n_labels, folds) float arrays, in ``units``.
    spread : (n_labels,) float array, of the labels in all data.
    n_frames : int
    """

    labels: tuple
    units: tuple
    rmse: np.ndarray
    mae: np.ndarray
    spread: np.ndarray
    n_frames: int

    @property
    def mean(self):
        """Average RMSE over the folds, (n_labels,)."""
        return self.rmse.mean(axis=-1)

    @property
    def standard_error(self):
        """Standard error of that average, (n_labels,), as if folds were independent."""
        return standard_error(self.rmse)

    def __getitem__(self, label):
        """Return (mean, standard error) of the RMSE of a label."""
        place = self.labels.index(label)
        return float(self.mean[place]), float(self.standard_error[place])

    def __str__(self):
        lines = [
            f"Test errors, {self.rmse.shape[-1]}-fold cross-validation of {self.n_frames} frames",
            f"{'':26s}{'RMSE':>22s}{'MAE':>22s}{'spread':>11s}",
        ]
        parts = ((self.mean, self.standard_error), (self.mae.mean(-1), standard_error(self.mae)))
        for k, (label, unit) in enumerate(zip(self.labels, self.units, strict=True)):
            cells = "".join(f"{f'{mean[k]:.4g} +- {error[k]:.2g}':>22s}" for mean, error in parts)
            lines.append(f"{f'{label} ({unit})':26s}{cells}{self.spread[k]:11.4g}")
        return "\n".join(lines)


@dataclass(frozen=True)
class LearningCurve:
    """Test errors against the number of training frames.

    Attributes
    ----------
    sizes : (n_sizes,) float array, mean number of training frames.
    labels, units : tuples of str.
    rmse : (n_sizes, n_labels, folds) float array.
    """

    sizes: np.ndarray
    labels: tuple
    units: tuple
    rmse: np.ndarray

    @property
    def mean(self):
        """Average over the folds, (n_sizes, n_labels)."""
        return self.rmse.mean(axis=-1)

    @property
    def standard_error(self):
        """Standard error of that average, (n_sizes, n_labels), as if folds were independent."""
        return standard_error(self.rmse)

    def __str__(self):
        titles = (f"{a} ({u})" for a, u in zip(self.labels, self.units, strict=True))
        lines = [
            f"Test RMSE, {self.rmse.shape[-1]} folds",
            f"{'frames':>8s}" + "".join(f"{title:>26s}" for title in titles),
        ]
        for size, means, errors in zip(self.sizes, self.mean, self.standard_error, strict=True):
            cells = (f"{m:.4g} +- {e:.2g}" for m, e in zip(means, errors, strict=True))
            lines.append(f"{size:8.5g}" + "".join(f"{cell:>26s}" for cell in cells))
        return "\n".join(lines)


def cross_validate(potential, data, folds=5, rng=None, *, executor=None, **options):
    """Fit to all folds but one, judge by that one, for every fold.

    Parameters
    ----------
    potential : Trainable, or a sum with trainable terms; it is not changed, and every fit starts
        from its parameters.
    data : Dataset; its groups stay together.
    folds : int, at least 2. rng : int or numpy.random.Generator, shuffles the groups.
    executor : concurrent.futures.Executor, optional; fits are independent jobs. The result does
        not depend on it.
    **options : of :func:`ase_mag.fitting.fit` (weights, method, ...).

    Returns
    -------
    CrossValidation
    """
    _check_options(options)
    parts = data.folds(folds, rng)
    jobs = {
        k: (potential, train, test, options | {"progress": False})
        for k, (train, test) in enumerate(parts)
    }
    found = dict(run_jobs(errors_of_fit, jobs, executor))
    labels = data.labels
    return CrossValidation(
        labels,
        tuple(QUANTITIES[name].shown for name in labels),
        _table([found[k] for k in jobs], labels, 0),
        _table([found[k] for k in jobs], labels, 1),
        np.array([spread_of(name, data)[1] for name in labels]),
        len(data),
    )


def learning_curve(potential, data, sizes, folds=5, rng=None, *, executor=None, **options):
    """Return test errors against the number of training frames.

    In each fold the training groups are shuffled, and the first of them, until there are as many
    frames as asked for, are fitted to; the test sets are the same for all sizes.

    Parameters
    ----------
    potential, data, folds, rng, executor, options : as in :func:`cross_validate`.
    sizes : sequence of int, increasing numbers of training frames.

    Returns
    -------
    LearningCurve
    """
    _check_options(options)
    sizes = [int(size) for size in sizes]
    if not sizes or sizes[0] < 1 or any(a >= b for a, b in pairwise(sizes)):
        raise ValueError(f"sizes must be increasing positive integers, got {sizes}")
    generator = None if rng is None else np.random.default_rng(rng)
    jobs, counts = {}, np.zeros(len(sizes))
    for fold, (train, test) in enumerate(data.folds(folds, generator)):
        if sizes[-1] > len(train):
            raise ValueError(
                f"there are {len(train)} training frames in fold {fold}, fewer than the largest "
                f"size, {sizes[-1]}: use more folds or smaller sizes"
            )
        groups = train.shuffled_groups(generator)
        ends = np.cumsum([len(group) for group in groups])
        order = np.concatenate(groups)
        for k, size in enumerate(sizes):
            count = int(ends[np.searchsorted(ends, size)])
            counts[k] += count
            chosen = train[np.sort(order[:count])]
            jobs[fold, k] = (potential, chosen, test, options | {"progress": False})
    found = dict(run_jobs(errors_of_fit, jobs, executor))
    folds = 1 + max(fold for fold, _ in jobs)
    rmse = [
        _table([found[fold, k] for fold in range(folds)], data.labels, 0) for k in range(len(sizes))
    ]
    units = tuple(QUANTITIES[name].shown for name in data.labels)
    return LearningCurve(counts / folds, data.labels, units, np.array(rmse))


def errors_of_fit(potential, train, test, options):
    """Return {label: (RMSE, MAE)} of a copy of a potential that was fitted to other frames."""
    potential = copy.deepcopy(potential)
    fit(potential, train, **options)
    return {name: (errors.rmse, errors.mae) for name, errors in compare(potential, test).items()}


def standard_error(values):
    """Return the standard error of the mean over the last axis."""
    return values.std(axis=-1, ddof=1) / np.sqrt(values.shape[-1])


def _table(found, labels, which):
    """Return (n_labels, folds); NaN where no frame of a test set has the label."""
    missing = (np.nan, np.nan)
    return np.array([[errors.get(name, missing)[which] for errors in found] for name in labels])


def _check_options(options):
    for name in ("test", "patience", "checkpoint", "restart", "checkpoint_interval"):
        if name in options:
            raise ValueError(f"{name} has no meaning in repeated fits: leave it out")
