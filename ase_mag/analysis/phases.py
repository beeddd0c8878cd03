"""Energies, volumes and moments of magnetic phases, as Table 1 of Chapman and Ma (2022)."""

from dataclasses import dataclass, field

import numpy as np
from ase import Atoms
from ase.units import GPa
from scipy.optimize import brentq

from ase_mag.build import PHASES, magnetic_phase
from ase_mag.calculators import MagneticCalculator
from ase_mag.core import get_moments, set_moments
from ase_mag.optimize import relax_moments

#: Where the search for the volume starts: lattice constants of iron, angstrom.
START = {"bcc": 2.87, "fcc": 3.55}
#: Moments below this size, in sizes at the start, have collapsed.
COLLAPSED = 0.05
#: Largest pressure at a minimum of the energy, GPa; more is a jump.
LARGEST_PRESSURE = 1e-2


@dataclass(frozen=True)
class Phase:
    """One phase at its minimum of the energy.

    Attributes
    ----------
    structure, order : str, as for :func:`ase_mag.build.magnetic_phase`.
    a : float, lattice constant of the cubic cell, angstrom; nan without a minimum.
    moment : float, mean size of the moments, mu_B.
    energy : float, eV/atom.
    difference : float, energy above the lowest phase of the table, eV/atom.
    exists : bool; False if there is no minimum, or its moments have collapsed to zero.
    message : str, why it does not exist.
    atoms : ase.Atoms, the relaxed cell.
    """

    structure: str
    order: str
    a: float
    moment: float
    energy: float
    difference: float
    exists: bool
    message: str
    atoms: Atoms = field(repr=False)


@dataclass(frozen=True)
class PhaseTable:
    """Phases of :func:`phase_table`; ``print`` shows them, ``table['bcc', 'FM']`` is one of them.

    Attributes
    ----------
    phases : tuple of Phase.
    """

    phases: tuple

    def __iter__(self):
        return iter(self.phases)

    def __len__(self):
        return len(self.phases)

    def __getitem__(self, key):
        for phase in self.phases:
            if (phase.structure, phase.order) == key:
                return phase
        known = [(phase.structure, phase.order) for phase in self.phases]
        raise KeyError(f"there is no phase {key!r} in the table, but {known}")

    def __str__(self):
        lines = [f"{'phase':12}{'a0 (angstrom)':>14}{'|M| (mu_B)':>12}{'dE (eV/atom)':>14}"]
        for phase in self.phases:
            name = f"{phase.structure} {phase.order}"
            if phase.exists:
                values = f"{phase.a:14.5f}{phase.moment:12.4f}{phase.difference:14.4f}"
            else:
                values = f"  does not exist: {phase.message}"
            lines.append(f"{name:12}{values}")
        return "\n".join(lines)


def phase_table(model, phases=PHASES, *, symbol=None, start=None, moment=2.2, reach=0.15):
    """Relax volume and moment sizes of magnetic phases: a0, |M|, and the energies above the lowest.

    At every volume the sizes of the moments are relaxed with their directions held
    (:func:`ase_mag.optimize.relax_moments`), and the volume is the zero of the pressure next to the
    start where the energy has a minimum. The cells stay cubic (layers of fcc stay as far apart as
    atoms in them): the c/a of an antiferromagnet is not relaxed. A phase of the table need not be
    stable against turning its moments or shearing its cell.

    Parameters
    ----------
    model : ase_mag.core.Model
    phases : pairs (structure, order) as for :func:`ase_mag.build.magnetic_phase`; default: those of
        the paper.
    symbol : str, the element; default: the only species of the model.
    start : dict structure -> float, lattice constants to start from, angstrom; default: iron.
    moment : float, size of the moments to start from, mu_B.
    reach : float, how far the lattice constant may be from the start, as a fraction of it.

    Returns
    -------
    PhaseTable

    Raises
    ------
    ValueError
        For no or unknown phases, or a model of several species without ``symbol``.
    RuntimeError
        If moments do not converge.
    """
    phases = [tuple(pair) for pair in phases]
    if not phases:
        raise ValueError("there are no phases: give pairs such as ('bcc', 'FM')")
    calculator = MagneticCalculator(model)
    symbol = only_species(model) if symbol is None else symbol
    start = START | (start or {})
    found = []
    for structure, order in phases:
        if structure not in start:
            raise ValueError(f"structure must be one of {', '.join(start)}, got {structure!r}")
        found.append(
            _relaxed(calculator, structure, order, start[structure], symbol, moment, reach)
        )
    lowest = min((row["energy"] for row in found if row["exists"]), default=np.nan)
    return PhaseTable(tuple(Phase(difference=row["energy"] - lowest, **row) for row in found))


def only_species(model):
    """Return the species of a model that knows one only, or raise ValueError."""
    if len(model.species) != 1:
        raise ValueError(
            f"the model knows {', '.join(model.species)}: say which one with symbol='Fe'"
        )
    return model.species[0]


def _relaxed(calculator, structure, order, a, symbol, moment, reach):
    atoms = magnetic_phase(structure, order, a, symbol=symbol, moment=moment)
    atoms.calc = calculator
    cell, first = atoms.cell.array / a, get_moments(atoms)

    def tension(a):
        """Set the lattice constant, relax the moments, return tr(stress)/3 in GPa."""
        atoms.set_cell(a * cell, scale_atoms=True)
        if np.abs(get_moments(atoms)).max() < COLLAPSED * moment:
            set_moments(atoms, first)
        found = relax_moments(atoms, fmax=1e-7, directions=False, check_minimum=False)
        if not found.converged:
            raise RuntimeError(f"{order} {structure} at a = {a:.4f} angstrom: {found.message}")
        return atoms.get_stress()[:3].mean() / GPa

    row = {"structure": structure, "order": order, "atoms": atoms}
    row |= {"a": np.nan, "moment": np.nan, "energy": np.nan, "exists": False}
    bracket = _bracket(tension, a, reach)
    if bracket is None:
        message = f"no minimum of the energy within {100 * reach:g} % of a = {a:g} angstrom"
        return row | {"message": message}
    a = brentq(tension, *bracket, xtol=1e-8, rtol=1e-12)
    left = tension(a)
    if abs(left) > LARGEST_PRESSURE:
        message = f"the moments change by a jump at a = {a:.4f} angstrom, without a minimum there"
        return row | {"message": message}
    size = float(np.linalg.norm(get_moments(atoms), axis=1).mean())
    collapsed = order != "NM" and size < COLLAPSED * moment
    return row | {
        "a": float(a),
        "moment": size,
        "energy": atoms.get_potential_energy() / len(atoms),
        "exists": not collapsed,
        "message": f"the moments collapse to {size:.3f} mu_B" if collapsed else "",
    }


def _bracket(tension, a, reach):
    """Return lattice constants 1 % apart between which tension begins, or None."""
    here, sign = a, np.sign(tension(a))
    step = -sign * 0.01 * a
    while sign != 0 and abs(here + step - a) <= reach * a:
        following = here + step
        if np.sign(tension(following)) != sign:
            return sorted((here, following))
        here = following
    return None if sign != 0 else (a - 0.005 * a, a + 0.005 * a)
