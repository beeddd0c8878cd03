"""What all dynamics of moments share: ASE's MolecularDynamics over a state and a splitting."""

import signal
from abc import abstractmethod
from contextlib import nullcontext
from numbers import Integral
from pathlib import Path

import numpy as np
from ase.calculators.calculator import BaseCalculator
from ase.constraints import FixAtoms
from ase.md.md import MolecularDynamics
from tqdm import tqdm

from ase_mag.core import State, get_moments
from ase_mag.core.jobs import calculator_identity
from ase_mag.dynamics.checkpoint import (
    Checkpoint,
    Termination,
    check_folder,
    shorten_log,
    shorten_trajectory,
)
from ase_mag.dynamics.frame_file import FrameCount, FrameFile
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
    rng : int, numpy Generator or None; the seed of all noise of the run. Two runs with the same
        integer have the same noise: give different ones to runs that are to be independent.
    trajectory : str, Path, Trajectory or None.
    logfile : str ('-': standard output), file or None.
    loginterval : int, steps between two frames and between two log lines.
    progress : bool or None; None shows a progress bar when the error stream is a terminal.
    checkpoint : str, Path or None; file for the complete state, see :class:`Checkpoint`. It is
        written every ``checkpoint_interval`` steps and when the process gets SIGTERM (``run``
        then ends with SystemExit).
    checkpoint_interval : int, steps.
    restart : bool; go on from the checkpoint if the file exists (a run that was killed equals the
        uninterrupted one bit for bit). Trajectory and log are cut back to the checkpoint and
        continued, also with another ``loginterval``, which counts from there. ``run(steps)`` makes
        that many more steps, ``run_to(n)`` those that are missing.
    origin : dict or None, JSON-able; where the run comes from, which the description of the
        trajectory file says beside the settings, under the key ``origin``.
    **options : passed on to ase.md.md.MolecularDynamics (append_trajectory, ...).

    Raises
    ------
    ValueError
        For a time step that is not positive and finite, moments that are not finite, atoms
        without calculator, constraints other than FixAtoms, or a checkpoint of another system,
        other settings or a newer version.
    """

    #: The class of the log.
    logger = MagneticLogger

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
        checkpoint=None,
        checkpoint_interval=1000,
        restart=False,
        origin=None,
        **options,
    ):
        check_positive("timestep", timestep, "ASE time units (ase.units.fs)")
        if atoms.calc is None:
            raise ValueError("atoms have no calculator: set atoms.calc before making the dynamics")
        if not np.isfinite(get_moments(atoms)).all():
            raise ValueError(
                "the moments of atoms contain NaN or infinity: set them with ase_mag.set_moments"
            )
        if restart and checkpoint is None:
            raise ValueError("restart needs the file of the checkpoint: checkpoint='run.npz'")
        check_interval("checkpoint_interval", checkpoint_interval)
        check_interval("loginterval", loginterval)
        if checkpoint is not None:
            check_folder(checkpoint)
        self.state = State.from_atoms(atoms)
        self.seed = seed_from(rng)
        self._noises = []
        self._frame_count = FrameCount(self, loginterval)
        self._progress = progress
        self._termination = None
        self.free = free_atoms(atoms)
        self._model = getattr(atoms.calc, "model", None)
        self.splitting = None
        #: Whether the state is going to come from a checkpoint.
        self.resuming = restart and Path(checkpoint).exists()
        if self.resuming:
            options["append_trajectory"] = True
        frames = trajectory
        if isinstance(trajectory, str | Path):
            frames = self.closelater(frame_file(trajectory, options))
            frames.frame_info = self.frame_info
            frames.origin = origin
        super().__init__(atoms, timestep, trajectory=frames, loginterval=loginterval, **options)
        self.splitting = self.build()
        self.checkpoint = None if checkpoint is None else Checkpoint(checkpoint, self)
        if self.resuming:
            self._resume(trajectory, logfile)
        if logfile:
            self.attach(self.closelater(self.logger(self, logfile)), loginterval)
        if self.checkpoint is not None:
            self.attach(self.checkpoint.write, checkpoint_interval)

    def _resume(self, trajectory, logfile):
        self.checkpoint.read()
        self.state.write(self.atoms)
        frames = self._frame_count.before
        if isinstance(trajectory, str | Path):
            shorten_trajectory(trajectory, frames)
        if isinstance(logfile, str | Path) and logfile != "-":
            shorten_log(logfile, frames + 1)

    @abstractmethod
    def build(self):
        """Return the :class:`Splitting` of this dynamics."""

    def noise(self):
        """Return a new stream of noise of this run."""
        self._noises.append(Noise(self.seed, len(self._noises) + 1))
        return self._noises[-1]

    def energy_sources(self):
        """Return the objects that make energies, whose change a checkpoint would not survive.

        dict name -> object or None.
        """
        lattice = getattr(self.atoms.calc, "lattice", None)
        if isinstance(lattice, BaseCalculator):
            return {"model": self._model, "lattice": calculator_identity(lattice)}
        return {"model": self._model}

    def parts(self):
        """Return what a checkpoint keeps beside the state: dict name -> object.

        The objects have ``get_state() -> dict`` and ``set_state(dict)``.
        """
        parts = {f"noise{noise.stream}": noise for noise in self._noises}
        parts["frames"] = self._frame_count
        for name in ("surface", "spin_surface"):
            if hasattr(getattr(self, name, None), "set_state"):
                parts[name] = getattr(self, name)
        for name, calc in (
            ("calculator", self.atoms.calc),
            ("lattice", getattr(self.atoms.calc, "lattice", None)),
        ):
            if hasattr(calc, "set_state"):
                parts[name] = calc
        return parts

    @property
    def timings(self):
        """Seconds spent in each part of the steps so far, dict part -> seconds."""
        return dict(self.splitting.timings)

    def step(self):
        """Advance by one time step; changes that were made to ``atoms`` meanwhile are kept."""
        self.read_atoms()
        self.splitting.advance(self.state, self.dt)
        self.state.write(self.atoms)

    def read_atoms(self):
        """Take over positions, cell, momenta and moments that were changed in ``atoms``.

        Raises
        ------
        ValueError
            If species, pbc, constraints or the calculator's model have changed since the
            dynamics was made.
        """
        atoms = self.atoms
        free = free_atoms(atoms)
        if not (
            np.array_equal(atoms.numbers, self.state.numbers)
            and np.array_equal(atoms.pbc, self.state.pbc)
            and (free is self.free is None or np.array_equal(free, self.free))
            and getattr(atoms.calc, "model", None) is self._model
        ):
            raise ValueError(
                "species, pbc, constraints or the model of the calculator have changed since the "
                "dynamics was made: make a new dynamics object"
            )
        self.state.read(atoms)
        if free is not None:
            self.state.momenta[~free] = 0.0

    def run(self, steps=50):
        """Run ``steps`` time steps (with a progress bar); returns True."""
        steps = check_count("steps", steps)
        disable = None if self._progress is None else not self._progress
        last = self.nsteps
        with (
            tqdm(total=steps, desc=type(self).__name__, unit="step", disable=disable) as bar,
            self.stoppable(),
        ):
            for _ in self.irun(steps):
                bar.update(self.nsteps - last)
                last = self.nsteps
                self.stop_if_asked()
        return True

    def run_to(self, nsteps):
        """Run until ``nsteps`` steps have been made in all (none, if they have); returns True."""
        return self.run(max(0, check_count("nsteps", nsteps) - self.nsteps))

    def stoppable(self):
        """Return a context in which SIGTERM ends the run with a checkpoint, if there is one."""
        if self.checkpoint is None:
            return nullcontext()
        self._termination = Termination()
        return self._termination

    def stop_if_asked(self):
        """After SIGTERM write the checkpoint and raise SystemExit(143)."""
        if self._termination is not None and self._termination.requested:
            self.checkpoint.write()
            raise SystemExit(128 + signal.SIGTERM)

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

    def frame_info(self):
        """Return what frames of the trajectory say in ``info``, a dict.

        ``spin_temperature_K`` of :meth:`get_spin_temperature`, where there is one.
        """
        spin = self.get_spin_temperature()
        return {} if spin is None else {"spin_temperature_K": spin}

    def spin_form(self):
        """Return the bilinear form that drives the moments, or None."""
        return None


def frame_file(path, options):
    """Return the :class:`FrameFile` of a path; ``options`` are those of ASE's dynamics."""
    append = options.pop("append_trajectory", False)
    if not append:
        Path(path).unlink(missing_ok=True)
    writing = {name: options[name] for name in ("master", "comm") if name in options}
    return FrameFile(path, append, **writing)


