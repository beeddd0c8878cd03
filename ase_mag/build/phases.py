"""Magnetic phases of cubic crystals in their smallest cells."""

import numpy as np
from ase import Atoms

from ase_mag.core import set_moments

#: The phases of Table 1 of Chapman and Ma (2022): (structure, order of the moments).
PHASES = (
    ("bcc", "FM"),
    ("bcc", "SL-AFM"),
    ("bcc", "NM"),
    ("fcc", "DL-AFM"),
    ("fcc", "SL-AFM"),
    ("fcc", "FM"),
    ("fcc", "NM"),
)
#: Signs of the moments in successive (001) layers.
LAYERS = {"FM": (1,), "NM": (0,), "SL-AFM": (1, -1), "DL-AFM": (1, 1, -1, -1)}


def magnetic_phase(structure, order, a, *, symbol="Fe", moment=2.2, axis=(0.0, 0.0, 1.0)):
    """Return one cell of a magnetic phase, a crystal of (001) layers with moments along an axis.

    Layers are a/2 apart; their moments are + + + ... (``'FM'``), + - ... (``'SL-AFM'``, single
    layer), + + - - ... (``'DL-AFM'``, double layer) or zero (``'NM'``). The cells have one atom
    (FM, NM), two or four; those of fcc layers are a/sqrt(2) wide, turned by 45 degrees.

    Parameters
    ----------
    structure : 'bcc' or 'fcc'.
    order : 'FM', 'SL-AFM', 'DL-AFM' or 'NM'.
    a : float, lattice constant of the cubic cell (two or four atoms), angstrom.
    symbol : str, the element.
    moment : float, size of the moments, mu_B.
    axis : three numbers, direction of the moments.

    Returns
    -------
    ase.Atoms
        With moments; volume per atom a^3/2 (bcc) or a^3/4 (fcc).

    Raises
    ------
    ValueError
        For an unknown structure or order, a lattice constant that is not positive, or an axis of
        zero length.
    """
    if structure not in ("bcc", "fcc"):
        raise ValueError(f"structure must be 'bcc' or 'fcc', got {structure!r}")
    if order not in LAYERS:
        raise ValueError(f"order must be one of {', '.join(LAYERS)}, got {order!r}")
    if not (np.isfinite(a) and a > 0):
        raise ValueError(f"the lattice constant must be a positive number of angstrom, got {a!r}")
    length = np.linalg.norm(axis)
    if np.shape(axis) != (3,) or not (np.isfinite(length) and length > 0):
        raise ValueError(f"axis must be three numbers that are not all zero, got {axis!r}")
    signs = LAYERS[order]
    # Layers of both crystals are square nets; the next one lies over the centers of the squares.
    width = a if structure == "bcc" else a / np.sqrt(2)
    step = np.array([width / 2, width / 2, a / 2])
    top = len(signs) * step
    top[:2] %= width
    atoms = Atoms(
        [symbol] * len(signs),
        positions=[layer * step for layer in range(len(signs))],
        cell=[[width, 0, 0], [0, width, 0], top],
        pbc=True,
    )
    atoms.wrap(eps=1e-9)
    set_moments(atoms, float(moment) * np.outer(signs, axis) / length)
    atoms.info["phase"] = f"{order} {structure}"
    return atoms
