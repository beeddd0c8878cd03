"""Observables of a sequence of frames (any iterable of ``Atoms``), one value per frame.

Frames are read one by one and not kept, so a trajectory may be larger than memory.
"""

import numpy as np
from ase import units
from ase.calculators.calculator import PropertyNotImplementedError

from ase_mag.analysis.frame_moments import moments_of


def magnetization(frames):
    """Return the mean moment of every frame, sum_i M_i / N, (n_frames, 3), mu_B per atom.

    Parameters
    ----------
    frames : iterable of ase.Atoms
    """
    return np.array([moments_of(atoms).mean(axis=0) for atoms in frames]).reshape(-1, 3)


def moment_sizes(frames):
    """Return the sizes |M_i| of the moments in every frame, (n_frames, N), mu_B.

    Parameters
    ----------
    frames : iterable of ase.Atoms with equal numbers of atoms.
    """
    return np.array([np.linalg.norm(moments_of(atoms), axis=1) for atoms in frames])


def msd(frames):
    """Return the mean-square displacement from the first frame, (n_frames,), angstrom^2.

    MSD(t) = 1/N sum_i |u_i(t) - u_cm(t)|^2, u_i(t) = (s_i(t) - s_i(0)) h(t), where s are scaled
    coordinates that are followed through the periodic boundaries, h is the cell of the frame, and
    u_cm is the displacement of the center of mass. A change of the cell that carries the atoms
    along is no displacement.

    Frames that are wrapped into the cell are right as long as no atom moves by half a cell vector
    between two of them.

    Parameters
    ----------
    frames : iterable of ase.Atoms

    Raises
    ------
    ValueError
        If the number of atoms changes.
    """
    displacement = Displacement()
    return np.array([displacement(atoms) for atoms in frames])


def pressure(frames):
    """Return the pressure of every frame, (n_frames,), GPa.

    p = 2 E_kin / (3 V) - tr(stress) / 3: the kinetic part of the atoms is included.

    Parameters
    ----------
    frames : iterable of ase.Atoms with a stress among their results.

    Raises
    ------
    ValueError
        If a frame has no stress, or is not periodic in three directions.
    """
    return np.array([pressure_of(atoms, index) for index, atoms in enumerate(frames)])


class Displacement:
    """Mean-square displacements of frames that are given one after the other; see :func:`msd`."""

    def __init__(self):
        #: How far each atom has moved since the first frame, (N, 3), in scaled coordinates.
        self.moved = None
        self._count = 0

    def __call__(self, atoms):
        """Return the mean-square displacement of the next frame, angstrom^2."""
        scaled = atoms.cell.scaled_positions(atoms.positions)
        if self.moved is None:
            self._previous, self.moved = scaled, np.zeros_like(scaled)
            self._masses = atoms.get_masses()
        if len(scaled) != len(self.moved):
            raise ValueError(
                f"frame {self._count} has {len(scaled)} atoms, but the first one has "
                f"{len(self.moved)}: displacements need the same atoms in all frames"
            )
        step = scaled - self._previous
        self.moved += step - np.where(atoms.pbc, np.round(step), 0.0)
        self._previous = scaled
        self._count += 1
        shifts = self.moved @ atoms.cell.complete().array
        shifts -= self._masses @ shifts / self._masses.sum()
        return np.einsum("ij,ij->", shifts, shifts) / len(shifts)


def pressure_of(atoms, index=0):
    """Return the pressure of one frame, GPa; see :func:`pressure`."""
    if not atoms.pbc.all():
        raise ValueError(
            f"frame {index} has pbc={atoms.pbc.tolist()}: a pressure needs three periodic "
            "directions"
        )
    try:
        stress = atoms.get_stress(apply_constraint=False)
    except (RuntimeError, PropertyNotImplementedError):
        raise ValueError(
            f"frame {index} has no stress: run the dynamics with a calculator that gives it"
        ) from None
    kinetic = 2.0 * atoms.get_kinetic_energy() / (3.0 * atoms.get_volume())
    return (kinetic - stress[:3].mean()) / units.GPa
