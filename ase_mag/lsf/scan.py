"""Energy landscapes of longitudinal fluctuations: scans of one moment size at a time."""

import pickle
from pathlib import Path

import numpy as np
from ase import Atoms
from tqdm import tqdm

from ase_mag.core import get_moments, set_moments
from ase_mag.core.jobs import calculator_identity, frame_digest, run_jobs
from ase_mag.lsf.table import LandscapeTable


def landscapes(frames, calc, sizes=7, executor=None, path=None, progress=True, window=(0.5, 2.9)):
    """Compute the energy landscape of every moment of every frame.

    In each frame the sizes of all moments are relaxed at fixed directions; then the size of one
    moment at a time is scanned with all other moments fixed, and
    E(m) = constant + a m^2 + b m^4 is fitted to the energies by least squares
    (Brannvall et al., Phys. Rev. B 105, 144417 (2022), Sec. II E).

    Parameters
    ----------
    frames : list of ase.Atoms (or one), with moments that are not zero.
    calc : ASE calculator that constrains the moments to those of the atoms
        It is asked for ``relax_sizes(atoms)`` and energies, e.g.
        ``ase_mag.reference.ConstrainedModel``.
    sizes : int or array
        Moment sizes of the scan, mu_B, at least three; an integer means so many between the ends
        of ``window``.
    executor : concurrent.futures.Executor, optional
        Runs one job per frame; the calculator is pickled for each. Results do not depend on it.
    path : path, optional
        A npz file that keeps finished frames, so that a stopped run continues when it is called
        again. It is a file of :meth:`LandscapeTable.save`.
    progress : bool, whether to show a progress bar.
    window : two floats, mu_B.

    Returns
    -------
    LandscapeTable
        One row per atom, frames in the given order. Unbounded fits (b <= 0) stay in it, see
        :attr:`LandscapeTable.bounded`.

    Raises
    ------
    ValueError
        For fewer than three sizes, moments that are zero, energies that are not finite, or a
        ``path`` whose file belongs to other frames, sizes, or another calculator (also the same
        one with another model or other settings).
    TypeError
        If the calculator has no ``relax_sizes``.
    """
    sizes = _scan_sizes(sizes, window)
    frames = [frames] if isinstance(frames, Atoms) else list(frames)
    for k, frame in enumerate(frames):
        _check_moments(frame, k)
    if not hasattr(calc, "relax_sizes"):
        raise TypeError(
            f"{type(calc).__name__} has no relax_sizes(atoms), so it cannot relax moment sizes at "
            "fixed directions; use a reference such as ase_mag.reference.ConstrainedModel(model)"
        )
    keys = [frame_digest(frame) for frame in frames]
    settings = {
        "sizes": sizes.tolist(),
        "calculator": calculator_identity(calc),
    }
    done = {} if path is None else _read(path, set(keys), settings)
    jobs = {key: frame for key, frame in zip(keys, frames, strict=True) if key not in done}
    with tqdm(total=len(set(keys)), initial=len(done), disable=not progress, unit="frame") as bar:
        for key, result in _run(jobs, calc, sizes, executor):
            done[key] = result
            if path is not None:
                finished = [k for k, key in enumerate(keys) if key in done]
                table = _table([frames[k] for k in finished], [done[keys[k]] for k in finished])
                table.save(path, keys=[keys[k] for k in finished], settings=settings)
            bar.update()
    return _table(frames, [done[key] for key in keys])


def fit_landscapes(sizes, energies):
    """Fit E(m) = constant + a m^2 + b m^4 by least squares.

    Parameters
    ----------
    sizes : (k,) array, moment sizes in mu_B, at least three different ones.
    energies : (n, k) array, eV.

    Returns
    -------
    a, b, constant, error : (n,) arrays, eV/mu_B^2, eV/mu_B^4, eV and eV
        error is the root mean square of the residuals.

    Raises
    ------
    ValueError
        For fewer than three different sizes, or energies that are not finite.
    """
    sizes = _scan_sizes(sizes, None)
    energies = np.asarray(energies, dtype=float)
    if not np.isfinite(energies).all():
        row, column = np.argwhere(~np.isfinite(energies))[0]
        raise ValueError(
            f"the energy of scan {row} at {sizes[column]:g} mu_B is {energies[row, column]}: "
            "look at that calculation"
        )
    scale = sizes.max()
    design = np.vander((sizes / scale) ** 2, 3, increasing=True)
    offset = energies.min(axis=1)
    shifted = (energies - offset[:, None]).T
    solution = np.linalg.lstsq(design, shifted, rcond=None)[0]
    error = np.sqrt(np.mean((design @ solution - shifted) ** 2, axis=0))
    return solution[1] / scale**2, solution[2] / scale**4, solution[0] + offset, error


