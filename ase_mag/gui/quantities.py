"""Scalars per atom that atoms are colored by.

m_i = |M_i| (mu_B); the angle is that between M_i and the mean moment of the frame; the torque is
|M_i x B_i| (eV) with the effective field B_i = -dE/dM_i (eV/mu_B); the pressure of a site is
-N tr(stress_i)/3 (GPa): stresses of ASE add up to that of the cell. What is not defined (the angle
of a zero moment) is nan and drawn white.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from ase import units

from ase_mag.gui.frames import FIELD_ARRAYS, fields_of, moments_of, result

#: Mean moments below this share of the mean size have no direction.
_NO_DIRECTION = 1e-6
#: Arrays of every frame that are shown in another way.
_OWN = {"numbers", "positions", "momenta", "initial_magmoms", "initial_charges", "tags"}
_COMPONENTS = {3: "xyz", 6: ("xx", "yy", "zz", "yz", "xz", "xy")}


@dataclass(frozen=True)
class Quantity:
    """A scalar per atom.

    Attributes
    ----------
    name : str, for the shell and for scripts.
    label, unit : str, for menus and the legend.
    values : function of ``Atoms`` that returns (N,) floats with nan where undefined, or None.
    signed : bool, colors are symmetric about zero.
    limits : (float, float) or None, the whole range that is possible.
    """

    name: str
    label: str
    unit: str
    values: Callable
    signed: bool = False
    limits: tuple | None = None

    @property
    def title(self):
        """Label with the unit, a str."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


def sizes(vectors):
    """Return the lengths of (N, 3) vectors, (N,); None stays None."""
    return None if vectors is None else np.linalg.norm(vectors, axis=1)


def angles_to(vectors, direction):
    """Return angles to a vector in degrees, (N,), nan where one of the two is zero.

    atan2(|v x d|, v.d), which is accurate for small angles too.
    """
    crossed = np.linalg.norm(np.cross(vectors, direction), axis=1)
    angles = np.degrees(np.arctan2(crossed, vectors @ direction))
    undefined = (np.linalg.norm(vectors, axis=1) == 0) | (np.linalg.norm(direction) == 0)
    return np.where(undefined, np.nan, angles)


def angles_to_mean(moments):
    """Return the angles between moments and their mean, degrees, (N,).

    All nan where the mean vanishes (below 1e-6 of the mean size), as in an antiferromagnet.
    """
    total = moments.sum(axis=0)
    if np.linalg.norm(total) <= _NO_DIRECTION * sizes(moments).sum():
        total = np.zeros(3)
    return angles_to(moments, total)


def torques(moments, fields):
    """Return |M_i x B_i|, (N,), eV."""
    return np.linalg.norm(np.cross(moments, fields), axis=1)


def _of_moments(function):
    def values(atoms):
        moments = moments_of(atoms)
        return None if moments is None else function(moments)

    return values


def _torques(atoms):
    moments, fields = moments_of(atoms), fields_of(atoms)
    return None if moments is None or fields is None else torques(moments, fields)


def _pressures(atoms):
    stresses = result(atoms, "stresses")
    return None if stresses is None else -len(atoms) * stresses[:, :3].mean(axis=1) / units.GPa


def _of_array(name, function=np.asarray):
    def values(atoms):
        return function(atoms.arrays[name]).astype(float) if name in atoms.arrays else None

    return values


def _speeds(atoms):
    return None if not atoms.has("momenta") else sizes(atoms.get_velocities() * 1000 * units.fs)


BUILT_IN = {
    quantity.name: quantity
    for quantity in (
        Quantity("size", "|M|", "μB", _of_moments(sizes)),
        Quantity("mx", "Mx", "μB", _of_moments(lambda m: m[:, 0]), signed=True),
        Quantity("my", "My", "μB", _of_moments(lambda m: m[:, 1]), signed=True),
        Quantity("mz", "Mz", "μB", _of_moments(lambda m: m[:, 2]), signed=True),
        Quantity("angle", "angle to mean", "°", _of_moments(angles_to_mean), limits=(0.0, 180.0)),
        Quantity("field", "|B|", "eV/μB", lambda atoms: sizes(fields_of(atoms))),
        Quantity("torque", "|M×B|", "eV", _torques),
        Quantity("energy", "site energy", "eV", lambda atoms: result(atoms, "energies")),
        Quantity("pressure", "site pressure", "GPa", _pressures, signed=True),
        Quantity("force", "|F|", "eV/Å", lambda atoms: sizes(result(atoms, "forces"))),
        Quantity("speed", "|v|", "Å/ps", _speeds),
        Quantity("charge", "charge", "e", _of_array("initial_charges"), signed=True),
        Quantity("tag", "tag", "", _of_array("tags")),
    )
}


def of_arrays(atoms):
    """Return a quantity for every column of numbers in ``atoms.arrays``, a dict by name.

    (N,) arrays keep their name; (N, 3) arrays give ``name`` (length) and ``name:x`` ...; (N, 6)
    arrays ``name:xx`` ... in the order of Voigt; others ``name:0`` ....
    """
    found = {}
    for name, array in atoms.arrays.items():
        if name in _OWN or name in FIELD_ARRAYS or array.dtype.kind not in "biuf":
            continue
        if array.ndim == 1:
            found[name] = Quantity(name, name, "", _of_array(name))
        elif array.ndim == 2:
            found |= _columns(name, array.shape[1])
    return found


def _columns(name, width):
    found = {}
    if width == 3:
        found[name] = Quantity(name, f"|{name}|", "", _of_array(name, sizes))
    for column, component in enumerate(_COMPONENTS.get(width, range(width))):
        key = f"{name}:{component}"
        values = _of_array(name, lambda array, column=column: array[:, column])
        found[key] = Quantity(key, f"{name} {component}", "", values, signed=width in _COMPONENTS)
    return found


def available(atoms):
    """Return the quantities that a frame has, a dict by name, moments first.

    Parameters
    ----------
    atoms : ase.Atoms
    """
    built_in = {
        name: quantity for name, quantity in BUILT_IN.items() if quantity.values(atoms) is not None
    }
    return built_in | {k: v for k, v in of_arrays(atoms).items() if k not in built_in}


def find(atoms, name):
    """Return the quantity of this name.

    Raises
    ------
    ValueError
        If the frame has none of this name; the message lists those that it has.
    """
    found = available(atoms)
    if name not in found:
        raise ValueError(
            f"atoms cannot be colored by {name!r}: the frame has {', '.join(found) or 'nothing'}"
        )
    return found[name]


def value_range(frames, quantity):
    """Return the ends of the color scale of a quantity, (low, high).

    The possible range where there is one (angles), else the least and the greatest value in all
    ``frames``; symmetric about zero for signed quantities. (0, 0) where no frame has a value.
    """
    if quantity.limits is not None:
        return quantity.limits
    low, high = np.inf, -np.inf
    for atoms in frames:
        values = quantity.values(atoms)
        values = values[np.isfinite(values)] if values is not None else ()
        if len(values):
            low, high = min(low, values.min()), max(high, values.max())
    if low > high:
        return 0.0, 0.0
    if quantity.signed:
        high = max(abs(low), abs(high))
        low = -high
    return float(low), float(high)
