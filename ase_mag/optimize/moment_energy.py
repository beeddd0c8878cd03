"""The energy as a function of the moments at fixed positions, for any calculator."""

import numpy as np
from ase.calculators.calculator import CalculationFailed
from scipy import sparse

from ase_mag.core import get_moments, refuse_relaxed, set_moments
from ase_mag.core.minimization import tangent, two_sided

#: So many trial moments may be refused by a calculator in one relaxation.
MOST_REFUSALS = 30


def check_calculator(atoms, *, magforces=True, wanted="moments are relaxed"):
    """Raise ValueError unless ``atoms`` have moments and a calculator with magnetic forces."""
    calc = atoms.calc
    if calc is None:
        raise ValueError(
            f"the atoms have no calculator: set atoms.calc before {wanted}, for example to "
            "ase_mag.MagneticCalculator(models.named('FeHL-1'))"
        )
    if not magforces:
        return
    if "magforces" not in getattr(calc, "implemented_properties", ()):
        raise ValueError(
            f"the calculator {type(calc).__name__} has no magforces (-dE/dM), without which no "
            f"{wanted}: use ase_mag.MagneticCalculator, or ase_mag.add(calculator, model) to put "
            "a magnetic model on top of it"
        )
    refuse_relaxed(calc)
    if "initial_magmoms" not in atoms.arrays:
        raise ValueError(
            f"the atoms have no moments to start from before {wanted}: call "
            "ase_mag.set_moments(atoms, 2.2) (zero is legal, but a stationary point by symmetry)"
        )


def check_sizes(atoms):
    """Raise ValueError if the calculator knows that nothing holds the sizes of the moments."""
    check = getattr(atoms.calc, "check_sizes", None)
    if check is not None:
        check(atoms)


class MomentEnergy:
    """E(M) of ``atoms`` at their positions, with first and second derivatives.

    Parameters
    ----------
    atoms : ase.Atoms with a calculator; not changed. A calculator with a method
        ``energy_of_moments(atoms)`` (:class:`ase_mag.MagneticCalculator`) is asked through it, any
        other one through ``get_property`` of a copy of the atoms.

    Attributes
    ----------
    evaluate : function of moments (N, 3), mu_B, that returns energies of sites, eV, and dE/dM
        (N, 3), eV/mu_B. The energies may lack a constant.
    hessian : function of moments that returns v -> H v, exact; or None.
    """

    def __init__(self, atoms):
        method = getattr(atoms.calc, "energy_of_moments", None)
        functions = None if method is None else method(atoms)
        evaluate, self.hessian = functions or (_asked(atoms), None)
        self.evaluate = _Trials(evaluate)

    def product(self, moments, probe):
        """Return v -> H v at ``moments``: exact, or two-sided differences of length ``probe``."""
        if self.hessian is not None:
            return self.hessian(moments)
        return two_sided(self.evaluate, moments, probe)


class _Trials:
    """Energies of trial moments: not a number where the calculator refuses them.

    A line search then shortens its step. What is wrong with the input shows in the first call,
    which raises; too many refusals mean that the way leads out of what the calculator knows.
    """

    def __init__(self, function):
        self.function, self.begun, self.refused = function, False, 0

    def __call__(self, moments):
        try:
            result = self.function(moments)
        except (ValueError, ArithmeticError) as error:
            if not self.begun:
                raise
            self.refused += 1
            if self.refused > MOST_REFUSALS:
                raise CalculationFailed(
                    f"the calculator refused {self.refused} trial moments on the way, the last "
                    f"ones because: {error}"
                ) from error
            return np.array([np.nan]), np.full_like(moments, np.nan)
        self.begun = True
        return result


def _asked(atoms):
    calc, copy = atoms.calc, atoms.copy()
    free = "free_energy" in calc.implemented_properties

    def evaluate(moments):
        set_moments(copy, moments)
        magforces = np.array(calc.get_property("magforces", copy))
        energy = calc.get_property("free_energy" if free else "energy", copy)
        return np.array([energy]), -magforces

    return evaluate


