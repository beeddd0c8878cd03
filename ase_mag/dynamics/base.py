"""What all dynamics of moments share: ASE's MolecularDynamics over a state and a splitting."""

from abc import abstractmethod

import numpy as np
from ase.constraints import FixAtoms
from ase.md.md import MolecularDynamics
from tqdm import tqdm

from ase_mag.core import State, get_moments
from ase_mag.dynamics.logger import MagneticLogger
from ase_mag.dynamics.noise import Noise, seed_from
from ase_mag.dynamics.temperature import spin_temperature


class MagneticDynamics(MolecularDynamics):
    """Base of the dynamics classes: ``attach``, ``irun``, ``run``, trajectory and log of ASE.

    Subclasses build ``self.splitting`` in :meth:`build`, after ``self.state`` exists.

    Parameters
    ----------
    atoms : ase.Atoms with a calculator and moments.
    timestep : float, ASE time units.
    rng : int, numpy Generator or None; the seed of all noise of the run.
    trajectory : str, Path, Trajectory or None.
    logfile : str ('-': standard output), file or None.
    loginterval : int, steps between two frames and between two log lines.
    progress : bool or None; None shows a progress bar when the error stream is a terminal.
    **options : passed on to ase.md.md.MolecularDynamics (append_trajectory, ...).

    Raises
    ------
    ValueError
        For a time step that is not positive and finite, moments that are not finite, atoms
        without calculator, or constraints other than FixAtoms.
    """

    def __init__(
        self,
        atoms,
        timestep,
        *,
        rng=None,
        trajectory=None,
        logfile=None,
        loginterval=1,
        progress=None,
        **options,
    ):
        check_positive("timestep", timestep, "ASE time units (ase.units.fs)")
        if atoms.calc is None:
            raise ValueError("atoms have no calculator: set atoms.calc before making the dynamics")
        if not np.isfinite(get_moments(atoms)).all():
            raise ValueError(
                "the moments of atoms contain NaN or infinity: set them with ase_mag.set_moments"
            )
        self.state = State.from_atoms(atoms)
        self.seed = seed_from(rng)
        self._streams = 0
        self._progress = progress
        self.free = _free_atoms(atoms)
        self.splitting = None
        super().__init__(atoms, timestep, trajectory=trajectory, loginterval=loginterval, **options)
        if logfile:
            self.attach(self.closelater(MagneticLogger(self, logfile)), loginterval)
        self.splitting = self.build()

    @abstractmethod
    def build(self):
        """Return the :class:`Splitting` of this dynamics."""

    def noise(self):
        """Return a new stream of noise of this run."""
        self._streams += 1
        return Noise(self.seed, self._streams)

    @property
    def timings(self):
        """Seconds spent in each part of the steps so far, dict part -> seconds."""
        return dict(self.splitting.timings)

    def step(self):
        """Advance by one time step; changes that were made to ``atoms`` meanwhile are kept."""
        self.state.read(self.atoms)
        self.splitting.advance(self.state, self.dt)
        self.state.write(self.atoms)

    def run(self, steps=50):
        """Run ``steps`` time steps (with a progress bar); returns True."""
        check_count("steps", steps)
        disable = None if self._progress is None else not self._progress
        last = self.nsteps
        with tqdm(total=steps, desc=type(self).__name__, unit="step", disable=disable) as bar:
            for _ in self.irun(steps):
                bar.update(self.nsteps - last)
                last = self.nsteps
        return True

    def _refresh_properties(self):
        """Evaluate the calculator where an observer is going to read it."""
        if any(
            self.nsteps % interval == 0 if interval > 0 else self.nsteps == -interval
            for _, interval, _, _ in self.observers
        ):
            self._evaluate()

    def _evaluate(self):
        """Make ``atoms.calc`` hold the results of the present state."""
        self.atoms.get_forces(apply_constraint=False)

    def get_potential_energy(self):
        """Return the potential energy of the present state, eV."""
        return self.atoms.get_potential_energy()

    def get_spin_temperature(self):
        """Return the transverse spin temperature in K; see :func:`spin_temperature`.

        None where no bilinear spin model drives the moments.
        """
        form = self.spin_form()
        return None if form is None else spin_temperature(form, self.state.moments)

    def spin_form(self):
        """Return the bilinear form that drives the moments, or None."""
        return None


def check_positive(name, value, unit):
    """Raise ValueError unless ``value`` is a positive finite number."""
    if not (np.isscalar(value) and np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a positive number in {unit}, got {value!r}")


def check_not_negative(name, value, unit):
    """Raise ValueError unless ``value`` is a finite number >= 0 (an array: all of them)."""
    array = np.asarray(value, dtype=float)
    if not (np.isfinite(array).all() and (array >= 0).all()):
        raise ValueError(f"{name} must be finite and not negative ({unit}), got {value!r}")


def check_count(name, value):
    """Raise ValueError unless ``value`` is an integer >= 0."""
    if isinstance(value, bool) or int(value) != value or value < 0:
        raise ValueError(f"{name} must be an integer >= 0, got {value!r}")


def _free_atoms(atoms):
    """Return a mask of the atoms that may move, or None if all may."""
    if not atoms.constraints:
        return None
    free = np.ones(len(atoms), dtype=bool)
    for constraint in atoms.constraints:
        if not isinstance(constraint, FixAtoms):
            raise ValueError(
                f"the constraint {type(constraint).__name__} is not supported: only FixAtoms is; "
                "remove the others (atoms.set_constraint)"
            )
        free[constraint.index] = False
    return free
