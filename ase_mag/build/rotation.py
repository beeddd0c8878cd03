"""Rotations that take the moments, and all other vectors of the atoms, along."""

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from ase.stress import full_3x3_to_voigt_6_stress, voigt_6_to_full_3x3_stress

from ase_mag.core import get_moments, set_moments

#: Arrays of atoms and results that are vectors of the atoms.
VECTORS = ("momenta", "velocities", "forces", "magforces", "magmoms", "fields", "effective_fields")
#: Results that belong to spin space.
_OF_SPINS = ("magforces", "magmoms")
#: Results that no rotation changes.
_SCALARS = ("energy", "free_energy", "energies", "charges", "moment_error", "magmom")


def rotate_with_moments(atoms, a, v=None, *, center=(0, 0, 0), vectors=()):
    """Rotate atoms, cell and moments as one body, in place.

    ASE's ``atoms.rotate`` leaves moments, momenta and recorded results behind. Here everything
    turns: positions around ``center``, cell, momenta, moments, the arrays of :data:`VECTORS`, and
    recorded results (of files; forces, magnetic forces, moments, stress; the total moment
    ``magmom`` becomes the z component of the turned moments). No energy without an external
    field depends on such a rotation. A calculator that computes does so anew.

    Parameters
    ----------
    atoms : ase.Atoms, changed in place. Moments along z, (N,), become vectors.
    a, v : as for ASE: an angle in degrees and an axis, or two vectors of which the first is turned
        into the second; or ``a`` alone: a rotation matrix R (3, 3), x -> R x, or a
        ``scipy.spatial.transform.Rotation``.
    center : three numbers, or 'COM', 'COP', 'COU', as for ASE.
    vectors : sequence of str, names of more arrays (N, 3) in ``atoms.arrays`` that turn.

    Returns
    -------
    (3, 3) float array, the rotation matrix.

    Raises
    ------
    ValueError
        For a matrix that is no proper rotation (moments are axial vectors: mirrors turn them
        another way), constraints with directions, or an array that is not (N, 3).
    """
    rotation = rotation_matrix(a, v)
    for constraint in atoms.constraints:
        if not isinstance(constraint, FixAtoms):
            raise ValueError(
                f"the constraint {type(constraint).__name__} may have directions, which would stay "
                "behind: remove it before the rotation and set it anew"
            )
    _check_arrays(atoms, vectors)
    results = _recorded(atoms)
    named = [name for name in (*VECTORS, *vectors) if name in atoms.arrays]
    turned = {name: atoms.arrays[name] @ rotation.T for name in named if _is_vector(atoms, name)}
    has_moments = "initial_magmoms" in atoms.arrays
    moments = get_moments(atoms) @ rotation.T
    origin = atoms._centering_as_array(center)
    atoms.positions[:] = (atoms.positions - origin) @ rotation.T + origin
    atoms.set_cell(atoms.cell.array @ rotation.T)
    for name, values in turned.items():
        atoms.arrays[name][:] = values
    if has_moments:
        set_moments(atoms, moments)
    if results is not None:
        _record(atoms, _rotated(results, rotation))
    return rotation


def rotate_moments(atoms, a, v=None, *, indices=None, isotropic=False):
    """Rotate the moments and nothing else, in place.

    The energy stays the same only if spin space is isotropic (no anisotropy, no
    Dzyaloshinskii-Moriya or dipole interaction, no field) and all moments turn.

    Parameters
    ----------
    atoms : ase.Atoms, changed in place.
    a, v : see :func:`rotate_with_moments`.
    indices : sequence of int or mask, optional; the moments that turn. Default: all.
    isotropic : bool; True keeps recorded results, whose magnetic forces and moments turn. Else
        recorded results are removed, since they belong to other moments.

    Returns
    -------
    (3, 3) float array, the rotation matrix.

    Raises
    ------
    ValueError
        For a matrix that is no proper rotation, or ``isotropic`` together with ``indices``.
    """
    if isotropic and indices is not None:
        raise ValueError(
            "a rotation of some moments changes every energy: leave out isotropic, or indices"
        )
    rotation = rotation_matrix(a, v)
    moments, results = get_moments(atoms), _recorded(atoms)
    chosen = slice(None) if indices is None else np.asarray(indices)
    moments[chosen] = moments[chosen] @ rotation.T
    set_moments(atoms, moments)
    if results is not None:
        atoms.calc = None
        if isotropic:
            _record(atoms, _rotated(results, rotation, only=_OF_SPINS))
    return rotation


def rotation_matrix(a, v=None):
    """Return R (3, 3), x -> R x, of the arguments of :func:`rotate_with_moments`.

    Raises
    ------
    ValueError
        For a matrix that is no proper rotation.
    """
    if v is not None:
        axes = Atoms("X3", np.eye(3))
        axes.rotate(a, v)
        return axes.positions.T.copy()
    matrix = np.asarray(a.as_matrix() if hasattr(a, "as_matrix") else a, dtype=float)
    if (
        matrix.shape != (3, 3)
        or not np.isfinite(matrix).all()
        or abs(matrix @ matrix.T - np.eye(3)).max() > 1e-8
        or np.linalg.det(matrix) < 0
    ):
        raise ValueError(
            f"a rotation matrix (3, 3) with determinant 1 is needed, or an angle and an axis, got "
            f"{a!r}: mirrors and inversions are none, and turn moments (axial vectors) differently"
        )
    return matrix


def _is_vector(atoms, name):
    return atoms.arrays[name].shape == (len(atoms), 3)


def _check_arrays(atoms, vectors):
    for name in vectors:
        if name not in atoms.arrays or not _is_vector(atoms, name):
            shape = atoms.arrays[name].shape if name in atoms.arrays else "not there"
            raise ValueError(
                f"the array {name!r} is {shape}, but a vector for each atom, ({len(atoms)}, 3), is "
                f"needed; the arrays are {', '.join(atoms.arrays)}"
            )


def _recorded(atoms):
    """Return results that belong to a file and to these atoms, or None."""
    calc = atoms.calc
    if not isinstance(calc, SinglePointCalculator) or calc.check_state(atoms):
        return None
    return dict(calc.results)


def _record(atoms, results):
    name = getattr(atoms.calc, "name", None)
    atoms.calc = SinglePointCalculator(atoms)
    atoms.calc.results.update(results)
    if name is not None:
        atoms.calc.name = name


def _rotated(results, rotation, only=None):
    """Return results turned; those that are not known to be scalars, vectors or stress are left."""
    out = {}
    for name, value in results.items():
        array = np.asarray(value)
        if name in _SCALARS or (only is not None and name not in only):
            out[name] = value
        elif name in ("stress", "stresses"):
            full = rotation @ voigt_6_to_full_3x3_stress(array) @ rotation.T
            out[name] = full_3x3_to_voigt_6_stress(full)
        elif name == "dipole" or (array.ndim == 2 and array.shape[1] == 3):
            out[name] = array @ rotation.T
        elif name == "magmoms":  # along z
            out[name] = np.outer(array, rotation[:, 2])
        else:
            raise ValueError(
                f"it is not known how the recorded result {name!r} turns: remove it from "
                "atoms.calc.results before the rotation"
            )
    if "magmom" in out and "magmoms" in out:
        out["magmom"] = float(np.sum(np.asarray(out["magmoms"])[:, 2]))
    return out
