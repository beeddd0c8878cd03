"""The memory of an active-learning loop: a folder that survives whatever stops the program."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ase.io import Trajectory, read

from ase_mag.core import storage
from ase_mag.core.durable import replacing
from ase_mag.core.jobs import frame_digest
from ase_mag.fitting.checkpoint import data_digest
from ase_mag.fitting.trainable import TrainableParts
from ase_mag.io import read_database


@dataclass(frozen=True)
class Visit:
    """One round of active learning: a run until it extrapolates, and what was learned.

    Attributes
    ----------
    round : int
    steps : int, steps of dynamics in this round that count: up to the frame from which the next
        round starts.
    uncertainty : float, largest of any atom that was looked at.
    stopped : bool, whether the run was stopped because of it.
    candidates : int, frames that were uncertain. labelled : int, frames that were chosen and that
        the reference has labelled. failed : int, those that it could not.
    frames : int, training frames after this round.
    error_before : dict, root mean square errors of the labelled frames before the fit, by label.
    seconds : float
    """

    round: int
    steps: int
    uncertainty: float
    stopped: bool
    candidates: int
    labelled: int
    failed: int
    frames: int
    error_before: dict
    seconds: float


@dataclass
class Found:
    """What one run of the dynamics came upon.

    Attributes
    ----------
    steps : int, up to ``last``. uncertainty : float. stopped : bool. candidates : int.
    chosen : list of ase.Atoms to be labelled. last : ase.Atoms, the last frame below ``stop``.
    """

    steps: int
    uncertainty: float
    stopped: bool
    candidates: int
    chosen: list
    last: object


class LoopFolder:
    """Files of one loop; every file is whole or absent.

    ``loop.json``: the rounds that are complete. ``potential_NNN.npz``: the potential that round NNN
    runs with. ``start_NNN.traj``: where it starts. ``found_NNN.traj`` and ``.json``: what it came
    upon. ``labels_NNN.db``: its labels, a campaign with the folder ``labels_NNN.db.jobs``.

    Parameters
    ----------
    path : path
    start : ase.Atoms; data : Dataset, what is known at the beginning; they identify the loop.

    Raises
    ------
    ValueError
        If the folder belongs to a loop with another start or other data.
    """

    def __init__(self, path, start, data):
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self._identity = {"start": frame_digest(start), "data": data_digest(data)}
        known = self._json("loop.json")
        if known is None:
            self._write_frames("start_000.traj", [start])
            self._write_json("loop.json", self._identity | {"visits": []})
            return
        for name, what in (("start", "starts from other atoms"), ("data", "began with other data")):
            if known[name] != self._identity[name]:
                raise ValueError(f"{self.path} belongs to a loop that {what}: give another folder")

    def visits(self):
        """Return the complete rounds, a list of Visit."""
        return [Visit(**entry) for entry in self._json("loop.json")["visits"]]

    def add(self, visits, last):
        """Keep the list of rounds, and where the next one starts."""
        self._write_frames(f"start_{len(visits):03d}.traj", [last])
        entries = [asdict(visit) for visit in visits]
        self._write_json("loop.json", self._identity | {"visits": entries})

    def start(self, number):
        """Return the atoms that a round starts from."""
        return read(self.path / f"start_{number:03d}.traj")

    def restore(self, potential, number):
        """Give the potential the parameters for a round; False if there are none.

        Raises
        ------
        ValueError
            If the loop was begun with a potential of another form.
        """
        path = self.path / f"potential_{number:03d}.npz"
        if not path.exists():
            return False
        known, metadata = storage.load(path)
        parts, found = TrainableParts(potential), TrainableParts(known).structure()
        if parts.structure() != found:
            raise ValueError(
                f"{self.path} belongs to a loop with another potential, {found}, and this one is "
                f"{parts.structure()}: give the same potential, or another folder"
            )
        parts.parameters = metadata["parameters"]
        return True

    def keep(self, potential, number):
        """Keep the potential that a round runs with."""
        parameters = TrainableParts(potential).parameters
        with replacing(self.path / f"potential_{number:03d}.npz") as temporary:
            storage.save(potential, temporary, parameters=parameters)

    def labels(self, number):
        """Return the path of the labels of a round."""
        return self.path / f"labels_{number:03d}.db"

    def labelled(self, number):
        """Return the labelled frames of a round."""
        path = self.labels(number)
        return read_database(path) if path.exists() else []

    def found(self, number):
        """Return what a round came upon, or None."""
        known = self._json(f"found_{number:03d}.json")
        if known is None:
            return None
        with Trajectory(self.path / f"found_{number:03d}.traj") as frames:
            *chosen, last = list(frames)
        return Found(chosen=chosen, last=last, **known)

    def keep_found(self, number, found):
        """Keep what a round came upon: from then on it is not run again."""
        self._write_frames(f"found_{number:03d}.traj", [*found.chosen, found.last])
        known = {
            name: getattr(found, name) for name in ("steps", "uncertainty", "stopped", "candidates")
        }
        self._write_json(f"found_{number:03d}.json", known)

    def _json(self, name):
        path = self.path / name
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def _write_json(self, name, content):
        with replacing(self.path / name) as temporary:
            temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")

    def _write_frames(self, name, frames):
        with replacing(self.path / name) as temporary, Trajectory(temporary, "w") as trajectory:
            for frame in frames:
                trajectory.write(frame)
