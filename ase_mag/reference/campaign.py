"""Campaigns: many frames, one reference, one labelled file."""

import errno
import pickle
import sys
import warnings
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from pathlib import Path

from ase import Atoms
from tqdm import tqdm

from ase_mag.core import get_moments
from ase_mag.core.durable import is_disk_full
from ase_mag.core.jobs import calculator_identity, frame_digest, run_jobs
from ase_mag.reference.job import PROPERTIES, covers, work
from ase_mag.reference.job_folder import JobFolder
from ase_mag.reference.labelled_file import LabelledFile


@dataclass(frozen=True)
class Failure:
    """A job that failed.

    Attributes
    ----------
    index : int, number of the frame in the list.
    job : str, its key in the folder of the campaign.
    reason : str, the exception.
    attempts : int
    """

    index: int
    job: str
    reason: str
    attempts: int


@dataclass(frozen=True)
class CampaignResult:
    """What a campaign has.

    Attributes
    ----------
    frames : list of ase.Atoms with results in full precision, in the order of the given list and
        without those that failed.
    indices : list of int, which of the given frames they are.
    failures : list of Failure
    computed : int, jobs that this call computed; the others were known.
    path : Path of the labelled file (eight decimals in extended xyz, all digits in a database).
    earlier : int, frames in the file that earlier calls gave and this one did not.
    """

    frames: list
    indices: list
    failures: list
    computed: int
    path: Path
    earlier: int = 0

    def __str__(self):
        lines = [
            f"{len(self.frames)} labelled frames in {self.path}, {self.computed} jobs computed now"
        ]
        if self.earlier:
            lines.append(f"  and {self.earlier} frames of earlier calls in the file, after these")
        lines += [
            f"  frame {f.index} failed {f.attempts} times, last: {f.reason}" for f in self.failures
        ]
        return "\n".join(lines)


def campaign(
    frames,
    reference,
    path,
    executor=None,
    *,
    max_concurrent=None,
    properties=None,
    retry_failed=False,
    keep_files=False,
    keep_earlier=True,
    tag="",
    progress=True,
):
    """Label frames by a reference: energies, forces, stress, moments, magnetic forces.

    Every frame is a job of its own, with a key made of the frame (species, positions, cell,
    periodicity, moments); a folder belongs to one reference. The result of a job is written by the
    process that computed it, whole and flushed to disk, to the folder ``PATH.jobs``, so a campaign
    that is stopped in any way goes on when it is called again: finished jobs are never computed
    twice, also not by two calls at the same time. ``path`` is made of the finished jobs at the
    end, when the call is interrupted, and about once a minute: the given frames in their order, and
    after them all others that the folder has from earlier calls, in the order of their completion.

    Parameters
    ----------
    frames : list of ase.Atoms, with moments as targets. Equal frames are computed once.
    reference : ASE calculator (see :mod:`ase_mag.reference`)
        It is pickled for an executor. Each job gets a directory of its own as
        ``reference.directory``.
    path : path, the labelled extended xyz file (``.extxyz`` or ``.xyz``) or SQLite database of
        ASE (``.db``, :func:`ase_mag.io.write_database`). It holds the moments of the frames as
        ``initial_magmoms``, results under the names of ASE, ``magforces``, and per frame ``job``,
        ``reference``, and ``code`` and ``version`` where a code was run. (All of its provenance
        is in the records.)
    executor : concurrent.futures.Executor, optional
        A process pool, ``dask.distributed.Client(...).get_executor()``,
        ``mpi4py.futures.MPIPoolExecutor()``, an executor of ``executorlib``. All workers must see
        the folder of ``path``.
    max_concurrent : int, optional
        Bound for jobs that are with the executor at a time: licenses, or cores.
    properties : list of str, optional
        Default: energy, free_energy, forces, stress, magmoms, magforces and moment_error, as far
        as the reference has them (stress for cells with three vectors).
    retry_failed : bool, whether jobs that failed before are tried again.
    keep_files : bool, whether run directories of successful jobs stay (failed ones do).
    keep_earlier : bool; False: ``path`` holds the given frames only. The results of others stay in
        the folder, and come back when a later call keeps them or gives their frames.
    tag : str, anything else that decides the numbers but not ``reference.todict()`` (the version
        of a program, a file of weights); another tag is another reference.
    progress : bool, whether to show a bar with the time that is left.

    Returns
    -------
    CampaignResult

    Warns
    -----
    UserWarning
        If jobs have failed. Their reasons are in the result and in the records.

    Raises
    ------
    ValueError
        If ``path`` is of another type or was not written by a campaign, or its folder belongs to
        another reference; for no frames, and properties that the reference does not have.
    TypeError
        If ``reference`` is no calculator, or cannot be pickled for the executor.
    OSError
        If the disk is full. What is finished is kept.
    RuntimeError
        If a worker process died. What is finished is kept.
    """
    path = Path(path)
    frames = [frames] if isinstance(frames, Atoms) else list(frames)
    strict = properties is not None
    properties = _check(frames, reference, path, properties)
    identity = calculator_identity(reference) + (f" {tag}" if tag else "")
    settings = reference.todict() if hasattr(reference, "todict") else {}
    folder = JobFolder(path.with_name(path.name + ".jobs"))
    if path.exists() and not (folder.path / "campaign.json").exists():
        raise ValueError(
            f"{path} exists, but the folder {folder.path} of its campaign does not: use another "
            "path, so that nothing is overwritten"
        )
    keys = [frame_digest(frame)[:32] for frame in frames]
    try:
        folder.create(identity, settings)
        name = getattr(reference, "name", type(reference).__name__)
        output = LabelledFile(path, folder, frames, keys, name, keep_earlier)
        output.records = {key: record for key in set(keys) if (record := folder.read(key))}
        open_keys = {
            key: 0 if (record := output.records.get(key)) is None else record["attempts"]
            for key in keys
            if _is_open(output.records.get(key), properties, retry_failed)
        }
        given = _packed(reference, executor) if open_keys else None
        jobs = {}
        for key, frame in zip(keys, frames, strict=True):
            if key in open_keys:
                plain = frame.copy()
                plain.calc = None
                options = (properties, strict, open_keys[key], keep_files, folder.locks)
                jobs[key] = (folder.path, key, plain, given, *options)
        computed = len(jobs)
        done = run_jobs(work, jobs, executor, max_concurrent)
        total = len(set(keys))
        with tqdm(total=total, initial=total - computed, disable=not progress, unit="job") as bar:
            try:
                for key, record in done:
                    output.records[key] = record
                    bar.update()
                    if record["status"] == "failed":
                        bar.set_postfix(failed=len(output.failed()))
                    output.update()
            finally:
                output.write()
    except _deaths() as error:
        raise RuntimeError(
            f"a worker died ({error}): it was killed, ran out of memory, or crashed inside the "
            f"reference. {output.summary()} are kept in {folder.path}: call campaign again to go on"
        ) from error
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise OSError(
            errno.ENOSPC,
            f"no space left on the disk of {folder.path}. Jobs that are finished are kept there "
            "and stay usable: make room and call campaign again to go on",
        ) from error
    failures = [Failure(*failed) for failed in output.failed()]
    if failures:
        warnings.warn(
            f"{len(failures)} of {len(frames)} frames have no labels, the first because of "
            f"{failures[0].reason} (call campaign with retry_failed=True to try them again)",
            UserWarning,
            stacklevel=2,
        )
    indices, atoms = output.labelled()
    return CampaignResult(atoms, indices, failures, computed, path, output.earlier)


