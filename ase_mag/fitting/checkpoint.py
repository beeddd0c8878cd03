"""What an interrupted fit needs to go on: one npz file, replaced as a whole."""

import hashlib
import json
from pathlib import Path

import numpy as np

from ase_mag.core.durable import replacing
from ase_mag.core.jobs import frame_digest
from ase_mag.core.storage import reason
from ase_mag.fitting.identity import differences

FORMAT = 1


class FitCheckpoint:
    """Writes and reads the state of a fit.

    Parameters
    ----------
    path : path
    identity : dict, JSON-able, what must be the same when the fit goes on.
    """

    def __init__(self, path, identity):
        self.path = Path(path)
        self.identity = json.loads(json.dumps(identity))

    def __fspath__(self):
        return str(self.path)

    @classmethod
    def of(cls, place, identity):
        """Return the checkpoint at a path, or one with more of an identity.

        Parameters
        ----------
        place : path or FitCheckpoint, whose identity counts besides.
        """
        if isinstance(place, cls):
            return cls(place.path, place.identity | identity)
        return cls(place, identity)

    def write(self, numbers, arrays):
        """Replace the file by these numbers (JSON-able) and arrays."""
        header = {"format": FORMAT, "identity": self.identity, "numbers": numbers}
        text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
        with replacing(self.path) as temporary, temporary.open("wb") as file:
            np.savez(file, header=text, **arrays)

    def read(self):
        """Return (numbers, arrays).

        Raises
        ------
        ValueError
            If the file is damaged, newer, or of another fit.
        """
        try:
            with self.path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                arrays = {key: file[key] for key in file.files}
            header = json.loads(arrays.pop("header").tobytes())
            version, identity, numbers = (header[k] for k in ("format", "identity", "numbers"))
        except Exception as error:
            raise ValueError(
                f"{self.path} is not the checkpoint of a fit, or it is damaged"
                f"{reason(self.path, error)}; delete it to start anew"
            ) from error
        if version > FORMAT:
            raise ValueError(
                f"{self.path} has format {version}, but this version of ase_mag reads up to "
                f"{FORMAT}: install a newer one"
            )
        changed = differences(identity, self.identity)
        if changed:
            raise ValueError(
                f"{self.path} is the checkpoint of another fit: {changed}. Go on with the same "
                "data, potential and settings, or delete the file to start anew"
            )
        return numbers, arrays


def data_digest(data):
    """Return a digest of the frames, labels and weights of a Dataset."""
    total = hashlib.sha256()
    for frame in data:
        total.update(frame_digest(frame.atoms).encode())
        total.update(json.dumps([frame.weight, sorted(frame.weights.items())]).encode())
        for name in sorted(frame.labels):
            total.update(name.encode())
            total.update(np.ascontiguousarray(frame.labels[name]).tobytes())
    return total.hexdigest()[:16]
