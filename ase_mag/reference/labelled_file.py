"""The file that a campaign makes of its finished jobs."""

from time import monotonic

from ase.io import write

from ase_mag.core.durable import replacing
from ase_mag.io import write_database
from ase_mag.reference.job import frame_of, labelled

#: Seconds between two updates while jobs are running.
_INTERVAL = 60.0


class LabelledFile:
    """The labelled frames of a campaign: those given now, and those of earlier calls.

    Parameters
    ----------
    path : Path of the extended xyz file or database (``.db``).
    folder : JobFolder
    frames : list of ase.Atoms; keys : list of str, their jobs.
    name : str, of the reference.
    keep_earlier : bool, whether finished jobs of other frames are written too.

    Attributes
    ----------
    records : dict of records of the given frames by key, filled by the campaign.
    earlier : int, frames of other jobs in the file.
    """

    def __init__(self, path, folder, frames, keys, name, keep_earlier):
        self.path, self.folder, self.name = path, folder, name
        self.frames, self.keys = frames, keys
        self.records = {}
        self._others = {} if keep_earlier else None
        self._next = monotonic() + _INTERVAL

    earlier = property(lambda self: len(self._others or ()))

    def labelled(self):
        """Return (indices, frames) of the given frames that are done."""
        found = [
            (k, labelled(frame, key, self.records[key], self.name))
            for k, (frame, key) in enumerate(zip(self.frames, self.keys, strict=True))
            if key in self.records and self.records[key]["status"] == "done"
        ]
        return [k for k, _ in found], [atoms for _, atoms in found]

    def failed(self):
        """Return (index, key, reason, attempts) of the given frames that have failed."""
        return [
            (k, key, self.records[key]["reason"], self.records[key]["attempts"])
            for k, key in enumerate(self.keys)
            if key in self.records and self.records[key]["status"] == "failed"
        ]

    def summary(self):
        done = sum(record["status"] == "done" for record in self.records.values())
        return f"{done} of {len(set(self.keys))} results"

    def update(self):
        """Write the file if that was long ago, measured by what it costs."""
        start = monotonic()
        if start > self._next:
            self.write()
            end = monotonic()
            self._next = end + max(_INTERVAL, 20 * (end - start))

    def write(self):
        _, atoms = self.labelled()
        if self._others is not None:
            self._find_others()
            atoms += self._others.values()
        if atoms:
            with replacing(self.path, self.folder.path) as temporary:
                if self.path.suffix == ".db":
                    write_database(temporary, atoms)
                else:
                    write(temporary, atoms, format="extxyz")

    def _find_others(self):
        """Look for finished jobs of frames that were not given, also of calls at the same time."""
        given = set(self.keys)
        for key in self.folder.finished():
            if key in given or key in self._others:
                continue
            record = self.folder.read(key)
            if record is not None and record["status"] == "done":
                self._others[key] = labelled(frame_of(record), key, record, self.name)
