"""The order of atoms in Spirit."""

import numpy as np


def spirit_order(count, repeat):
    """Return, for Spirit's order, the places in the order of ``atoms.repeat``, (count,) int array.

    Spirit runs over the sites of a cell first, then cells along a, b and c; ASE over the sites,
    then c, b and a.

    Raises
    ------
    ValueError
        If the atoms are not so many cells.
    """
    repeat = np.array((1, 1, 1) if repeat is None else repeat, dtype=int)
    if repeat.shape != (3,) or (repeat < 1).any() or count % repeat.prod():
        raise ValueError(
            f"repeat must be three positive numbers of cells whose product divides the {count} "
            f"atoms, got {repeat.tolist()}"
        )
    places = np.arange(count).reshape(*repeat, -1)
    return places.transpose(2, 1, 0, 3).ravel()
