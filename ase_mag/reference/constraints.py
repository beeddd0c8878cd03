"""Constraints of moments: which part of a moment is held at its target, atom by atom."""

from collections.abc import Mapping

import numpy as np

#: What is held at the target M: all of the vector, its direction, its magnitude, or nothing.
KINDS = ("vector", "direction", "magnitude", "free")


def constraint_kinds(constraint, symbols):
    """Return the kind of constraint of every atom, a tuple of str.

    Parameters
    ----------
    constraint : str, dict or sequence
        One of 'vector', 'direction', 'magnitude', 'free' for all atoms; a dict of kinds by
        chemical symbol (species that are not named are free); or one kind per atom.
    symbols : sequence of str, the chemical symbols of the atoms.

    Raises
    ------
    ValueError
        For an unknown kind, a species that no atom has, or another number of kinds than atoms.
    """
    symbols = list(symbols)
    if isinstance(constraint, str):
        kinds = [constraint] * len(symbols)
    elif isinstance(constraint, Mapping):
        absent = sorted(set(constraint) - set(symbols))
        if absent:
            raise ValueError(
                f"the constraint names {', '.join(absent)}, but the atoms are "
                f"{', '.join(sorted(set(symbols)))}: name only species that are there"
            )
        kinds = [constraint.get(symbol, "free") for symbol in symbols]
    else:
        kinds = list(constraint)
        if len(kinds) != len(symbols):
            raise ValueError(
                f"the constraint has {len(kinds)} kinds for {len(symbols)} atoms: give one per "
                "atom, one for all, or a dict by species"
            )
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise ValueError(
            f"unknown kind of constraint {unknown[0]!r}: allowed are {', '.join(KINDS)}"
        )
    return tuple(kinds)


def check_targets(targets, kinds, symbols, constraint="vector"):
    """Raise ValueError for targets that the constraint cannot hold.

    Parameters
    ----------
    targets : (N, 3) array, mu_B; kinds : N str; symbols : N str.
    constraint : as in :func:`constraint_kinds`, to tell a species that was forgotten (not named
        in a dict, so that it would silently be free) from one that is free by request.
    """
    for i, (target, kind, symbol) in enumerate(zip(targets, kinds, symbols, strict=True)):
        size = np.linalg.norm(target)
        if kind == "direction" and size == 0:
            raise ValueError(
                f"the direction of atom {i} ({symbol}) is to be constrained, but its target moment "
                "is zero and has no direction: set a moment, or use 'vector' (zero is a target "
                "then) or 'free' for this atom"
            )
        if isinstance(constraint, Mapping) and symbol not in constraint and size > 0:
            raise ValueError(
                f"atom {i} ({symbol}) has a target moment of {size:g} mu_B, but the constraint "
                f"names only {', '.join(constraint)}: add '{symbol}' with 'vector', or with 'free' "
                "if the moment is only the start of an unconstrained one, or set it to zero"
            )


def moment_errors(moments, targets, kinds):
    """Return how far moments are from what their targets allow, (N,) in mu_B.

    |M - T| for 'vector'; the distance to the ray along T for 'direction'; ||M| - |T|| for
    'magnitude'; zero for 'free'.

    Parameters
    ----------
    moments, targets : (N, 3) arrays, mu_B; kinds : N str.
    """
    moments, targets = np.asarray(moments, float), np.asarray(targets, float)
    errors = np.zeros(len(moments))
    for i, (moment, target, kind) in enumerate(zip(moments, targets, kinds, strict=True)):
        if kind == "vector":
            errors[i] = np.linalg.norm(moment - target)
        elif kind == "direction":
            unit = target / np.linalg.norm(target)
            errors[i] = np.linalg.norm(moment - max(moment @ unit, 0.0) * unit)
        elif kind == "magnitude":
            errors[i] = abs(np.linalg.norm(moment) - np.linalg.norm(target))
    return errors
