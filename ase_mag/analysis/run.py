"""A run that was written to a file, with its time axis."""

from functools import cached_property
from pathlib import Path

import numpy as np
from ase import units

from ase_mag.analysis.correlations import pair_correlation
from ase_mag.analysis.fluctuations import fluctuations
from ase_mag.analysis.frame_source import describe, frames_of
from ase_mag.analysis.magnons import magnon_dispersion
from ase_mag.analysis.maps import site_maps
from ase_mag.analysis.moment_histogram import moment_histogram
from ase_mag.analysis.phonons import phonon_spectrum
from ase_mag.analysis.statistics import skipped
from ase_mag.analysis.structure_factor import structure_factor
from ase_mag.analysis.time_series import sizes_on_disk, time_series
from ase_mag.analysis.vibrations import vibrational_density


def read(path, timestep=None):
    """Open the trajectory of a run; frames are read when they are needed.

    Parameters
    ----------
    path : str or Path of any format that ASE reads. ASE reads .traj and .extxyz files frame by
        frame; some other formats it reads as a whole.
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
        For a file that is no trajectory or has no frames, or a time step that is not positive.
    """
    description = describe(path)
    if timestep is None and "timestep" in description:
        timestep = description["timestep"] * description.get("interval", 1)
    if timestep is not None and not timestep > 0:
        raise ValueError(f"the time between two frames must be positive, got {timestep}")
    return Run(path, timestep, description)


