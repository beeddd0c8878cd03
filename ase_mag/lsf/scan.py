"""Energy landscapes of longitudinal fluctuations: scans of one moment size at a time."""

import pickle
import warnings
from pathlib import Path

import numpy as np
from ase import Atoms
from tqdm import tqdm

from ase_mag.core import get_moments
from ase_mag.core.jobs import calculator_identity, frame_digest, run_jobs
from ase_mag.lsf.fit import check_sizes
from ase_mag.lsf.procedure import Procedure
from ase_mag.lsf.table import SCANNED, LandscapeTable


def landscapes(
    frames,
    calc,
    sizes=7,
    executor=None,
    path=None,
    progress=True,
    window=(0.5, 2.9),
    *,
    background="relaxed",
    temperature_K=None,
    measure=2,
    order=4,
    fit_window=None,
    largest_error=0.05,
    retry_failed=False,
):
    """Compute the energy landscape of every moment of every frame.

    The size of one moment at a time is scanned with all other moments fixed, and
    E(m) = constant + a m^2 + b m^4 (+ c m^6) is fitted to the energies by least squares. The other
    moments keep their directions (Brannvall et al., Phys. Rev. B 105, 144417 (2022), Sec. II E):

    * ``background='relaxed'``: their sizes are those of 0 K, relaxed at fixed directions first;
    * ``background='nonmagnetic'``: they are zero, where moments exist by entropy only; with
      ``temperature_K`` a second scan of each moment follows, in which the others have the mean
      sizes of their first landscapes at that temperature.

    A calculation that fails, an energy that is not finite, and a fit that is too bad do not stop
    the run: that landscape is left out, listed in ``table.failures``, and a warning says so.

    Parameters
    ----------
    frames : list of ase.Atoms (or one), with moments that are not zero.
    calc : ASE calculator that constrains the moments to those of the atoms
        It is asked for energies and, for relaxed moments, ``relax_sizes(atoms)``, e.g.
        ``ase_mag.reference.ConstrainedModel``.
    sizes : int or array
        Moment sizes of the scan, mu_B, at least three (order 6: four); an integer means so many
        between the ends of ``window``.
    executor : concurrent.futures.Executor, optional
        Runs one job per frame; the calculator is pickled for each. Results do not depend on it.
    path : path, optional
        A npz file that keeps finished frames, so that a stopped run continues when it is called
        again. It is a file of :meth:`LandscapeTable.save`.
    progress : bool, whether to show a progress bar.
    window : two floats, mu_B.
    background : 'relaxed' or 'nonmagnetic'
    temperature_K, measure : float and int, see :func:`mean_moment`.
    order : 4 or 6, of the polynomial in m.
    fit_window : two floats, optional; only sizes in this range enter the fit, mu_B.
    largest_error : float, eV; fits with a larger root mean square residual are refused.
    retry_failed : bool, whether frames of ``path`` with failures are computed again.

    Returns
    -------
    LandscapeTable
        One row per atom, frames in the given order. Unbounded fits (b <= 0) stay in it, see
        :attr:`LandscapeTable.bounded`; ``table.refit`` fits its energies in another way.

    Raises
    ------
    ValueError
        For too few sizes, moments that are zero, another background or order, a ``path`` whose
        file belongs to other frames, settings, or another calculator (also the same one with
        another model or other settings), and if every landscape has failed.
    TypeError
        If moments are to be relaxed and the calculator has no ``relax_sizes``.
    """
    values = check_sizes(sizes, order, fit_window, window)
    procedure = Procedure(
        tuple(values.tolist()), background, order, fit_window, largest_error, temperature_K, measure
    )
    frames = [frames] if isinstance(frames, Atoms) else list(frames)
    for k, frame in enumerate(frames):
        _check_moments(frame, k)
    if background == "relaxed" and not hasattr(calc, "relax_sizes"):
        raise TypeError(
            f"{type(calc).__name__} has no relax_sizes(atoms), so it cannot relax moment sizes at "
            "fixed directions; use a reference such as ase_mag.reference.ConstrainedModel(model), "
            "or background='nonmagnetic'"
        )
    keys = [frame_digest(frame) for frame in frames]
    settings = procedure.settings() | {"calculator": calculator_identity(calc)}
    done = {} if path is None else _read(path, set(keys), settings, retry_failed)
    jobs = {key: frame for key, frame in zip(keys, frames, strict=True) if key not in done}
    with tqdm(total=len(set(keys)), initial=len(done), disable=not progress, unit="frame") as bar:
        for key, result in _run(jobs, calc, procedure, executor):
            done[key] = result
            if path is not None:
                finished = [k for k, key in enumerate(keys) if key in done]
                table = _table([frames[k] for k in finished], [done[keys[k]] for k in finished])
                table.save(path, keys=[keys[k] for k in finished], settings=settings)
            bar.update()
    table = _table(frames, [done[key] for key in keys])
    _report(table)
    return table


