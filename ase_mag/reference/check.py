"""Proof of a reference: its derivatives against differences of its own energies."""

from dataclasses import dataclass
from time import perf_counter

import numpy as np
from ase.build import bulk

from ase_mag.core import get_moments, set_moments

#: Allowed errors: relative ones of derivatives, and mu_B of moments.
LIMITS = {"derivative": 0.01, "moment": 1e-4}


@dataclass(frozen=True)
class Compared:
    """One derivative: what the reference prints and what its energies say.

    Attributes
    ----------
    name, unit : str.
    printed : float; differences : float, from two-sided differences of the energy.
    scale : float, size of all derivatives of this kind, for the relative error.
    limit : float, largest relative error that passes.
    """

    name: str
    unit: str
    printed: float
    differences: float
    scale: float
    limit: float

    @property
    def error(self):
        """Error of the printed value relative to the largest one of this kind, a float."""
        return abs(self.printed - self.differences) / self.scale

    @property
    def passed(self):
        """Whether the error is within the limit."""
        return bool(self.error <= self.limit)


@dataclass(frozen=True)
class ReferenceCheck:
    """What :func:`check_reference` found; ``print(check)`` shows a table and the verdict.

    Attributes
    ----------
    name : str, of the reference. formula : str.
    compared : list of Compared.
    moment_error : float, mu_B, the largest |M - target| of all runs; moment_limit : float.
    seconds : float, per evaluation; evaluations : int.
    magnetic_step, lattice_step : float, mu_B and angstrom, half distance of the differences.
    """

    name: str
    formula: str
    compared: list
    moment_error: float
    moment_limit: float
    seconds: float
    evaluations: int
    magnetic_step: float
    lattice_step: float

    @property
    def passed(self):
        """Whether everything is within its limit."""
        return self.moment_error <= self.moment_limit and all(c.passed for c in self.compared)

    def __str__(self):
        lines = [
            f"reference {self.name} on {self.formula}",
            f"two-sided differences, steps {self.magnetic_step:g} mu_B and "
            f"{self.lattice_step:g} angstrom",
            "",
            f"{'':32}{'printed':>13}{'differences':>13}  {'unit':12}{'error':>9}{'limit':>9}",
        ]
        for c in self.compared:
            lines.append(
                f"{c.name:32}{c.printed:13.6f}{c.differences:13.6f}  {c.unit:12}"
                f"{100 * c.error:8.2f}%{100 * c.limit:8.2f}%  {'ok' if c.passed else 'FAILED'}"
            )
        good = self.moment_error <= self.moment_limit
        lines += [
            f"{'largest |M - target|':32}{self.moment_error:13.2e}{'':13}  {'mu_B':12}"
            f"{'':9}{self.moment_limit:9.0e}  {'ok' if good else 'FAILED'}",
            "",
            f"cost: {self.seconds:.3g} s per evaluation ({self.evaluations} of them)",
            "verdict: "
            + (
                "PASSED, the printed derivatives are those of the energies"
                if self.passed
                else "FAILED, do not learn from this reference before the cause is known"
            ),
        ]
        return "\n".join(lines)


