"""Text of the status line: vector moments of one atom, of two atoms, of the frame."""

import numpy as np
from ase.data import atomic_names, chemical_symbols

from ase_mag.gui.frames import fields_of, moments_of, result
from ase_mag.gui.quantities import angles_to, angles_to_mean, sizes


def status_text(atoms, selected):
    """Return the status line, a str, or None where the stock program says it as well.

    Parameters
    ----------
    atoms : ase.Atoms
    selected : sequence of int, selected atoms.
    """
    moments = moments_of(atoms)
    if moments is None or not len(atoms):
        return None
    if len(selected) == 0:
        return _frame(atoms, moments)
    if len(selected) == 1:
        return _atom(atoms, moments, int(selected[0]))
    if len(selected) == 2:
        return _pair(atoms, moments, *(int(index) for index in selected))
    mean = moments[list(selected)].mean(axis=0)
    return f"{len(selected)} atoms   ⟨M⟩ = {_vector(mean)} μB   |⟨M⟩| = {_length(mean)} μB"


def _vector(vector):
    return "({:.3f}, {:.3f}, {:.3f})".format(*(vector + 0.0))


def _length(vector):
    return f"{np.linalg.norm(vector):.3f}"


def _angle(angle):
    return "no angle" if np.isnan(angle) else f"{angle:.1f}°"


def _frame(atoms, moments):
    parts = [
        f"|⟨M⟩| = {_length(moments.mean(axis=0))} μB",
        f"⟨|M|⟩ = {sizes(moments).mean():.3f} μB",
    ]
    energy, forces = result(atoms, "energy"), result(atoms, "forces")
    if energy is not None:
        parts.append(f"Energy = {energy:.3f} eV")
    if forces is not None:
        parts.append(f"Max force = {sizes(forces).max():.3f} eV/Å")
    return "   ".join(parts)


def _atom(atoms, moments, index):
    number = atoms.numbers[index]
    name = f"#{index} {atomic_names[number]} ({chemical_symbols[number]})"
    parts = [f"{name}: " + "{:.3f}, {:.3f}, {:.3f} Å".format(*atoms.positions[index])]
    parts.append(f"M = {_vector(moments[index])} μB   |M| = {_length(moments[index])} μB")
    parts.append(f"{_angle(angles_to_mean(moments)[index])} to the mean")
    fields = fields_of(atoms)
    if fields is not None:
        parts.append(f"B = {_vector(fields[index])} eV/μB   |B| = {_length(fields[index])} eV/μB")
    if atoms.has("tags"):
        parts.append(f"tag = {atoms.get_tags()[index]}")
    if atoms.has("initial_charges"):
        parts.append(f"q = {atoms.get_initial_charges()[index]:.2f}")
    return "   ".join(parts)


def _pair(atoms, moments, first, second):
    symbols = atoms.symbols
    distance = np.linalg.norm(atoms.positions[first] - atoms.positions[second])
    (angle,) = angles_to(moments[[first]], moments[second])
    return (
        f"{symbols[first]}-{symbols[second]}: {distance:.3f} Å   "
        f"moments #{first} {_vector(moments[first])}, #{second} {_vector(moments[second])} μB, "
        f"{_angle(angle)} between them"
    )