def _report(table):
    """Warn about failures, or raise if there is nothing else."""
    if not table.failures:
        return
    first = table.failures[0]
    place = f"frame {first['frame']}"
    if first["atom"] is not None:
        place = f"atom {first['atom']} of {place}"
    text = f"of {place}: {first['reason']}"
    if len(table) == 0:
        raise ValueError(f"every landscape has failed, the first {text}")
    warnings.warn(
        f"{len(table.failures)} landscapes (or frames) were refused and are not in the table, the "
        f"first {text} (all are in table.failures)",
        UserWarning,
        stacklevel=3,
    )


def _check_moments(frame, k):
    zero = np.flatnonzero(~get_moments(frame).any(axis=1))
    if len(zero):
        raise ValueError(
            f"atom {zero[0]} of frame {k} has no moment, so the direction for its scan is unknown: "
            "set moments, e.g. with lsf.snapshots(..., sizes=2.2)"
        )


def _run(jobs, calc, procedure, executor):
    """Yield (key, (columns, failures)) of every job as they finish."""
    if executor is None:
        arguments = {key: (frame, calc) for key, frame in jobs.items()}
        yield from run_jobs(procedure, arguments)
        return
    packed = pickle.dumps(calc)
    arguments = {}
    for key, frame in jobs.items():
        frame = frame.copy()
        frame.calc = None
        arguments[key] = (procedure, frame, packed)
    yield from run_jobs(_scan_packed, arguments, executor)


def _scan_packed(procedure, frame, packed):
    return procedure(frame, pickle.loads(packed))


def _table(frames, results):
    """Put the scans of frames into one table."""
    plain = []
    for frame in frames:
        plain.append(frame.copy())
        plain[-1].calc = None
    counts = [len(columns["atom"]) for columns, _ in results]
    columns = {
        name: np.concatenate([columns[name] for columns, _ in results]) for name in results[0][0]
    }
    failures = [
        {"frame": k, "atom": atom, "reason": reason}
        for k, (_, failed) in enumerate(results)
        for atom, reason in failed
    ]
    frame = np.repeat(np.arange(len(frames)), counts)
    return LandscapeTable(plain, frame=frame, failures=failures, **columns)


def _read(path, keys, settings, retry_failed):
    """Return {key: (columns, failures)} of the frames in a file of an earlier run, or raise."""
    if not Path(path).exists():
        return {}
    table, metadata = LandscapeTable.load_with_metadata(path)
    if "keys" not in metadata:
        raise ValueError(f"{path} holds a table that landscapes() did not write: use another path")
    for name, value in settings.items():
        if metadata["settings"].get(name) != value:
            raise ValueError(
                f"{path} belongs to a run with {name} = {metadata['settings'].get(name)}, not "
                f"{value}: use another path, or remove the file to start again"
            )
    strange = [key for key in metadata["keys"] if key not in keys]
    if strange:
        raise ValueError(
            f"{path} holds landscapes of {len(strange)} frames that are not among the {len(keys)} "
            "given ones: use another path, or remove the file to start again"
        )
    done = {}
    for k, key in enumerate(metadata["keys"]):
        failed = [(f["atom"], f["reason"]) for f in table.failures if f["frame"] == k]
        if failed and retry_failed:
            continue
        rows = table[table.frame == k]
        done[key] = {name: getattr(rows, name) for name in SCANNED}, failed
    return done
