"""Snapshots out of a run, far enough apart to be independent."""

import warnings
from pathlib import Path

import ase.io
import numpy as np
from ase import units
from ase.io.trajectory import Trajectory

from ase_mag.core import get_moments
from ase_mag.lsf.ideal import IDEAL, ideal_lattice, set_ideal_lattice

#: Correlations below this count as forgotten.
_FORGOTTEN = np.exp(-1)


def frames_from_trajectory(
    path, ideal=None, *, every_fs=None, count=None, start_fs=0.0, timestep=None
):
    """Return snapshots of a run, to compute landscapes for.

    The landscapes at T_c of Brannvall et al., Phys. Rev. B 105, 144417 (2022), Sec. II E, are those
    of snapshots out of a coupled run, whose displacements and directions are correlated as in the
    crystal at that temperature, unlike those of :func:`snapshots`.

    Snapshots forget each other like displacements u_i and directions e_i do:
    C_u(t) = <u_i(0).u_i(t)>/<u_i^2> and C_e(t) = <d_i(0).d_i(t)>/<d_i^2>, d_i = e_i - <e>, averages
    over atoms and times. The decorrelation time is the first one at which both are below 1/e.

    Parameters
    ----------
    path : str or Path, trajectory of a dynamics with moments (any format of ASE).
    ideal : ase.Atoms, optional
        The ideal lattice of the run, atom by atom, noted in every snapshot
        (:func:`set_ideal_lattice`); descriptors 1 to 4 need it. Default: that of the file, which
        only the extended xyz format keeps, or none.
    every_fs : float, optional
        Time between two snapshots, rounded up to frames of the file. Default: with ``count`` the
        longest that gives so many, else the decorrelation time.
    count : int, optional, number of snapshots.
    start_fs : float, what is left out at the start of the run, in fs, for equilibration.
    timestep : float, optional
        ASE time between two frames of the file; ``.traj`` files of a dynamics know it.

    Returns
    -------
    list of ase.Atoms
        Without calculator and momenta. ``info`` holds 'time_fs', 'trajectory' (name of the file)
        and 'trajectory_frame'.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the time step is not known, frames have no moments, there are fewer snapshots than
        ``count``, or the run is shorter than its decorrelation time.

    Warns
    -----
    UserWarning
        If snapshots are closer than the decorrelation time: they are fewer independent data than
        they seem.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no trajectory {path}: check the name and the folder")
    interval = _interval_fs(path, timestep)
    if every_fs is not None and not every_fs > 0:
        raise ValueError(f"every_fs must be a positive time, got {every_fs}")
    if count is not None and (int(count) != count or count < 1):
        raise ValueError(f"count must be a positive integer, got {count!r}")
    if not start_fs >= 0:
        raise ValueError(f"start_fs must be a time that is not negative, got {start_fs}")
    # Rounding must not make a step of one frame two.
    first = int(np.ceil(start_fs / interval - 1e-6))
    frames = ase.io.read(path, f"{first}:")
    _check(frames, path, start_fs)
    forgotten = _decorrelation(frames, ideal)
    if every_fs is not None:
        spacing = max(1, int(np.ceil(every_fs / interval - 1e-6)))
    elif count is not None:
        spacing = max(1, (len(frames) - 1) // max(1, count - 1))
    elif forgotten is None:
        raise ValueError(
            f"displacements or directions in {path} stay correlated for as long as the run is "
            f"({(len(frames) - 1) * interval:g} fs after start_fs): run longer, or give every_fs"
        )
    else:
        spacing = forgotten
    chosen = list(range(0, len(frames), spacing))
    if count is not None:
        if len(chosen) < count:
            raise ValueError(
                f"{path} has {len(chosen)} snapshots {spacing * interval:g} fs apart after "
                f"{start_fs:g} fs, fewer than count = {count}: run longer, or give a shorter "
                "every_fs"
            )
        chosen = chosen[:count]
    if len(chosen) > 1 and (forgotten is None or spacing < forgotten):
        time = "the whole run" if forgotten is None else f"{forgotten * interval:g} fs"
        warnings.warn(
            f"snapshots are {spacing * interval:g} fs apart, but displacements or directions stay "
            f"correlated for {time}: they are fewer independent data than they seem",
            UserWarning,
            stacklevel=2,
        )
    out = []
    for k in chosen:
        frame = frames[k]
        lattice = ideal_lattice(frame) if ideal is None and IDEAL in frame.arrays else ideal
        frame.calc = None
        frame.arrays.pop("momenta", None)
        if lattice is not None:
            set_ideal_lattice(frame, lattice)
        frame.info |= {
            "time_fs": (first + k) * interval,
            "trajectory": path.name,
            "trajectory_frame": first + k,
        }
        out.append(frame)
    return out


def _interval_fs(path, timestep):
    """Return the time between two frames of a file, fs."""
    if timestep is None and path.suffix == ".traj":
        with Trajectory(path) as file:
            description = file.description or {}
        if "timestep" in description:
            timestep = description["timestep"] * description.get("interval", 1)
    if timestep is None:
        raise ValueError(
            f"{path} does not say how much time lies between its frames: give timestep=... in ASE "
            "units (1 fs is ase.units.fs)"
        )
    if not timestep > 0:
        raise ValueError(f"the time between two frames must be positive, got {timestep}")
    return timestep / units.fs


def _check(frames, path, start_fs):
    if not frames:
        raise ValueError(f"{path} has no frames after start_fs = {start_fs:g} fs")
    for k, frame in enumerate(frames):
        if not get_moments(frame).any():
            raise ValueError(
                f"frame {k} of {path} after start_fs has no moments: take the trajectory of a "
                "dynamics with moments, e.g. AsdAimd"
            )


def _decorrelation(frames, ideal):
    """Return the first lag at which displacements and directions are forgotten, None if never."""
    moments = np.array([get_moments(frame) for frame in frames])
    sizes = np.linalg.norm(moments, axis=2, keepdims=True)
    directions = moments / np.where(sizes > 0, sizes, 1.0)
    displacements = _displacements(frames, ideal)
    forgotten = []
    for values in (displacements, directions - directions.mean(axis=(0, 1))):
        correlation = _correlation(values)
        below = np.flatnonzero(correlation < _FORGOTTEN)
        if len(below) == 0:
            return None
        forgotten.append(below[0])
    return max(1, *map(int, forgotten))


def _displacements(frames, ideal):
    """Return u (n_frames, N, 3) without drift: from the ideal sites, else from mean positions."""
    scaled = np.array([f.cell.scaled_positions(f.positions) for f in frames])
    steps = np.diff(scaled, axis=0)
    scaled[1:] = scaled[0] + np.cumsum(steps - np.rint(steps), axis=0)
    if ideal is None:
        moved = scaled - scaled.mean(axis=0)
    else:
        moved = scaled - ideal.get_scaled_positions(wrap=False)
        first = moved[0] - moved[0, 0]
        moved -= np.rint(first)
    moved -= moved.mean(axis=1, keepdims=True)
    return np.einsum("tic,tcd->tid", moved, np.array([f.cell.array for f in frames]))


def _correlation(values):
    """Return <v(0).v(t)>/<v.v> over atoms and times, (n_frames,); 0 where nothing moves."""
    n = len(values)
    flat = values.reshape(n, -1)
    total = np.zeros(n)
    for column in flat.T:
        spectrum = np.fft.rfft(column, 2 * n)
        total += np.fft.irfft(np.abs(spectrum) ** 2, 2 * n)[:n]
    total /= np.arange(n, 0, -1)
    return total / total[0] if total[0] > 0 else np.zeros(n)