def _scan_sizes(sizes, window):
    if np.ndim(sizes) == 0:
        if int(sizes) != sizes:
            raise ValueError(f"sizes must be an integer or an array of moments, got {sizes!r}")
        count, (low, high) = int(sizes), window
        values = np.linspace(low, high, max(count, 0))
        origin = f"{count} sizes"
    else:
        values = np.array(sizes, dtype=float)
        origin = f"sizes {values.tolist()} mu_B"
    if values.ndim != 1 or not (np.isfinite(values) & (values >= 0)).all():
        raise ValueError(f"{origin}: moment sizes must be finite and not negative, in mu_B")
    if len(np.unique(values)) < 3:
        raise ValueError(
            f"{origin} are too few for the fit of constant + a m^2 + b m^4: give at least 3 "
            "different ones (7 are usual)"
        )
    return values


def _check_moments(frame, k):
    zero = np.flatnonzero(~get_moments(frame).any(axis=1))
    if len(zero):
        raise ValueError(
            f"atom {zero[0]} of frame {k} has no moment, so the direction for its scan is unknown: "
            "set moments, e.g. with lsf.snapshots(..., sizes=2.2)"
        )


def _run(jobs, calc, sizes, executor):
    """Yield (key, scan) of every job as they finish."""
    if executor is None:
        arguments = {key: (frame, calc, sizes) for key, frame in jobs.items()}
        yield from run_jobs(_scan, arguments)
        return
    packed = pickle.dumps(calc)
    arguments = {}
    for key, frame in jobs.items():
        frame = frame.copy()
        frame.calc = None
        arguments[key] = (frame, packed, sizes)
    yield from run_jobs(_scan_packed, arguments, executor)


def _scan_packed(frame, packed, sizes):
    return _scan(frame, pickle.loads(packed), sizes)


def _scan(frame, calc, sizes):
    """Return the columns of a table for all atoms of one frame."""
    moments = get_moments(frame)
    directions = moments / np.linalg.norm(moments, axis=1)[:, None]
    atoms = frame.copy()
    atoms.calc = calc
    relaxed = np.linalg.norm(calc.relax_sizes(atoms), axis=1)
    background = relaxed[:, None] * directions
    set_moments(atoms, background)
    current = atoms.arrays["initial_magmoms"]
    energies = np.empty((len(atoms), len(sizes)))
    for i, direction in enumerate(directions):
        for k, size in enumerate(sizes):
            current[i] = size * direction
            energies[i, k] = atoms.get_potential_energy()
        current[i] = background[i]
    a, b, constant, error = fit_landscapes(sizes, energies)
    return {
        "a": a,
        "b": b,
        "constant": constant,
        "error": error,
        "relaxed": relaxed,
        "sizes": np.tile(sizes, (len(atoms), 1)),
        "energies": energies,
    }


def _table(frames, scans):
    """Put the scans of frames into one table."""
    plain = []
    for frame in frames:
        plain.append(frame.copy())
        plain[-1].calc = None
    counts = [len(frame) for frame in frames]
    columns = {name: np.concatenate([scan[name] for scan in scans]) for name in scans[0]}
    return LandscapeTable(
        plain,
        frame=np.repeat(np.arange(len(frames)), counts),
        atom=np.concatenate([np.arange(count) for count in counts]),
        **columns,
    )


def _read(path, keys, settings):
    """Return {key: scan} of the frames in a file of an earlier run, or raise."""
    if not Path(path).exists():
        return {}
    table, metadata = LandscapeTable.load_with_metadata(path)
    if "keys" not in metadata:
        raise ValueError(f"{path} holds a table that landscapes() did not write: use another path")
    for name, value in settings.items():
        if metadata["settings"][name] != value:
            raise ValueError(
                f"{path} belongs to a run with {name} = {metadata['settings'][name]}, not {value}: "
                "use another path, or remove the file to start again"
            )
    strange = [key for key in metadata["keys"] if key not in keys]
    if strange:
        raise ValueError(
            f"{path} holds landscapes of {len(strange)} frames that are not among the {len(keys)} "
            "given ones: use another path, or remove the file to start again"
        )
    done = {}
    for k, key in enumerate(metadata["keys"]):
        rows = table[table.frame == k]
        names = ("a", "b", "constant", "error", "relaxed", "sizes", "energies")
        done[key] = {name: getattr(rows, name) for name in names}
    return done