def _deaths():
    """Return the exceptions by which executors say that a worker died."""
    dask = sys.modules.get("distributed")
    return (BrokenExecutor,) if dask is None else (BrokenExecutor, dask.KilledWorker)


def _is_open(record, properties, retry_failed):
    if record is None or not covers(record, properties):
        return True
    return retry_failed and record["status"] == "failed"


def _packed(reference, executor):
    if executor is None:
        return reference
    try:
        return pickle.dumps(reference)
    except Exception as error:
        raise TypeError(
            f"the reference {type(reference).__name__} cannot be sent to the workers of an "
            f"executor, because it cannot be pickled: {error}"
        ) from error


def _check(frames, reference, path, properties):
    if path.suffix not in (".extxyz", ".xyz", ".db"):
        raise ValueError(
            f"campaigns write extended xyz files (.extxyz, .xyz) or databases of ASE (.db), got "
            f"{path.name!r}"
        )
    if not frames:
        raise ValueError("there are no frames to label: give a list of ase.Atoms with moments")
    for k, frame in enumerate(frames):
        if not isinstance(frame, Atoms):
            raise TypeError(f"frame {k} is a {type(frame).__name__}, not an ase.Atoms")
        get_moments(frame)
    if not hasattr(reference, "get_property") or not hasattr(reference, "implemented_properties"):
        raise TypeError(
            f"the reference must be an ASE calculator, got {type(reference).__name__}: e.g. "
            "reference.ConstrainedModel(models.named('FeHL-1'))"
        )
    known = reference.implemented_properties
    if properties is None:
        return tuple(name for name in PROPERTIES if name in known)
    missing = [name for name in properties if name not in known]
    if missing:
        raise ValueError(
            f"the reference {type(reference).__name__} has no {', '.join(missing)}; it has "
            f"{', '.join(known)}"
        )
    return tuple(properties)