def check_reference(
    calculator,
    atoms=None,
    *,
    noncollinear=False,
    magnetic_step=0.02,
    lattice_step=0.01,
    limit=LIMITS["derivative"],
    transverse_limit=None,
    moment_limit=LIMITS["moment"],
):
    """Prove that forces and magnetic forces of a reference are derivatives of its energy.

    Compared with two-sided differences (E(x + h) - E(x - h)) / 2h are dE/dm of the size of the
    first moment, dE/dR of the first atom along the direction of its force and, for non-collinear
    moments, dE/dtheta/m of its direction in the plane of the moments. The error is relative to
    the largest derivative of the kind in the cell.

    Parameters
    ----------
    calculator : a reference, see :mod:`ase_mag.reference`.
    atoms : ase.Atoms with moments, optional
        A small cell out of equilibrium, moments not zero. Default: two atoms of bcc iron, the
        second one displaced, moments 2.4 and 2.0 mu_B.
    noncollinear : bool
        Of the default cell: the second moment is turned by 40 degrees.
    magnetic_step, lattice_step : float, h in mu_B and angstrom.
    limit : float, allowed relative error of longitudinal derivatives and forces.
    transverse_limit : float, optional, of the transverse one; default ``limit``.
    moment_limit : float, mu_B, allowed |M - target|.

    Returns
    -------
    ReferenceCheck

    Raises
    ------
    ValueError
        For atoms whose first moment is zero, or steps that are not positive.
    TypeError
        If the calculator lacks a property of a reference.
    """
    for name, step in (("magnetic_step", magnetic_step), ("lattice_step", lattice_step)):
        if not step > 0:
            raise ValueError(f"{name} must be positive, got {step}")
    missing = {"energy", "forces", "magforces", "moment_error"} - set(
        calculator.implemented_properties
    )
    if missing:
        raise TypeError(
            f"{type(calculator).__name__} is no reference: it lacks {', '.join(sorted(missing))}; "
            "use ase_mag.reference.ConstrainedModel, ConstrainedAbinit or ConstrainedVasp"
        )
    atoms = check_cell(noncollinear) if atoms is None else atoms.copy()
    atoms.calc = calculator
    moments = get_moments(atoms)
    size = np.linalg.norm(moments[0])
    if size == 0:
        raise ValueError("the first moment is zero: set moments, e.g. ase_mag.set_moments(a, 2.2)")
    runs = _Runs(atoms)
    runs.energy()
    forces = calculator.get_property("forces", atoms)
    magforces = calculator.get_property("magforces", atoms)

    along = moments[0] / size
    magnetic_scale = np.linalg.norm(magforces, axis=1).max()
    compared = [
        Compared(
            "dE/dm of atom 0",
            "eV/mu_B",
            -magforces[0] @ along,
            runs.slope(along, True, magnetic_step),
            magnetic_scale,
            limit,
        )
    ]
    across = _across(moments)
    if across is not None:
        compared.append(
            Compared(
                "transverse dE/dM of atom 0",
                "eV/mu_B",
                -magforces[0] @ across,
                runs.slope(across, True, magnetic_step),
                abs(magforces[0] @ across),
                limit if transverse_limit is None else transverse_limit,
            )
        )
    norm = np.linalg.norm(forces[0])
    push = forces[0] / norm if norm > 0 else np.array([1.0, 0.0, 0.0])
    compared.append(
        Compared(
            "dE/dR of atom 0 along its force",
            "eV/angstrom",
            -forces[0] @ push,
            runs.slope(push, False, lattice_step),
            np.linalg.norm(forces, axis=1).max(),
            limit,
        )
    )
    return ReferenceCheck(
        name=calculator.name,
        formula=atoms.get_chemical_formula(),
        compared=compared,
        moment_error=runs.moment_error,
        moment_limit=moment_limit,
        seconds=runs.seconds / runs.evaluations,
        evaluations=runs.evaluations,
        magnetic_step=magnetic_step,
        lattice_step=lattice_step,
    )


class _Runs:
    """Energies of displaced atoms and moments; keeps count of their cost and moment errors."""

    def __init__(self, atoms):
        self.atoms = atoms
        self.positions, self.moments = atoms.positions.copy(), get_moments(atoms)
        self.evaluations, self.seconds, self.moment_error = 0, 0.0, 0.0

    def energy(self):
        start = perf_counter()
        energy = self.atoms.get_potential_energy()
        self.seconds += perf_counter() - start
        self.evaluations += 1
        error = self.atoms.calc.get_property("moment_error", self.atoms)
        self.moment_error = max(self.moment_error, float(np.max(error)))
        return energy

    def slope(self, direction, of_moments, step):
        """Return dE/ds of atom 0 along a unit vector, eV/mu_B or eV/angstrom."""
        energies = []
        for sign in (1, -1):
            positions, moments = self.positions.copy(), self.moments.copy()
            if not of_moments:
                positions[0] += sign * step * direction
            elif abs(direction @ moments[0]) > 1e-9:
                moments[0] += sign * step * direction
            else:  # the size stays: an arc of this length
                size = np.linalg.norm(moments[0])
                angle = sign * step / size
                moments[0] = np.cos(angle) * moments[0] + np.sin(angle) * size * direction
            self.atoms.positions = positions
            set_moments(self.atoms, moments)
            energies.append(self.energy())
        self.atoms.positions = self.positions
        set_moments(self.atoms, self.moments)
        return (energies[0] - energies[1]) / (2 * step)


def _across(moments):
    """Return the unit vector across moment 0 towards the other moments, None if collinear."""
    along = moments[0] / np.linalg.norm(moments[0])
    others = moments[1:].sum(axis=0)
    across = others - (others @ along) * along
    norm = np.linalg.norm(across)
    return across / norm if norm > 1e-3 else None


def check_cell(noncollinear=False, scale=1.0):
    """Return the default cell of :func:`check_reference`: two atoms of bcc iron.

    Parameters
    ----------
    noncollinear : bool, whether the second moment is turned by 40 degrees.
    scale : float, factor of the moments, which are 2.4 and 2.0 mu_B.
    """
    atoms = bulk("Fe", a=2.85, cubic=True)
    atoms.positions[1] += [0.06, 0.0, -0.04]
    angle = np.radians(40.0 if noncollinear else 0.0)
    moments = [[0.0, 0.0, 2.4], [2.0 * np.sin(angle), 0.0, 2.0 * np.cos(angle)]]
    set_moments(atoms, scale * np.array(moments))
    return atoms
