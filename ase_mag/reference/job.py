"""One job of a campaign: a frame, computed by a reference in a directory of its own."""

import pickle
import shutil
import socket
import traceback
from time import perf_counter

import numpy as np
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError, all_properties
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io.jsonio import decode, encode

from ase_mag.core.durable import is_disk_full
from ase_mag.reference.job_folder import JobFolder

#: What a job asks for if the reference has it.
PROPERTIES = (
    "energy",
    "free_energy",
    "forces",
    "stress",
    "magmoms",
    "magforces",
    "moment_error",
    "sphere_magmoms",
)


def work(folder, key, frame, reference, properties, strict, attempts, keep_files, locks):
    """Compute a job unless that has been done, and return its record.

    Parameters
    ----------
    folder : path of the campaign's folder.
    key : str
    frame : ase.Atoms with moments, without a calculator.
    reference : bytes (a pickled calculator) or a calculator
    properties : tuple of names
    strict : bool, whether all properties must be there; else energy and forces.
    attempts : int, how often the job has failed when it was submitted; another failure that
        somebody else recorded since then counts as an answer.
    keep_files : bool, whether the files of a successful run stay in its directory.
    locks : bool, whether the file system has locks.

    Raises
    ------
    OSError
        If the disk is full; whatever else the reference raises becomes a failure in the record.
    """
    jobs = JobFolder(folder)
    jobs.locks = locks
    with jobs.lock(key):
        record = jobs.read(key)
        if record is not None and covers(record, properties):
            if record["status"] == "done" or record["attempts"] > attempts:
                return record
        elif record is not None:
            properties = tuple(dict.fromkeys((*record["results"], *properties)))
        calc = _unpacked(reference) if isinstance(reference, bytes) else reference
        record = _compute(frame, calc, properties, strict, jobs.run_directory(key))
        record["attempts"] = attempts + 1
        if record["status"] == "done":
            record["frame"] = _encoded(frame)
        jobs.write(key, record)
        if record["status"] == "done" and not keep_files:
            shutil.rmtree(jobs.path / "run" / key, ignore_errors=True)
        return jobs.read(key)


def covers(record, properties):
    """Return whether a record answers for these properties; a failure answers for all."""
    return record["status"] == "failed" or set(properties) <= set(record["asked"])


def _unpacked(reference):
    try:
        return pickle.loads(reference)
    except (AttributeError, ImportError) as error:
        raise TypeError(
            f"a worker cannot make the reference from what it was sent ({error}): its class must "
            "be in a module that all workers can import, not in the script that was started"
        ) from error


def _compute(frame, calc, properties, strict, directory):
    has_directory = hasattr(calc, "directory")
    before = getattr(calc, "directory", None)
    start = perf_counter()
    record = {"host": socket.gethostname(), "attempts": 0, "asked": list(properties)}
    try:
        if hasattr(calc, "reset"):
            calc.reset()
        if has_directory:
            calc.directory = str(directory)
        record |= {"status": "done", "results": evaluate(frame, calc, properties, strict)}
        provenance = getattr(calc, "provenance", None)
        if provenance:
            record["provenance"] = dict(provenance)
    except Exception as error:
        if is_disk_full(error):
            raise
        record |= {
            "status": "failed",
            "reason": f"{type(error).__name__}: {error}",
            "traceback": traceback.format_exc(),
            "directory": str(directory),
        }
    finally:
        if has_directory:
            calc.directory = before
    return record | {"seconds": perf_counter() - start}


def evaluate(frame, calc, properties, strict=True):
    """Return {name: value} of the properties of a frame.

    Calculators of ASE name properties that they do not have for every structure; without
    ``strict`` these are left out, but never energy and forces.

    Raises
    ------
    ValueError
        If a value is missing, of a wrong shape or not finite.
    """
    atoms = frame.copy()
    atoms.calc = calc
    n = len(atoms)
    shapes = {"forces": (n, 3), "magforces": (n, 3), "stress": (6,), "moment_error": (n,)}
    results = {}
    for name in properties:
        if name == "stress" and atoms.cell.rank < 3:
            continue
        try:
            value = calc.get_property(name, atoms)
        except PropertyNotImplementedError:
            if strict or name in ("energy", "forces"):
                raise
            continue
        if value is None:
            raise ValueError(f"the reference {type(calc).__name__} gave no {name}")
        value = np.array(value, dtype=float)
        expected = shapes.get(name, value.shape)
        if value.shape != expected:
            raise ValueError(f"{name} has shape {value.shape}, expected {expected}")
        if not np.isfinite(value).all():
            raise ValueError(f"{name} is not finite: {value}")
        results[name] = value if value.ndim else float(value)
    return results


def frame_of(record):
    """Return the frame of a record."""
    return Atoms.fromdict(decode(record["frame"]))


def _encoded(frame):
    """Return a frame as JSON text in full precision, without info that JSON cannot hold."""
    plain = frame.copy()
    for name, value in frame.info.items():
        try:
            encode({name: value})
        except TypeError:
            del plain.info[name]
    return encode(plain.todict())


def labelled(frame, key, record, name):
    """Return a copy of a frame with the results of its record.

    What ASE has no property for goes to ``arrays`` and ``info``.
    """
    atoms = frame.copy()
    results = dict(record["results"])
    extra = {k: results.pop(k) for k in list(results) if k not in all_properties}
    for k, value in extra.items():
        if np.shape(value)[:1] == (len(atoms),):
            atoms.arrays[k] = np.array(value)
        else:
            atoms.info[k] = value
    atoms.info |= {"job": key, "reference": name}
    provenance = record.get("provenance", {})
    atoms.info |= {k: provenance[k] for k in ("code", "version") if k in provenance}
    atoms.calc = SinglePointCalculator(atoms, **results)
    atoms.calc.name = name
    return atoms
