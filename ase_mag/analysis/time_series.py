"""One number or vector of every frame, collected in one pass over a trajectory."""

from array import array
from dataclasses import dataclass
from tempfile import TemporaryFile

import numpy as np

from ase_mag.analysis.frame_moments import has_moments, moments_of
from ase_mag.analysis.observables import Displacement, pressure_of


@dataclass(frozen=True)
class TimeSeries:
    """What a pass over the frames found; shapes (n_frames,), see :class:`ase_mag.analysis.Run`.

    Attributes
    ----------
    magnetization : (n_frames, 3). mean_size, size_spread : of |M_i| over the atoms.
    temperature, spin_temperature, msd : as in Run; spin_temperature is nan where unknown.
    pressure : array, or the ValueError that says why there is none.
    moments_known : bool, whether a frame has moments. n_atoms : int, of the first frame.
    """

    magnetization: np.ndarray
    mean_size: np.ndarray
    size_spread: np.ndarray
    temperature: np.ndarray
    spin_temperature: np.ndarray
    msd: np.ndarray
    pressure: object
    moments_known: bool
    n_atoms: int


def time_series(frames):
    """Collect :class:`TimeSeries`; eight bytes for each number are kept, frames are not."""
    displacement, problem, known, count = Displacement(), None, False, 0
    columns = {name: array("d") for name in ("m", "mean", "spread", "T", "spin", "msd", "p")}
    for index, atoms in enumerate(frames):
        moments = moments_of(atoms)
        known = known or has_moments(atoms)
        sizes = np.linalg.norm(moments, axis=1)
        count = count or len(atoms)
        columns["m"].extend(moments.mean(axis=0))
        columns["mean"].append(sizes.mean())
        columns["spread"].append(sizes.std())
        columns["T"].append(atoms.get_temperature())
        columns["spin"].append(atoms.info.get("spin_temperature_K", np.nan))
        columns["msd"].append(displacement(atoms))
        if problem is None:
            try:
                columns["p"].append(pressure_of(atoms, index))
            except ValueError as error:
                problem = error
    found = {name: np.array(values) for name, values in columns.items()}
    return TimeSeries(
        found["m"].reshape(-1, 3),
        found["mean"],
        found["spread"],
        found["T"],
        found["spin"],
        found["msd"],
        problem or found["p"],
        known,
        count,
    )


def sizes_on_disk(frames):
    """Return the sizes of all moments in all frames, (n_frames, N), mu_B.

    The array lies in a temporary file (in the folder that TMPDIR names) and is read where it is
    used, so it may be larger than memory.

    Raises
    ------
    ValueError
        If the number of atoms changes.
    """
    with TemporaryFile() as file:
        count = width = 0
        for index, atoms in enumerate(frames):
            sizes = np.linalg.norm(moments_of(atoms), axis=1)
            width = width or len(sizes)
            if len(sizes) != width:
                raise ValueError(
                    f"frame {index} has {len(sizes)} atoms, but the first one has {width}: sizes "
                    "of all moments need the same atoms in all frames"
                )
            file.write(sizes.tobytes())
            count += 1
        file.flush()
        return np.asarray(np.memmap(file, dtype=float, mode="r", shape=(count, width)))
