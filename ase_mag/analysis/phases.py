"""Energies, volumes and moments of magnetic phases, as Table 1 of Chapman and Ma (2022)."""

from dataclasses import dataclass, field

import numpy as np
from ase import Atoms
from ase.units import GPa
from scipy.optimize import brentq, minimize

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
    a : float, lattice constant of the cubic cell, angstrom; nan without a minimum. For a cell that
        was allowed to be tetragonal: within the layers.
    ratio : float, c/a; 1 for a cubic cell.
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
    ratio: float
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
        tall = any(phase.exists and phase.ratio != 1.0 for phase in self.phases)
        head = f"{'c/a':>9}" if tall else ""
        lines = [f"{'phase':12}{'a0 (angstrom)':>14}{head}{'|M| (mu_B)':>12}{'dE (eV/atom)':>14}"]
        for phase in self.phases:
            name = f"{phase.structure} {phase.order}"
            if phase.exists:
                ratio = f"{phase.ratio:9.5f}" if tall else ""
                values = f"{phase.a:14.5f}{ratio}{phase.moment:12.4f}{phase.difference:14.4f}"
            else:
                values = f"  does not exist: {phase.message}"
            lines.append(f"{name:12}{values}")
        return "\n".join(lines)


def phase_table(
    model, phases=PHASES, *, symbol=None, start=None, moment=2.2, reach=0.15, tetragonal=False
):
    """Relax volume and moment sizes of magnetic phases: a0, |M|, and the energies above the lowest.

    At every volume the sizes of the moments are relaxed with their directions held
    (:func:`ase_mag.optimize.relax_moments`), and the volume is the zero of the pressure next to the
    start where the energy has a minimum. The cells stay cubic (layers of fcc stay as far apart as
    atoms in them) unless ``tetragonal``. A phase of the table need not be stable against turning
    its moments or shearing its cell.

    Parameters
    ----------
    model : ase_mag.core.Model
    phases : pairs (structure, order) as for :func:`ase_mag.build.magnetic_phase`; default: those of
        the paper.
    symbol : str, the element; default: the only species of the model.
    start : dict structure -> float, lattice constants to start from, angstrom; default: iron.
    moment : float, size of the moments to start from, mu_B.
    reach : float, how far the lattice constant may be from the start, as a fraction of it; with
        ``tetragonal`` also how far a and c may be from those of the best cubic cell.
    tetragonal : bool; relax a and c of antiferromagnets, whose layers make c another axis than a,
        starting from their best cubic cell. Those of the others are equal by symmetry.

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
        search = _Search(calculator, structure, order, start[structure], symbol, moment, reach)
        found.append(search.relaxed(tetragonal))
    lowest = min((row["energy"] for row in found if row["exists"]), default=np.nan)
    return PhaseTable(tuple(Phase(difference=row["energy"] - lowest, **row) for row in found))


def only_species(model):
    """Return the species of a model that knows one only, or raise ValueError."""
    if len(model.species) != 1:
        raise ValueError(
            f"the model knows {', '.join(model.species)}: say which one with symbol='Fe'"
        )
    return model.species[0]


class _Search:
    """The search for the minimum of one phase."""

    def __init__(self, calculator, structure, order, a, symbol, moment, reach):
        self.structure, self.order, self.start = structure, order, a
        self.moment, self.reach = moment, reach
        self.atoms = magnetic_phase(structure, order, a, symbol=symbol, moment=moment)
        self.atoms.calc = calculator
        self.cell, self.first = self.atoms.cell.array / a, get_moments(self.atoms)

    def stress(self, a, ratio=1.0):
        """Set the cell, relax the moments, return the stress in GPa, (6,)."""
        self.atoms.set_cell(a * self.cell * [1.0, 1.0, ratio], scale_atoms=True)
        if np.abs(get_moments(self.atoms)).max() < COLLAPSED * self.moment:
            set_moments(self.atoms, self.first)
        found = relax_moments(self.atoms, fmax=1e-7, directions=False, check_minimum=False)
        if not found.converged:
            raise RuntimeError(
                f"{self.order} {self.structure} at a = {a:.4f} angstrom: {found.message}"
            )
        return self.atoms.get_stress() / GPa

    def tension(self, a):
        """Return tr(stress)/3 of the cubic cell in GPa."""
        return self.stress(a)[:3].mean()

    def relaxed(self, tetragonal):
        """Return the fields of a Phase, without the difference."""
        row = {"structure": self.structure, "order": self.order, "atoms": self.atoms, "ratio": 1.0}
        row |= {"a": np.nan, "moment": np.nan, "energy": np.nan, "exists": False}
        bracket = _bracket(self.tension, self.start, self.reach)
        if bracket is None:
            message = (
                f"no minimum of the energy within {100 * self.reach:g} % of "
                f"a = {self.start:g} angstrom"
            )
            return row | {"message": message}
        a = brentq(self.tension, *bracket, xtol=1e-8, rtol=1e-12)
        left = self.tension(a)
        if abs(left) > LARGEST_PRESSURE:
            message = f"the moments change by a jump at a = {a:.4f} angstrom, without a minimum"
            return row | {"message": f"{message} there"}
        if tetragonal and self.order in ("SL-AFM", "DL-AFM"):
            a, ratio, message = self.tetragonal(a)
            if message:
                return row | {"message": message}
            row["ratio"] = float(ratio)
        size = float(np.linalg.norm(get_moments(self.atoms), axis=1).mean())
        collapsed = self.order != "NM" and size < COLLAPSED * self.moment
        return row | {
            "a": float(a),
            "moment": size,
            "energy": self.atoms.get_potential_energy() / len(self.atoms),
            "exists": not collapsed,
            "message": f"the moments collapse to {size:.3f} mu_B" if collapsed else "",
        }

    def tetragonal(self, cubic):
        """Return a and c/a of the minimum next to the cubic cell, and why there is none."""

        def energy(strains):
            a, c = cubic * np.exp(strains)
            stress = self.stress(a, c / a) * GPa * self.atoms.get_volume()
            return self.atoms.get_potential_energy(), [stress[0] + stress[1], stress[2]]

        bounds = [(np.log(1.0 - self.reach), np.log(1.0 + self.reach))] * 2
        options = {"ftol": 0.0, "gtol": 1e-8}
        found = minimize(
            energy, [0.0, 0.0], jac=True, method="L-BFGS-B", bounds=bounds, options=options
        )
        a, c = cubic * np.exp(found.x)
        left = np.abs(self.stress(a, c / a)[:3]).max()
        message = ""
        if left > LARGEST_PRESSURE:
            message = (
                f"no minimum with a and c within {100 * self.reach:g} % of the cubic "
                f"a = {cubic:.4f} angstrom"
            )
        return a, c / a, message


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
