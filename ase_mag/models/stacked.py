"""Responses of several energies as the rows of one."""

import numpy as np

from ase_mag.core.response import Response

_PARTS = ("energies", "magforces", "forces", "virials")


def stacked(responses):
    """Return a Response whose arrays have the given responses as an additional first axis.

    Parameters
    ----------
    responses : iterable of Response, at least one.
    """
    rows = list(responses)
    return Response(
        *(
            None
            if getattr(rows[0], part) is None
            else np.array([getattr(row, part) for row in rows])
            for part in _PARTS
        )
    )
