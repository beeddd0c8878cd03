"""What a frame says about its moments, without calculating anything that is stored in it."""

import numpy as np
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.singlepoint import SinglePointCalculator

from ase_mag.core import as_moments, set_moments

#: Arrays of other programs that hold -dE/dM, eV/mu_B.
FIELD_ARRAYS = ("magforces", "REF_magforces")
#: Results that are one value per cell and grow with it.
EXTENSIVE = ("energy", "free_energy", "magmom")
#: Results that have one row per atom.
PER_ATOM = ("forces", "stresses", "energies", "charges", "magmoms", "magforces")


def result(atoms, name, calculate=False):
    """Return a result of the calculator of ``atoms``, or None.

    Parameters
    ----------
    atoms : ase.Atoms
    name : str, a property of ASE, or 'magforces'.
    calculate : bool; False: only what is there for this very state. True: also what an attached
        calculator (not the results of a file) calculates.
    """
    if atoms.calc is None:
        return None
    calculate = calculate and not isinstance(atoms.calc, SinglePointCalculator)
    try:
        return atoms.calc.get_property(name, atoms, allow_calculation=calculate)
    except (PropertyNotImplementedError, NotImplementedError):
        return None


def moments_of(atoms):
    """Return the moments of a frame, (N, 3) float array in mu_B, or None if it has none.

    Moments that a calculator has written for this state come before the initial ones.

    Raises
    ------
    ValueError
        For moments of another shape or that are not finite.
    """
    found = result(atoms, "magmoms")
    if found is None:
        found = atoms.arrays.get("initial_magmoms")
    return None if found is None else as_moments(found, len(atoms))


def fields_of(atoms):
    """Return the effective fields -dE/dM of a frame, (N, 3) float array in eV/mu_B, or None.

    The recorded ``magforces``, else those that the attached calculator calculates.

    Raises
    ------
    ValueError
        For recorded fields of another shape.
    """
    found = result(atoms, "magforces", calculate=True)
    for name in FIELD_ARRAYS:
        if found is None:
            found = atoms.arrays.get(name)
    if found is None:
        return None
    found = np.asarray(found, dtype=float)
    if found.shape != (len(atoms), 3):
        raise ValueError(
            f"magforces have shape {found.shape}; for {len(atoms)} atoms it must be "
            f"({len(atoms)}, 3), in eV/mu_B"
        )
    return found


def results_of(atoms, calculate=False):
    """Return all results that hold for this state, a dict; see :func:`result`."""
    names = (*EXTENSIVE, *PER_ATOM, "stress", "dipole")
    if not calculate and atoms.calc is not None:
        names = tuple(name for name in names if name in getattr(atoms.calc, "results", names))
    found = {name: result(atoms, name, calculate) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def repeated_results(atoms, count, divided=1):
    """Return the results of a frame whose atoms are repeated, a dict.

    Rows of atoms are repeated with them, (N, 3) moments and fields included; energies and the
    total moment grow; the stress stays, of which every site has its share.

    Parameters
    ----------
    atoms : ase.Atoms
    count : int, how many copies of the original cell there will be.
    divided : int, how many there are in ``atoms``.
    """
    found = results_of(atoms, calculate=divided == 1)
    n_original = len(atoms) // divided
    for name, value in found.items():
        if name in EXTENSIVE:
            found[name] = value * (count / divided)
        elif name in PER_ATOM:
            value = np.asarray(value)[:n_original]
            found[name] = np.tile(value, (count,) + (1,) * (value.ndim - 1))
            if name == "stresses":
                found[name] = found[name] * (divided / count)
    found.pop("dipole", None)
    return found


def saved(atoms, mask=None):
    """Return a copy of a frame with everything that files can keep of it.

    Parameters
    ----------
    atoms : ase.Atoms
    mask : (N,) bool array, atoms to keep; None: all.
    """
    copy, found = atoms.copy(), results_of(atoms)
    if mask is not None and not np.all(mask):
        copy = copy[mask]
        found = {name: np.asarray(found[name])[mask] for name in PER_ATOM if name in found}
    copy.info = dict(atoms.info)
    if found:
        copy.calc = SinglePointCalculator(copy, **found)
        copy.calc.name = getattr(atoms.calc, "name", None) or "unknown"
    return copy


def appendable(atoms, added):
    """Return atoms that can be added to ``atoms``: moments of both have the same shape then.

    ASE would broadcast a collinear moment m to (m, m, m). If one of the two has vector moments,
    those of the other become vectors along z, in ``atoms`` in place and in a copy of ``added``.
    """
    both = [frame.arrays.get("initial_magmoms") for frame in (atoms, added)]
    if {array.ndim for array in both if array is not None} != {1, 2}:
        return added
    added = added.copy()
    for frame in (atoms, added):
        set_moments(frame, frame.arrays["initial_magmoms"])
    return added


def change_moments(atoms, mask, moment=None, size=None, flip=False):
    """Set moments of some atoms; the other ones stay as they are shown.

    Moments that were collinear, (N,), stay so as long as all of them lie along z.

    Parameters
    ----------
    atoms : ase.Atoms, changed in place.
    mask : (N,) bool array, the atoms.
    moment : (3,) float array, mu_B, the new moment of each.
    size : float, mu_B, a new size; directions stay.
    flip : bool, turn them around.

    Raises
    ------
    ValueError
        For moments that are not finite, a negative size, or a size for a moment without direction.
    """
    moments = moments_of(atoms)
    moments = np.zeros((len(atoms), 3)) if moments is None else moments
    collinear = atoms.arrays.get("initial_magmoms", np.zeros(0)).ndim == 1
    if moment is not None:
        moments[mask] = moment
    if size is not None:
        if not (np.isfinite(size) and size >= 0):
            raise ValueError(f"the size of a moment is {size} mu_B, but must not be negative")
        lengths = np.linalg.norm(moments[mask], axis=1, keepdims=True)
        if not lengths.all():
            raise ValueError("a moment of zero has no direction: give its components")
        moments[mask] *= size / lengths
    if flip:
        moments[mask] *= -1
    moments = as_moments(moments, len(atoms))
    if collinear and not moments[:, :2].any():
        set_moments(atoms, moments[:, 2])
        atoms.arrays["initial_magmoms"] = np.ascontiguousarray(moments[:, 2])
    else:
        set_moments(atoms, moments)
