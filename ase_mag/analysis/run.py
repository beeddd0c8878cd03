"""A run that was written to a file, with its time axis."""

from functools import cached_property
from pathlib import Path

import ase.io
import numpy as np
from ase import units
from ase.io.formats import UnknownFileTypeError, filetype, get_ioformat
from ase.io.trajectory import Trajectory

from ase_mag.analysis.correlations import pair_correlation
from ase_mag.analysis.observables import Displacement, pressure_of
from ase_mag.analysis.structure_factor import structure_factor
from ase_mag.analysis.vibrations import vibrational_density
from ase_mag.core import get_moments


def read(path, timestep=None):
    """Open the trajectory of a run; frames are read when they are needed.

    Parameters
    ----------
    path : str or Path of any format that ASE reads.
    timestep : float, optional; ASE time between two frames. ASE's ``.traj`` files of a dynamics
        know it; other formats do not.

    Returns
    -------
    Run

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        For a file that is no trajectory, or a time step that is not positive.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no trajectory {path}: check the name and the folder")
    description = {}
    if path.suffix == ".traj":
        try:
            with Trajectory(path) as file:
                description = file.description or {}
        except OSError as error:
            raise _unreadable(path) from error
    elif not _readable(path):
        raise _unreadable(path)
    if timestep is None and "timestep" in description:
        timestep = description["timestep"] * description.get("interval", 1)
    if timestep is not None and not timestep > 0:
        raise ValueError(f"the time between two frames must be positive, got {timestep}")
    return Run(path, timestep, description)


def _readable(path):
    try:
        return get_ioformat(filetype(str(path))).can_read
    except UnknownFileTypeError:
        return False


def _unreadable(path):
    return ValueError(
        f"{path} is no trajectory that ASE can read, or it is damaged: give the .traj file of a "
        "dynamics, or an .extxyz file"
    )


class Run:
    """Frames of a trajectory file and the observables of the whole run.

    Iterating over it reads the file frame by frame. All observables are computed in one pass over
    the file, the first time that one is asked for, and kept; frames are not.

    Attributes
    ----------
    path : Path
    timestep : float or None, ASE time between two frames.
    description : dict, what the dynamics wrote about itself (``.traj`` only).
    """

    def __init__(self, path, timestep=None, description=None):
        self.path = Path(path)
        self.timestep = timestep
        self.description = description or {}

    def __iter__(self):
        return ase.io.iread(self.path, index=":")

    def __len__(self):
        return len(self.magnetization)

    @property
    def time_fs(self):
        """Times of the frames, (n_frames,), fs, zero at the first one.

        Raises
        ------
        ValueError
            If the time between two frames is not known.
        """
        if self.timestep is None:
            raise ValueError(
                f"{self.path} does not say how much time lies between its frames: give "
                "analysis.read(path, timestep=...) in ASE units (1 fs is ase.units.fs)"
            )
        return np.arange(len(self)) * (self.timestep / units.fs)

    @property
    def magnetization(self):
        """Mean moment of every frame, (n_frames, 3), mu_B per atom."""
        return self._values["magnetization"]

    @property
    def moment_sizes(self):
        """Sizes of the moments, (n_frames, N), mu_B."""
        return self._values["moment_sizes"]

    @property
    def temperature_K(self):
        """Kinetic temperature of the atoms, (n_frames,), K."""
        return self._values["temperature_K"]

    @property
    def spin_temperature(self):
        """Transverse spin temperature that the dynamics wrote, (n_frames,), K.

        See :func:`ase_mag.dynamics.spin_temperature`; one value of an ordered magnet
        fluctuates by T/sqrt(N).

        Raises
        ------
        ValueError
            If no frame has one: moments without a bilinear model, or a file of another program.
        """
        values = self._values["spin_temperature"]
        if np.isnan(values).all():
            raise ValueError(
                f"the frames of {self.path} have no spin temperature: the .traj file of a dynamics "
                "whose moments have a bilinear model has (SpinDynamics, SpinLatticeDynamics, "
                "AsdAimd)"
            )
        return values

    def msd(self):
        """Return :func:`ase_mag.analysis.msd` of the run, (n_frames,), angstrom^2."""
        return self._values["msd"]

    def pressure(self):
        """Return :func:`ase_mag.analysis.pressure` of the run, (n_frames,), GPa.

        Raises
        ------
        ValueError
            If a frame has no stress, or is not periodic in three directions.
        """
        values = self._values["pressure"]
        if isinstance(values, ValueError):
            raise values
        return values

    def binder(self, skip=0.5):
        """Return the Binder cumulant 1 - <m^4>/(3 <m^2>^2) of the magnetization, a float.

        Parameters
        ----------
        skip : float, fraction of the frames at the beginning that is left out.
        """
        squares = (self.magnetization[int(skip * len(self)) :] ** 2).sum(axis=1)
        return float(1.0 - (squares**2).mean() / (3.0 * squares.mean() ** 2))

    def correlation(self, cutoff=8.0, width=0.1, *, skip=0, stride=1):
        """Return <M_i.M_j>(r) and g(r) of the run, see :func:`pair_correlation`."""
        return pair_correlation(self, cutoff, width, skip=skip, stride=stride)

    def vibrational_density(self, *, segment=None, skip=0):
        """Return the vibrational density of states, see :func:`vibrational_density`."""
        return vibrational_density(self, self.timestep, segment=segment, skip=skip)

    def structure_factor(self, q_path=None, *, q_vectors=None, cell=None, skip=0):
        """Return S(q) and S(q, omega) of the moments, see :func:`structure_factor`.

        The time between frames is that of the run; without one there is S(q) only.
        """
        return structure_factor(
            self,
            q_path,
            q_vectors=q_vectors,
            cell=cell,
            timestep=self.timestep,
            skip=skip,
        )

    def plot(self, *names):
        """Plot observables over time, one panel each, with their cumulative averages.

        Parameters
        ----------
        *names : 'magnetization' (its size and the mean size of the moments), 'msd', 'pressure',
            'temperature', 'spin_temperature', or 'moments' (the distribution of sizes in the second
            half of the run).

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ValueError
            For no name or an unknown one, and as :meth:`pressure`.
        ImportError
            Without matplotlib; it names the extra.
        """
        from ase_mag.analysis import plots

        return plots.panels(self, names)

    @cached_property
    def _values(self):
        """All observables, a dict of arrays; a ValueError in the place of missing pressures."""
        displacement = Displacement()
        columns = {
            "magnetization": lambda atoms: get_moments(atoms).mean(axis=0),
            "moment_sizes": lambda atoms: np.linalg.norm(get_moments(atoms), axis=1),
            "temperature_K": lambda atoms: atoms.get_temperature(),
            "msd": displacement,
            "spin_temperature": lambda atoms: atoms.info.get("spin_temperature_K", np.nan),
        }
        lists = {name: [] for name in columns}
        pressures, problem = [], None
        for index, atoms in enumerate(self):
            for name, value in columns.items():
                lists[name].append(value(atoms))
            if problem is None:
                try:
                    pressures.append(pressure_of(atoms, index))
                except ValueError as error:
                    problem = error
        values = {name: np.array(column) for name, column in lists.items()}
        return values | {"pressure": problem or np.array(pressures)}

    def __repr__(self):
        return f"Run({str(self.path)!r})"
