"""Checkpoints: a run that was killed goes on exactly."""

import json
import os
import signal
import threading
from pathlib import Path
from pickle import PicklingError

import joblib
import numpy as np
from ase.io.trajectory import Trajectory, TrajectoryWriter
from ase.parallel import world

from ase_mag.core import storage

FORMAT = 1
_ARRAYS = ("positions", "momenta", "moments", "cell")


class Checkpoint:
    """Writes and reads the complete state of a dynamics object (npz, never pickle).

    The file holds positions, momenta, moments and cell, the step, the seed and the counters of
    all noise streams, what baths and barostat have accumulated, and where neighbor pairs were
    searched last, so that the resumed run equals the uninterrupted one bit for bit (same
    program, kernels and settings). It is replaced atomically.

    Parameters
    ----------
    path : str or Path
    dynamics : MagneticDynamics
    """

    def __init__(self, path, dynamics):
        self.path = Path(path)
        self.dynamics = dynamics
        self._sources = {
            name: _fingerprint(source) for name, source in dynamics.energy_sources().items()
        }

    def write(self):
        """Write the checkpoint of the present step."""
        dyn = self.dynamics
        arrays = {name: getattr(dyn.state, name) for name in _ARRAYS}
        arrays |= {name: getattr(dyn.state, name) for name in ("numbers", "pbc", "masses")}
        parts = {}
        for name, part in dyn.parts().items():
            parts[name] = {}
            for key, value in part.get_state().items():
                if isinstance(value, np.ndarray):
                    arrays[f"{name}/{key}"] = value
                else:
                    parts[name][key] = value
        header = {
            "format": FORMAT,
            "class": dyn.todict()["md-type"],
            "settings": dyn.todict(),
            "sources": self._sources,
            "nsteps": dyn.nsteps,
            "parts": parts,
        }
        text = np.frombuffer(_json(header).encode(), dtype=np.uint8)
        temporary = self.path.with_name(self.path.name + ".part")
        with temporary.open("wb") as file:
            np.savez(file, header=text, **arrays)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)

    def read(self):
        """Put the checkpoint into the dynamics object.

        Raises
        ------
        ValueError
            If the file is damaged, was written by a newer version, or belongs to another system,
            another kind of dynamics or other settings.
        """
        dyn = self.dynamics
        try:
            with self.path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                arrays = {key: file[key] for key in file.files}
            header = json.loads(arrays.pop("header").tobytes())
            version = header["format"]
        except Exception as error:
            raise ValueError(
                f"{self.path} is not a checkpoint, or it is damaged ({error}): delete it to start "
                "anew"
            ) from error
        if version > FORMAT:
            raise ValueError(
                f"{self.path} has format {version}, but this version of ase_mag reads up to "
                f"{FORMAT}: install a newer one"
            )
        self._check_shapes(arrays)
        self._check(header, arrays)
        for name in _ARRAYS:
            check_numbers(self.path, name, arrays[name])
            getattr(dyn.state, name)[:] = arrays[name]
        dyn.state.geometry_changed()
        dyn.state.moments_changed()
        dyn.nsteps = header["nsteps"]
        for name, part in dyn.parts().items():
            state = dict(header["parts"].get(name, {}))
            prefix = name + "/"
            state |= {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}
            part.set_state(state)

    def _check_shapes(self, arrays):
        n_atoms = len(arrays.get("numbers", ()))
        vectors = dict.fromkeys(("positions", "momenta", "moments"), (n_atoms, 3))
        expected = {"numbers": (n_atoms,), "pbc": (3,), "cell": (3, 3), **vectors}
        for name, shape in expected.items():
            found = np.shape(arrays[name]) if name in arrays else "missing"
            if found != shape:
                raise ValueError(
                    f"{self.path} is damaged: its {name} should have shape {shape}, found "
                    f"{found}; delete it to start anew"
                )

    def _check(self, header, arrays):
        dyn = self.dynamics
        kind = dyn.todict()["md-type"]
        if header["class"] != kind:
            raise ValueError(f"{self.path} is a checkpoint of {header['class']}, not of {kind}")
        if not (
            np.array_equal(arrays["numbers"], dyn.state.numbers)
            and np.array_equal(arrays["pbc"], dyn.state.pbc)
        ):
            raise ValueError(
                f"{self.path} is a checkpoint of another system ({len(arrays['numbers'])} atoms): "
                "species, their order or pbc differ from those of atoms"
            )
        masses = arrays.get("masses", dyn.state.masses)
        if not np.array_equal(masses, dyn.state.masses):
            first = int(np.argmax(masses != dyn.state.masses))
            raise ValueError(
                f"{self.path} is a checkpoint of a run with other masses (atom {first}: "
                f"{masses[first]:g} -> {dyn.state.masses[first]:g} amu): restart with the same "
                "ones (atoms.set_masses)"
            )
        for name, source in header.get("sources", {}).items():
            if source != self._sources.get(name):
                raise ValueError(
                    f"{self.path} was written with another {name}: restart with the same one, or "
                    "delete the file to start anew"
                )
        theirs, ours = header["settings"], json.loads(_json(dyn.todict()))
        changed = [key for key in ours if ours[key] != theirs.get(key)]
        if changed:
            listed = ", ".join(f"{key} {theirs.get(key)!r} -> {ours[key]!r}" for key in changed)
            raise ValueError(
                f"{self.path} was written with other settings ({listed}): restart with the same "
                "ones (give an integer rng), or delete it to start anew"
            )


