"""Continuity at the cutoff, and no influence of atoms beyond it."""

from itertools import combinations_with_replacement

import numpy as np
from ase.data import atomic_numbers

from ase_mag.core import Sum
from ase_mag.testing.comparison import assert_responses
from ase_mag.testing.structures import Structure, along


def cutoffs_of(model):
    """Return the cutoffs of a model and of all terms of a sum, without zeros, angstrom."""
    terms = model.terms if isinstance(model, Sum) else ()
    found = {model.cutoff}.union(*map(cutoffs_of, terms))
    return sorted(found - {0.0})


def check_cutoff(model, *, rng=0, cutoffs=None):
    """Check that energies, forces and magnetic forces are continuous when an atom leaves.

    Three atoms, one of which crosses the cutoff sphere of another one: a jump J(d) between
    distances cutoff - d and cutoff + d must vanish with d, J(1e-7) < 0.1 J(1e-5) + 1e-11, so any
    step above 1e-11 eV, eV/angstrom or eV/mu_B is found.

    The other parameters are those of :func:`check_model`.

    Parameters
    ----------
    cutoffs : list of float, angstrom; default: those of the model and of the terms of a sum.
    """
    rng = np.random.default_rng(rng)
    species = sorted(set(model.species))
    for cutoff in cutoffs_of(model) if cutoffs is None else cutoffs:
        for pair in combinations_with_replacement(species, 2):
            numbers = np.array([atomic_numbers[s] for s in (*pair, pair[0])])
            moments = along(rng.normal(scale=1.5, size=(3, 3)), model.moment_axis)
            direction = rng.normal(size=3)
            direction /= np.linalg.norm(direction)
            normal = np.linalg.svd(direction[None])[2][2]

            def crossing(d, numbers=numbers, moments=moments, cutoff=cutoff, u=direction, v=normal):
                positions = np.array([0 * u, (cutoff + d) * u, 0.5 * cutoff * u + 1.5 * v])
                cell, pbc = np.zeros((3, 3)), np.zeros(3, bool)
                return Structure(numbers, positions, cell, pbc, moments).response(model)

            _check_jump(crossing, f"{pair[0]}-{pair[1]} at the cutoff {cutoff:g} angstrom")


def _check_jump(crossing, what):
    near, far = ([crossing(s * d) for s in (-1, 1)] for d in (1e-7, 1e-5))
    for part in ("energies", "forces", "magforces"):
        jump, slow = (
            np.abs(getattr(inside, part) - getattr(outside, part)).max()
            for inside, outside in (near, far)
        )
        if not jump <= 0.1 * slow + 1e-11:
            raise AssertionError(
                f"{what}: {part} jump by {jump:.3g} (between 1e-7 angstrom inside and outside)"
            )


def check_far_atoms(model, atoms, *, rtol=1e-12):
    """Check that pairs beyond the cutoff, which a graph with a skin lists, have no influence.

    Parameters and errors are those of :func:`check_model`.
    """
    structure = Structure.of(atoms)
    assert_responses(
        structure.response(model, skin=0.7),
        structure.response(model),
        "graph with pairs beyond the cutoff",
        rtol=rtol,
    )
