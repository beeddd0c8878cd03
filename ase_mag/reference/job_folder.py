"""The memory of a campaign: one folder with a record for every finished job."""

import errno
import fcntl
import json
import os
import shutil
import threading
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from ase_mag.core.durable import replacing

FORMAT = 1
_FOLDERS = ("records", "locks", "run")
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP}
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


class JobFolder:
    """Records, locks and run directories of the jobs of one campaign.

    ``campaign.json`` names the reference; ``records/KEY.json`` is the result of a job, or why it
    failed, written at once and whole; ``run/KEY`` is where the program of the reference runs;
    ``locks/KEY`` is locked while somebody computes the job, and free when that process dies.

    Parameters
    ----------
    path : path, on a file system that all workers see.
    """

    def __init__(self, path):
        self.path = Path(path).resolve()
        self.locks = True

    def create(self, identity, settings):
        """Make the folder, or check that it belongs to the same reference.

        Parameters
        ----------
        identity : str, see :func:`ase_mag.core.jobs.calculator_identity`.
        settings : str, shown when another reference comes along.

        Raises
        ------
        ValueError
            If the folder is that of another reference or not one of a campaign.
        """
        manifest = self.path / "campaign.json"
        strange = {p.name for p in self.path.glob("*")} - {*_FOLDERS, manifest.name}
        if not manifest.exists() and not all(name.endswith(".part") for name in strange):
            raise ValueError(
                f"{self.path} is not empty and not the folder of a campaign: use another path"
            )
        for name in _FOLDERS:
            (self.path / name).mkdir(parents=True, exist_ok=True)
        content = {"format": FORMAT, "reference": identity, "settings": str(settings)}
        with suppress(FileExistsError):  # by a campaign that started before, or now
            _write_new_json(manifest, content)
        known = _read_json(manifest)
        if known.get("reference") != identity:
            raise ValueError(
                f"{self.path} holds results of the reference {known.get('reference')} with "
                f"{known.get('settings')}, not of {identity} with {settings}: use another "
                "path, or remove that folder to start again"
            )
        self.locks = self._probe_locks()

    def _probe_locks(self):
        try:
            with self.lock("probe"):
                return True
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            warnings.warn(
                f"the file system of {self.path} has no locks ({error.strerror}): two campaigns "
                "that run there at the same time may compute a job twice",
                UserWarning,
                stacklevel=4,
            )
            return False

    @contextmanager
    def lock(self, key):
        """Wait until nobody else works at a job, and keep others away."""
        if not self.locks:
            yield
            return
        number = os.open(self.path / "locks" / key, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(number, fcntl.LOCK_EX)
            yield
        finally:
            os.close(number)

    def read(self, key):
        """Return the record of a job, a dict with "status" "done" or "failed", or None."""
        path = self.path / "records" / f"{key}.json"
        if not path.exists():
            return None
        record = _read_json(path)
        if "results" in record:
            record["results"] = {
                name: np.array(value, dtype=float) if isinstance(value, list) else value
                for name, value in record["results"].items()
            }
        return record

    def finished(self):
        """Return the keys of all records, in the order in which they were written."""
        times = []
        for path in (self.path / "records").glob("*.json"):
            with suppress(FileNotFoundError):  # removed in the meantime
                times.append((path.stat().st_mtime_ns, path.stem))
        return [key for _, key in sorted(times)]

    def write(self, key, record):
        """Keep the record of a job: whole or not at all."""
        if "results" in record:
            results = {
                name: value.tolist() if isinstance(value, np.ndarray | np.generic) else value
                for name, value in record["results"].items()
            }
            record = {**record, "results": results}
        _write_json(self.path / "records" / f"{key}.json", {"format": FORMAT, "job": key, **record})

    def run_directory(self, key):
        """Return an empty directory for the program of the reference."""
        path = self.path / "run" / key
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        return path

    def __repr__(self):
        return f"JobFolder({str(self.path)!r})"


def _write_json(path, content):
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _write_new_json(path, content):
    """Write a file that is not there yet; of several processes the first one wins."""
    if path.exists():
        raise FileExistsError(errno.EEXIST, "exists", str(path))
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    _write_json(temporary, content)
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _read_json(path):
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is damaged ({error!r}): remove this file, and the job is computed again"
        ) from error
    if version > FORMAT:
        raise ValueError(
            f"{path} has format {version}, but this version of ase_mag reads up to {FORMAT}: "
            "install a newer one"
        )
    return content