def check_folder(path):
    """Raise FileNotFoundError if the folder of a checkpoint does not exist."""
    folder = Path(path).parent
    if not folder.is_dir():
        raise FileNotFoundError(
            f"the folder {str(folder)!r} of the checkpoint {str(path)!r} does not exist: make it "
            "first"
        )


def check_numbers(path, name, array):
    """Raise ValueError if an array of a checkpoint has values that are not finite."""
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        raise ValueError(
            f"{path} is damaged: its {name} contain NaN or infinity (first bad row: "
            f"{int(bad[0, 0])}); delete it to start anew"
        )


def _json(value):
    """Return a text of JSON; numbers of numpy are ordinary ones there."""
    return json.dumps(value, default=lambda number: number.item())


def _fingerprint(source):
    """Return a digest of a model or predictor; its class where it cannot be saved or hashed."""
    if source is None:
        return None
    try:
        return storage.digest(source)
    except TypeError:
        pass
    try:
        return joblib.hash(source)
    except PicklingError:
        return type(source).__qualname__


def shorten_trajectory(path, n_frames, comm=world):
    """Keep the first ``n_frames`` frames of a trajectory file (those up to the checkpoint).

    The first process of ``comm`` (of ASE) writes.
    """
    path = Path(path)
    if not path.exists():
        return
    with Trajectory(path) as old:
        if len(old) <= n_frames:
            return
        temporary = path.with_name(path.name + ".part")
        with TrajectoryWriter(temporary, comm=comm) as new:
            new.set_description(old.description)
            for index in range(n_frames):
                new.write(old[index])
    temporary.replace(path)


def shorten_log(path, n_lines):
    """Keep the first ``n_lines`` lines of a text file."""
    path = Path(path)
    if not path.exists():
        return
    lines = path.read_text().splitlines(keepends=True)
    if len(lines) > n_lines:
        temporary = path.with_name(path.name + ".part")
        temporary.write_text("".join(lines[:n_lines]))
        temporary.replace(path)


class Termination:
    """Notes SIGTERM, so that a run can end at its next step with a checkpoint.

    A context manager; outside of the main thread it does nothing. ``requested`` tells whether the
    signal has come.
    """

    def __init__(self):
        self.requested = False

    def __enter__(self):
        self._main = threading.current_thread() is threading.main_thread()
        if self._main:
            self._before = signal.signal(signal.SIGTERM, self._note)
        return self

    def _note(self, number, frame):
        self.requested = True

    def __exit__(self, *_):
        if self._main:
            signal.signal(signal.SIGTERM, self._before)