class Run:
    """Frames of a trajectory file and the observables of the whole run.

    Iterating over it reads the file frame by frame. Observables with one value for every frame are
    computed in one pass over the file, the first time that one is asked for, and kept; frames are
    not. Every other observable is a pass of its own. What does not fit into memory goes to
    temporary files.

    ``skip`` is everywhere what is left out at the beginning: a number of frames, or a fraction of
    them below 1.

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
        return frames_of(self.path)

    def __len__(self):
        return len(self._series.temperature)

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
                "analysis.read(path, timestep=...) in ASE units (1 fs is ase.units.fs; on the "
                "command line --timestep-fs)"
            )
        return np.arange(len(self)) * (self.timestep / units.fs)

    @property
    def magnetization(self):
        """Mean moment of every frame, (n_frames, 3), mu_B per atom."""
        return self._with_moments.magnetization

    @cached_property
    def moment_sizes(self):
        """Sizes of the moments, (n_frames, N), mu_B; on disk, see :func:`sizes_on_disk`."""
        return sizes_on_disk(self)

    @property
    def mean_moment_size(self):
        """Mean size of the moments of every frame, (n_frames,), mu_B."""
        return self._with_moments.mean_size

    @property
    def moment_size_spread(self):
        """Standard deviation of the sizes of the moments of every frame, (n_frames,), mu_B."""
        return self._with_moments.size_spread

    @property
    def temperature_K(self):
        """Kinetic temperature of the atoms, (n_frames,), K."""
        return self._series.temperature

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
        values = self._series.spin_temperature
        if np.isnan(values).all():
            raise ValueError(
                f"the frames of {self.path} have no spin temperature: the .traj file of a dynamics "
                "whose moments have a bilinear model has (SpinDynamics, SpinLatticeDynamics, "
                "AsdAimd)"
            )
        return values

    def msd(self):
        """Return :func:`ase_mag.analysis.msd` of the run, (n_frames,), angstrom^2."""
        return self._series.msd

    def pressure(self):
        """Return :func:`ase_mag.analysis.pressure` of the run, (n_frames,), GPa.

        Raises
        ------
        ValueError
            If a frame has no stress, or is not periodic in three directions.
        """
        values = self._series.pressure
        if isinstance(values, ValueError):
            raise values
        return values

    def binder(self, skip=0.5):
        """Return the Binder cumulant 1 - <m^4>/(3 <m^2>^2) of the magnetization, a float.

        :meth:`fluctuations` has its error.
        """
        squares = (self.magnetization[self._skipped(skip) :] ** 2).sum(axis=1)
        return float(1.0 - (squares**2).mean() / (3.0 * squares.mean() ** 2))

    def fluctuations(self, temperature_K=None, *, skip=0.5, stop=None, blocks=10):
        """Return susceptibility and Binder cumulant with errors, see :func:`fluctuations`.

        Parameters
        ----------
        temperature_K : float, optional; default: that of the bath of the moments, which the
            ``.traj`` file of a dynamics knows.
        stop : int, optional; the first frame that is left out at the end.
        """
        magnetization = self.magnetization[self._skipped(skip) : stop]
        if temperature_K is None:
            temperature_K = self.description.get("spin_temperature_K")
            if temperature_K is None:
                temperature_K = self.description.get("temperature_K")
        if temperature_K is None:
            raise ValueError(
                f"{self.path} does not say at which temperature it was made: give temperature_K "
                "(on the command line --temperature-K)"
            )
        return fluctuations(magnetization, self._series.n_atoms, temperature_K, blocks=blocks)

    def susceptibility(self, temperature_K=None, *, skip=0.5):
        """Return the susceptibility per atom, (3, 3), mu_B^2/eV; see :meth:`fluctuations`."""
        return self.fluctuations(temperature_K, skip=skip).susceptibility

    def moment_histogram(self, width=0.02, *, skip=0.5, species=None):
        """Return the distribution of the moment sizes, see :func:`moment_histogram`."""
        self._with_moments  # noqa: B018  (raises without moments)
        return moment_histogram(self, width, skip=self._skipped(skip), species=species)

    def correlation(self, cutoff=8.0, width=0.1, *, skip=0, stride=1, species=None):
        """Return <M_i.M_j>(r) and g(r) of the run, see :func:`pair_correlation`."""
        skip = self._skipped(skip)
        return pair_correlation(self, cutoff, width, skip=skip, stride=stride, species=species)

    def vibrational_density(self, *, segment=None, skip=0):
        """Return the vibrational density of states, see :func:`vibrational_density`."""
        skip = self._skipped(skip)
        return vibrational_density(self, self.timestep, segment=segment, skip=skip)

    def phonons(self, q_path=None, *, q_vectors=None, cell=None, skip=0, segment=None, sites=None):
        """Return the phonon bands that the velocities show, see :func:`phonon_spectrum`."""
        return phonon_spectrum(
            self,
            q_path,
            q_vectors=q_vectors,
            cell=cell,
            timestep=self.timestep,
            skip=self._skipped(skip),
            segment=segment,
            sites=sites,
        )

    def structure_factor(self, q_path=None, *, q_vectors=None, cell=None, skip=0, segment=None):
        """Return S(q) and S(q, omega) of the moments, see :func:`structure_factor`.

        The time between frames is that of the run; without one there is S(q) only.
        """
        return structure_factor(
            self,
            q_path,
            q_vectors=q_vectors,
            cell=cell,
            timestep=self.timestep,
            skip=self._skipped(skip),
            segment=segment,
        )

    def magnons(self, model, q_path, *, crystal=None, skip=0, segment=None):
        """Return S(q, omega) beside linear spin-wave theory, see :func:`magnon_dispersion`."""
        return magnon_dispersion(
            self,
            model,
            q_path,
            timestep=self.timestep,
            crystal=crystal,
            skip=self._skipped(skip),
            segment=segment,
        )

    def site_maps(self, model=None, *, skip=0):
        """Return stress and moment of every atom, averaged over time, see :func:`site_maps`."""
        return site_maps(self, model, skip=self._skipped(skip))

    def plot(self, *names, **options):
        """Plot observables, one panel each.

        Parameters
        ----------
        *names : 'magnetization' (its size and the mean size of the moments), 'moments' (the
            distribution of sizes), 'msd', 'pressure', 'temperature', 'spin_temperature' (these
            three with cumulative averages and their errors by block averages), 'binder',
            'susceptibility' (both for longer and longer parts, with errors), 'correlation'
            (<M_i.M_j>) and 'rdf' (both of about 200 frames), 'vibrations', 'phonons',
            'structure_factor', 'magnons' (with linear spin-wave theory), 'stress' (distribution of
            the mean pressures of the atoms).
        skip : int or float, what averages leave out at the beginning; default 0.5, half.
        q_path : str, for 'phonons', 'structure_factor' and 'magnons'; cell : of its zone.
        temperature_K : float, for 'binder' and 'susceptibility', if the file lacks it.
        model : Model, for 'magnons'; crystal : see :func:`magnon_dispersion`.
        segment : int, frames of a segment of spectra. cutoff : float, angstrom, of 'correlation'
            and 'rdf'.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ValueError
            For no name or an unknown one, and what the observables raise.
        ImportError
            Without matplotlib; it names the extra.
        """
        from ase_mag.analysis.panels import panels

        return panels(self, names, **options)

    def summary(self, skip=0.5, temperature_K=None):
        """Return a table of averages with errors as text, see :func:`ase_mag.analysis.summary`."""
        from ase_mag.analysis.summary import summary

        return summary(self, skip, temperature_K)

    def _skipped(self, skip):
        return skipped(skip, len(self)) if 0 < skip < 1 else skipped(skip, 1)

    @cached_property
    def _series(self):
        return time_series(self)

    @property
    def _with_moments(self):
        if not self._series.moments_known:
            raise ValueError(
                f"the frames of {self.path} have no moments: ase_mag.set_moments(atoms, ...) "
                "before the dynamics gives them some"
            )
        return self._series

    def __repr__(self):
        return f"Run({str(self.path)!r})"