def check_positive(name, value, unit):
    """Raise ValueError unless ``value`` is a positive finite number."""
    if not (np.isscalar(value) and np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a positive number in {unit}, got {value!r}")


def check_interval(name, value):
    """Raise ValueError unless ``value`` is an integer > 0."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a positive number of steps (an integer), got {value!r}")


def check_not_negative(name, value, unit):
    """Raise ValueError unless ``value`` is a finite number >= 0 (an array: all of them)."""
    array = np.asarray(value, dtype=float)
    if not (np.isfinite(array).all() and (array >= 0).all()):
        raise ValueError(f"{name} must be finite and not negative ({unit}), got {value!r}")


def check_shape(name, value, n_atoms):
    """Raise ValueError unless ``value`` is a number or an array of one number for each atom."""
    if np.ndim(value) and np.shape(value) != (n_atoms,):
        raise ValueError(
            f"{name} must be a number or have shape ({n_atoms},), got {np.shape(value)}"
        )


def check_count(name, value):
    """Return ``value`` as an int, or raise ValueError unless it is an integer >= 0."""
    if isinstance(value, bool) or int(value) != value or value < 0:
        raise ValueError(f"{name} must be an integer >= 0, got {value!r}")
    return int(value)


def free_atoms(atoms):
    """Return a mask of the atoms that may move, (N,) bool, or None if all may.

    Raises
    ------
    ValueError
        For constraints other than FixAtoms.
    """
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
