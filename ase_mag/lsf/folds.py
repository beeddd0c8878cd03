"""Splits of a table of landscapes for cross-validation."""

import numpy as np
from sklearn.model_selection import GroupKFold, KFold


def splits(table, folds, rng, groups=None):
    """Return [(training rows, test rows)] of a table, every row once in a test set.

    Parameters
    ----------
    table : LandscapeTable
    folds : int, at least 2.
    rng : int or numpy.random.Generator, shuffles.
    groups : None or 'frame'
        None draws rows at random, as in the literature: the test atoms then have neighbors, in the
        same frames, among the training atoms. 'frame' keeps the atoms of a frame together, so that
        test frames are new.

    Raises
    ------
    ValueError
        For fewer than two folds, more folds than rows (or frames), without ``rng``, and for other
        groups.
    """
    if groups not in (None, "frame"):
        raise ValueError(f"groups is {groups!r}; use None (rows at random) or 'frame'")
    count = len(table) if groups is None else len(np.unique(table.frame))
    what = "landscapes" if groups is None else "frames"
    if int(folds) != folds or not 2 <= folds <= count:
        raise ValueError(
            f"folds must be an integer from 2 to the number of {what}, {count}, got {folds!r}"
        )
    if rng is None:
        raise ValueError(
            "folds are drawn at random: give rng, an integer seed or a numpy Generator"
        )
    seed = int(np.random.default_rng(rng).integers(2**31))
    maker = KFold if groups is None else GroupKFold
    splitter = maker(int(folds), shuffle=True, random_state=seed)
    groups = None if groups is None else table.frame
    return list(splitter.split(np.zeros((len(table), 1)), groups=groups))