class Vectors:
    """All 3N components of the moments are free: x = M."""

    bounds = {}  # noqa: RUF012 - arguments of minimize()

    def __init__(self, moments):
        self.start = moments

    def moments(self, x):
        """Return the moments (N, 3) of the variables x (N, k)."""
        return x

    def gradient(self, vectors):
        """Return the derivatives with respect to x from those with respect to M."""
        return vectors

    def free(self, x, gradient):
        """Return the directions in which x may move, unit columns of a sparse (3N, n) matrix."""
        return sparse.identity(x.size, format="csr")


class Directions(Vectors):
    """The moments turn at fixed sizes."""

    bounds = {"fixed_norms": True}  # noqa: RUF012

    def free(self, x, gradient):
        rows = np.flatnonzero(x.any(axis=1))
        e = x[rows] / np.linalg.norm(x[rows], axis=1)[:, None]
        first = np.cross(e, np.eye(3)[np.abs(e).argmin(axis=1)])
        first /= np.linalg.norm(first, axis=1)[:, None]
        second = np.cross(e, first)
        return sparse.hstack([_columns(rows, part, len(x)) for part in (first, second)], "csr")


class Line(Vectors):
    """Every moment moves on a line: M_i = x_i e_i, either sign (``axis``) or x_i >= 0."""

    def __init__(self, moments, axis=None):
        sizes = np.linalg.norm(moments, axis=1)
        if axis is None:
            self.bounds = {"nonnegative": True}
            self.lines = np.divide(
                moments, sizes[:, None], out=np.zeros_like(moments), where=sizes[:, None] > 0
            )
        else:
            self.lines = np.broadcast_to(axis, moments.shape)
        self.start = self.gradient(moments)

    def moments(self, x):
        return x * self.lines

    def gradient(self, vectors):
        return np.einsum("ia,ia->i", vectors, self.lines)[:, None]

    def free(self, x, gradient):
        held = ~self.lines.any(axis=1)
        if self.bounds:
            held |= (x[:, 0] <= 0) & (gradient[:, 0] > 0)
        rows = np.flatnonzero(~held)
        return _columns(rows, self.lines[rows], len(x))


def _columns(atoms, vectors, n_atoms):
    """Return one column per vector, that of its atom, as a sparse (3 n_atoms, n) matrix."""
    rows = 3 * atoms[:, None] + np.arange(3)
    columns = np.arange(len(atoms))[:, None].repeat(3, axis=1)
    indices = (rows.ravel(), columns.ravel())
    return sparse.csr_matrix((np.ravel(vectors), indices), shape=(3 * n_atoms, len(atoms)))


def variables_of(atoms, directions, sizes, axis):
    """Return the variables of a relaxation; raise ValueError for moments that do not fit them."""
    moments = get_moments(atoms)
    if not (directions or sizes):
        raise ValueError("directions=False and sizes=False leave nothing to relax: set one to True")
    if axis is None:
        return (Vectors if sizes else Directions)(moments) if directions else Line(moments)
    axis = np.array(axis, dtype=float)
    if axis.shape != (3,) or not np.isfinite(axis).all() or not axis.any():
        raise ValueError(f"axis must be a vector of three numbers, not all zero, got {axis}")
    if not (directions and sizes):
        raise ValueError(
            "collinear moments along an axis (of the model, or axis=...) have no direction to hold "
            "or to turn, only sizes of either sign: leave directions and sizes True"
        )
    axis = axis / np.linalg.norm(axis)
    across = np.linalg.norm(tangent(np.tile(axis, (len(moments), 1)), moments), axis=1)
    if (across > 1e-8).any():
        atom = int(across.argmax())
        raise ValueError(
            f"the moment of atom {atom}, {moments[atom].tolist()} mu_B, is not along the axis "
            f"{axis.tolist()}: project the moments first, or leave out axis"
        )
    return Line(moments, axis)
