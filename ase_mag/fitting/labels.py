"""What a frame can be fitted to: names, units, shapes, and what is evidently a wrong unit."""

from dataclasses import dataclass

import numpy as np
from ase.stress import full_3x3_to_voigt_6_stress


@dataclass(frozen=True)
class Quantity:
    """A quantity that a frame may have as a label.

    Attributes
    ----------
    unit : str, of the label.
    per_atom : bool, whether there is one row (3,) per atom.
    largest : float, in ``unit`` (energies: per atom); a larger absolute value is refused, because
        it is evidently another unit, or a calculation that failed.
    shown, factor : str and float, unit of tables and what the label is multiplied by for it.
    """

    unit: str
    per_atom: bool
    largest: float
    shown: str
    factor: float


#: GPa in 1 eV/angstrom^3.
GPA = 160.21766208

#: The labels of a frame. Stress: ASE's sign (positive: tension), Voigt order xx yy zz yz xz xy.
QUANTITIES = {
    "energy": Quantity("eV", False, 1e6, "meV/atom", 1e3),
    "forces": Quantity("eV/angstrom", True, 1e3, "meV/angstrom", 1e3),
    "stress": Quantity("eV/angstrom^3", False, 5.0, "GPa", GPA),
    "magforces": Quantity("eV/mu_B", True, 100.0, "meV/mu_B", 1e3),
}
#: What to do about labels of a wrong shape.
_REMEDIES = {
    "energy": ": give the energy of the whole cell, or remove this label",
    "stress": ": give the stress of the whole cell, or remove this label",
}
#: Moments above this, in mu_B, are evidently not moments of atoms.
LARGEST_MOMENT = 15.0


def is_label(name, value, n_atoms, volume):
    """Return whether a label is as :func:`as_label` returns it."""
    shape = {"energy": (), "stress": (6,)}.get(name, (n_atoms, 3))
    if not isinstance(value, np.ndarray | np.float64) or value.dtype != float:
        return False
    if value.shape != shape or (name == "stress" and volume is None):
        return False
    return not np.isinf(value).any()


def as_label(name, value, n_atoms, volume, where):
    """Return a label as a new float array in the shape that frames keep.

    energy: (); forces and magforces: (N, 3), where (N,) magnetic forces are those along z of
    collinear calculations; stress: (6,), given as (6,), (3, 3) or (9,).

    Raises
    ------
    ValueError
        For another shape, or infinite values, naming ``where``.
    """
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {name} is not made of numbers: {error}") from None
    shape = array.shape
    if name == "energy":
        array, allowed = array.reshape(()) if array.size == 1 else array, [()]
    elif name == "stress":
        if volume is None:
            raise ValueError(
                f"{where} has a stress, but is not periodic in three directions, so it has no "
                "volume: remove that label, e.g. with keys={'stress': None}"
            )
        if array.size == 9 and shape in ((9,), (3, 3)):
            array = full_3x3_to_voigt_6_stress(array.reshape(3, 3))
        allowed = [(6,)]
    else:
        if name == "magforces" and shape == (n_atoms,):
            array = np.column_stack([np.zeros((n_atoms, 2)), array])
        allowed = [(n_atoms, 3)]
    if array.shape not in allowed:
        raise ValueError(
            f"{where}: {name} has shape {shape}; a frame of {n_atoms} atoms has {allowed[0]}"
            + {"stress": ", (3, 3) or (9,)", "magforces": f" or ({n_atoms},)"}.get(name, "")
            + _REMEDIES.get(name, ": give one row for every atom, or remove this label")
        )
    if np.isinf(array).any():
        raise ValueError(f"{where}: {name} is infinite: remove this frame or label")
    return array


def check_nan(name, array, where, allow):
    """Raise ValueError for NaN in a label, unless ``allow``."""
    if allow or not np.isnan(array).any():
        return
    row = "" if array.ndim < 2 else f" of atom {int(np.argwhere(np.isnan(array))[0, 0])}"
    raise ValueError(
        f"{where}: {name}{row} is NaN. Remove the frame, or pass nan='missing', which does not fit "
        "what is NaN"
    )


def check_unit(name, array, n_atoms, where):
    """Raise ValueError for values that are evidently in another unit."""
    quantity = QUANTITIES[name]
    size = np.abs(array[~np.isnan(array)]).max(initial=0.0)
    size /= n_atoms if name == "energy" else 1
    if size > quantity.largest:
        hint = {
            "stress": ": a stress in GPa is divided by 160.21766, one in kbar by 1602.1766, and "
            "the virial in eV by minus the volume (key 'virial')",
        }.get(name, "")
        raise ValueError(
            f"{where}: {name} reaches {size:.4g} {quantity.unit}"
            f"{' per atom' if name == 'energy' else ''}, above {quantity.largest:g}, so that the "
            f"unit is evidently not {quantity.unit}, or the calculation has failed{hint}. Convert "
            "the label, remove the frame, or pass check_units=False"
        )


def check_moments(moments, where):
    """Raise ValueError for moments that are evidently not in mu_B."""
    size = np.abs(moments).max(initial=0.0)
    if size > LARGEST_MOMENT:
        raise ValueError(
            f"{where}: moments reach {size:.4g} mu_B, above {LARGEST_MOMENT:g} mu_B, which no atom "
            "has: convert them, remove the frame, or pass check_units=False"
        )
