"""What a run would do and cost, measured on some of its steps."""

import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from ase import units

from ase_mag.cli import origin

#: Seconds that the steps are measured for.
MEASURED = 1.0


@dataclass(frozen=True)
class Estimate:
    """The cost of a run; ``str`` shows it.

    Attributes
    ----------
    what : str, what would be done.
    steps, measured : int, of the run and of the measurement.
    frames : int, in the trajectory.
    step_seconds, frame_seconds : float, of one step, and what a frame and a log line add.
    sizes : dict Path -> bytes.
    memory : bytes, the largest so far, of all processes together.
    """

    what: str
    steps: int
    measured: int
    frames: int
    step_seconds: float
    frame_seconds: float
    sizes: dict
    memory: int

    @property
    def seconds(self):
        """Wall time of the whole run."""
        return self.steps * self.step_seconds + self.frames * self.frame_seconds

    def __str__(self):
        files = [f"  {path}  {_bytes(size)}" for path, size in self.sizes.items()]
        return "\n".join(
            [
                self.what,
                f"estimate, measured on {self.measured} steps: {duration(self.seconds)} "
                f"({1e3 * self.step_seconds:.3g} ms per step, {1e3 * self.frame_seconds:.3g} ms "
                f"per frame), {_bytes(self.memory)} of memory",
                f"files ({self.frames} frame{'s' * (self.frames != 1)}):",
                *files,
                "nothing was run or written",
            ]
        )


def estimate(setup, files, interval, processes):
    """Measure some steps of a run in a temporary folder; returns :class:`Estimate`.

    Parameters
    ----------
    setup : Setup
    files : dict 'trajectory', 'log', 'checkpoint' -> Path, where the run would write.
    interval : int, steps between two frames.
    processes : Processes, which all call it.
    """
    with setup.make(progress=False) as dynamics:
        dynamics.run(1)
        steps, measured, seconds = setup.section.steps, 0, 0.0
        batch = 1
        while seconds < MEASURED and measured < steps:
            start = perf_counter()
            dynamics.run(batch)
            seconds = processes.same(seconds + perf_counter() - start)
            measured += batch
            batch = max(1, min(2 * batch, steps - measured))
        what = _what(setup, dynamics, processes)
    del dynamics  # its pairs need not be in memory beside those of the next one
    step_seconds = seconds / measured
    frames = steps // interval + 1
    frame_seconds, sizes = _outputs(setup, files, frames, step_seconds, processes)
    return Estimate(
        what,
        steps,
        measured,
        frames,
        step_seconds,
        frame_seconds,
        sizes,
        processes.total(memory()),
    )


def _outputs(setup, files, frames, step_seconds, processes):
    """Return the seconds of a frame, and the sizes of all files of the run (first process)."""
    with TemporaryDirectory() as folder:
        folder = processes.same(folder)
        paths = {name: Path(folder, path.name) for name, path in files.items()}
        options = {
            "trajectory": paths["trajectory"],
            "logfile": str(paths["log"]),
            "checkpoint": paths["checkpoint"],
            "origin": origin.describe(setup.job),
            "loginterval": 1,
            "progress": False,
        }
        with setup.make(**options) as dynamics:
            dynamics.run(1)
            before = {name: path.stat().st_size for name, path in paths.items() if path.exists()}
            start = perf_counter()
            dynamics.run(4)
            seconds = max(0.0, (perf_counter() - start) / 4 - step_seconds)
            dynamics.checkpoint.write()
            if not processes.first:
                return seconds, {}
            sizes = {files["checkpoint"]: paths["checkpoint"].stat().st_size}
            for name in ("trajectory", "log"):
                each = (paths[name].stat().st_size - before[name]) / 4
                sizes[files[name]] = round(before[name] + (frames - 2) * each)
    return seconds, {path: sizes[path] for path in files.values()}


def _what(setup, dynamics, processes):
    atoms, section = dynamics.atoms, setup.section
    temperature = section.temperature_K
    return (
        f"{type(dynamics).__name__}: {len(atoms)} atoms ({atoms.symbols}), "
        + (f"{processes.size} processes, " if processes.size > 1 else "")
        + ("constant energy" if temperature is None else f"{temperature:g} K")
        + f", {section.steps} steps of {section.timestep_fs:g} fs = "
        f"{section.steps * dynamics.dt / (1000 * units.fs):g} ps\nmodel: {setup.model!r}"
    )


def memory():
    """Return the largest memory that this process has used so far, bytes."""
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else 1024 * largest


def duration(seconds):
    """Return a time to read: seconds, minutes, hours or days."""
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"


def _bytes(count):
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"
