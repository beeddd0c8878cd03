"""Positions, cell and moments as the coordinates of one ASE optimizer."""

from dataclasses import dataclass

import numpy as np
from ase.stress import voigt_6_to_full_3x3_stress
from ase.utils.abc import Optimizable
from scipy.linalg import expm, expm_frechet

from ase_mag.core import get_moments, set_moments
from ase_mag.optimize.moment_energy import check_calculator, check_sizes

_VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


@dataclass(frozen=True)
class Residuals:
    """What is left of the derivatives of the energy; parts that are held fixed are zero.

    Attributes
    ----------
    forces : float, the largest |F_i|, eV/angstrom.
    stress : float, the largest component of sigma + P in the mask, eV/angstrom^3.
    magforces : float, the largest |dE/dM_i|, eV/mu_B.
    """

    forces: float
    stress: float
    magforces: float


class MagneticCellFilter(Optimizable):
    """Atoms whose positions, cell and moments an ASE optimizer moves together.

    Works with every optimizer of ``ase.optimize`` that takes an Optimizable (FIRE, LBFGS, BFGS,
    BFGSLineSearch, ...); it minimizes E(R, h, M) + P V. Coordinates, rows of three each:

    * q_i (N), positions in the reference cell: R_i = F q_i,
    * N U / angstrom^-1 (3), with F = exp(U) and cell = F reference cell, N the number of atoms; U
      is made symmetric (the cell does not turn) and zero outside of the mask,
    * s M_i (N), with s = ``moment_scale``.

    The gradient is exact at any strain: dE/dq = -F^T F_i, dE/dU = L(U, V (sigma + P) F^-1) with
    the Frechet derivative L of the exponential (as in ``ase.filters.FrechetCellFilter``, whose
    coordinates these are for ``moments=False``), dE/d(sM) = -B/s. (With spin-orbit coupling the
    lattice feels a torque, which ASE's symmetric stress cannot tell: dE/dU then has an error of
    second order, strain times torque, that vanishes where the magnetic forces do.)

    ``run(fmax)`` converges when |F_i| < fmax (eV/angstrom), |B_i| < fmax (eV/mu_B) and the
    components of V (sigma + P)/N are below fmax (eV per atom and unit of strain). ("fmax" in the
    log of an optimizer is the largest row of the scaled gradient instead.) The trajectory of the
    optimizer holds the atoms with their moments; positions may be under ASE constraints.

    Parameters
    ----------
    atoms : ase.Atoms with moments and a calculator that offers ``magforces``.
    mask : six (Voigt order) or 3 x 3 bool, components of the strain that may change; None: all.
    scalar_pressure : float, P, eV/angstrom^3.
    cell, positions, moments : bool, what moves. Without ``positions`` the atoms follow the cell.
    moment_scale : float, s, angstrom/mu_B. Optimizers take all coordinates for equally stiff;
        0.25 makes 1 eV/mu_B^2 as stiff as 16 eV/angstrom^2.
    stress_tolerance : float, eV/angstrom^3, optional, bound for |sigma + P| in place of fmax N/V.
    magforce_tolerance : float, eV/mu_B, optional, bound for |B_i| in place of fmax.

    Raises
    ------
    ValueError
        For moments that move and whose sizes no term of the model holds;
        without a calculator; with one that lacks ``magforces`` or relaxes the moments itself, or
        without moments, where ``moments`` move; for a mask of another shape or one that is not
        symmetric; with ``cell`` for atoms that are not periodic in three directions or a
        calculator without stress; if nothing is left to move.
    """

    def __init__(
        self,
        atoms,
        mask=None,
        scalar_pressure=0.0,
        cell=True,
        positions=True,
        moments=True,
        moment_scale=0.25,
        *,
        stress_tolerance=None,
        magforce_tolerance=None,
    ):
        if not (cell or positions or moments):
            raise ValueError("cell, positions and moments are all False: nothing is left to move")
        check_calculator(atoms, magforces=moments, wanted="moments can move")
        if moments:
            check_sizes(atoms)
        _check_positive(moment_scale=moment_scale)
        _check_positive(
            optional=True, stress_tolerance=stress_tolerance, magforce_tolerance=magforce_tolerance
        )
        if not np.isfinite(scalar_pressure):
            raise ValueError(f"scalar_pressure must be a number, got {scalar_pressure!r}")
        if cell:
            _check_cell(atoms)
        self.atoms = atoms
        self.mask = _as_mask(mask)
        self.scalar_pressure = float(scalar_pressure)
        self.cell, self.positions, self.moments = bool(cell), bool(positions), bool(moments)
        self.moment_scale = float(moment_scale)
        self.stress_tolerance = stress_tolerance
        self.magforce_tolerance = magforce_tolerance
        self._reference = self._last_cell = atoms.cell.array.copy()
        self._strain = np.zeros((3, 3))

    def ndofs(self):
        """Return the number of coordinates."""
        n = len(self.atoms)
        return 3 * (n * self.positions + 3 * self.cell + n * self.moments)

    def __len__(self):
        """Return the number of vectors that move; some optimizers (GPMin) ask for it."""
        return self.ndofs() // 3

    def get_x(self):
        """Return the coordinates, flat.

        Raises
        ------
        RuntimeError
            If somebody else has changed the cell.
        """
        if self.cell and not np.array_equal(self.atoms.cell.array, self._last_cell):
            raise RuntimeError(
                "the cell was changed outside of this filter, to which its strain refers: make a "
                "new MagneticCellFilter(atoms)"
            )
        parts = []
        if self.positions:
            parts.append(np.linalg.solve(self._deformation(), self.atoms.positions.T).T)
        if self.cell:
            parts.append(len(self.atoms) * self._strain)
        if self.moments:
            parts.append(self.moment_scale * get_moments(self.atoms))
        return np.concatenate(parts).ravel()

    def set_x(self, x):
        """Move the atoms to the coordinates ``x``."""
        rows, n = np.reshape(x, (-1, 3)), len(self.atoms)
        q = rows[:n] if self.positions else None
        if self.cell:
            start = n * self.positions
            self._strain = rows[start : start + 3] / n
            new = self._reference @ self._deformation().T
            self.atoms.set_cell(new, scale_atoms=True)
            self._last_cell = self.atoms.cell.array.copy()
        if q is not None:
            self.atoms.set_positions(q @ self._deformation().T)
        if self.moments:
            set_moments(self.atoms, rows[-n:] / self.moment_scale)

    def _log_strain(self):
        return np.where(self.mask, 0.5 * (self._strain + self._strain.T), 0.0)

    def _deformation(self):
        return expm(self._log_strain()) if self.cell else np.eye(3)

    def get_value(self):
        """Return E + P V, eV."""
        atoms = self.atoms
        free = "free_energy" in getattr(atoms.calc, "implemented_properties", ())
        value = atoms.get_potential_energy(force_consistent=free)
        if self.cell and self.scalar_pressure != 0.0:
            value += self.scalar_pressure * atoms.get_volume()
        return float(value)

    def get_gradient(self):
        """Return the derivatives of :meth:`get_value` with respect to the coordinates, flat."""
        deformation, parts = self._deformation(), []
        if self.positions:
            parts.append(-self.atoms.get_forces() @ deformation)
        if self.cell:
            # d(E + PV) = V tr[(sigma + P) dF F^-1], dF = L(U, dU), and L(U^T, .) is its adjoint.
            work = self.atoms.get_volume() * self._excess_stress() @ np.linalg.inv(deformation).T
            slope = expm_frechet(self._log_strain().T, work, compute_expm=False)
            slope = np.where(self.mask, 0.5 * (slope + slope.T), 0.0)
            parts.append(slope / len(self.atoms))
        if self.moments:
            parts.append(-self._magforces() / self.moment_scale)
        return np.concatenate(parts).ravel()

    def _excess_stress(self):
        stress = voigt_6_to_full_3x3_stress(self.atoms.get_stress())
        return stress + self.scalar_pressure * np.eye(3)

    def _magforces(self):
        return np.asarray(self.atoms.calc.get_property("magforces", self.atoms))

    def residuals(self):
        """Return the :class:`Residuals` at the present state."""

        def largest(rows):
            return float(np.linalg.norm(rows, axis=1).max(initial=0.0))

        return Residuals(
            largest(self.atoms.get_forces()) if self.positions else 0.0,
            float(np.abs(self._excess_stress()[self.mask]).max(initial=0.0)) if self.cell else 0.0,
            largest(self._magforces()) if self.moments else 0.0,
        )

    def converged(self, gradient, fmax):
        """Return whether all residuals are below their bounds; see the class."""
        left = self.residuals()
        stress = self.stress_tolerance
        if stress is None and self.cell:
            stress = fmax * len(self.atoms) / self.atoms.get_volume()
        magforce = fmax if self.magforce_tolerance is None else self.magforce_tolerance
        return bool(
            left.forces < fmax
            and (not self.cell or left.stress < stress)
            and (not self.moments or left.magforces < magforce)
        )

    def iterimages(self):
        """Yield the atoms, for trajectories."""
        return self.atoms.iterimages()


def _check_positive(optional=False, **numbers):
    for name, value in numbers.items():
        if not ((optional and value is None) or (np.isfinite(value) and value > 0)):
            raise ValueError(f"{name} must be a positive number, got {value!r}")


def _check_cell(atoms):
    if not atoms.pbc.all():
        raise ValueError(
            f"cell=True needs atoms that are periodic in three directions, but pbc is "
            f"{atoms.pbc.tolist()}: use cell=False"
        )
    if "stress" not in atoms.calc.implemented_properties:
        raise ValueError(
            f"cell=True needs the stress, which {type(atoms.calc).__name__} does not offer: use "
            "cell=False"
        )


def _as_mask(mask):
    if mask is None:
        return np.ones((3, 3), dtype=bool)
    array = np.array(mask)
    if array.shape == (6,):
        full = np.zeros((3, 3), dtype=bool)
        for (a, b), value in zip(_VOIGT, array, strict=True):
            full[a, b] = full[b, a] = value
        return full
    if array.shape != (3, 3) or not np.array_equal(array, array.T):
        raise ValueError(
            "the mask must be six values (xx, yy, zz, yz, xz, xy) or a symmetric 3 x 3 array, got "
            f"{array.tolist()}"
        )
    return array.astype(bool)
