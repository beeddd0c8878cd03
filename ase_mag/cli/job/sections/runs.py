"""Dynamics and its outputs."""

from dataclasses import dataclass

from ase import units

from ase_mag.cli.job.keys import (
    FLAG,
    INTEGER,
    NUMBER,
    PATH,
    TEXT,
    VECTOR,
    key,
)


@dataclass(frozen=True)
class Dynamics:
    """What moves, how, and for how long. Keys without value have the default of the class."""

    kind: str = key(
        TEXT,
        "moments at fixed positions; moments and atoms; atoms, moments and learned moment sizes",
        allowed=("spin", "spin-lattice", "asd-aimd"),
    )
    timestep_fs: float = key(
        NUMBER, "time step", unit="fs", above=0, argument="timestep", factor=units.fs
    )
    steps: int = key(INTEGER, "number of steps of the whole run", least=1)
    temperature_K: float | None = key(
        NUMBER,
        "temperature of the baths; without: constant energy",
        unit="K",
        least=0,
        default=None,
    )
    spin_temperature_K: float | None = key(
        NUMBER, "another temperature for the bath of the moments", unit="K", least=0, default=None
    )
    damping: float | None = key(
        NUMBER, "Gilbert damping of the moments (no unit)", least=0, default=None
    )
    friction_per_fs: float | None = key(
        NUMBER,
        "friction of the bath of the atoms",
        unit="1/fs",
        least=0,
        default=None,
        argument="friction",
        factor=1 / units.fs,
    )
    longitudinal: bool | str | None = key(
        FLAG | TEXT,
        'whether moments change their sizes; "inertial": with inertia (spin-lattice)',
        allowed=(True, False, "inertial"),
        default=None,
    )
    longitudinal_rate: float | None = key(
        NUMBER,
        "rate Gamma of the longitudinal bath",
        unit="mu_B^2/(eV fs)",
        above=0,
        default=None,
        factor=1 / units.fs,
    )
    inertia: float | None = key(
        NUMBER,
        "inertia of inertial sizes",
        unit="eV fs^2/mu_B^2",
        above=0,
        default=None,
        factor=units.fs**2,
    )
    longitudinal_friction_per_fs: float | None = key(
        NUMBER,
        "friction of inertial sizes",
        unit="1/fs",
        least=0,
        default=None,
        argument="longitudinal_friction",
        factor=1 / units.fs,
    )
    field_T: list | None = key(
        VECTOR, "external field", unit="tesla", default=None, argument="field"
    )
    method: str | None = key(
        TEXT,
        "integrator of the moments",
        allowed=("midpoint", "implicit", "depondt", "heun", "sequential"),
        default=None,
    )
    spin_timestep_fs: float | None = key(
        NUMBER,
        "longest step of the moments within a step of the atoms",
        unit="fs",
        above=0,
        default=None,
        argument="spin_timestep",
        factor=units.fs,
    )
    pressure_GPa: float | None = key(
        NUMBER,
        "pressure, which lets the cell move; without: fixed cell",
        unit="GPa",
        default=None,
        argument="pressure",
        factor=units.GPa,
    )
    pressure_time_fs: float | None = key(
        NUMBER,
        "relaxation time of the barostat",
        unit="fs",
        above=0,
        default=None,
        argument="pressure_time",
        factor=units.fs,
    )
    compressibility_per_GPa: float | None = key(
        NUMBER,
        "rough compressibility of the crystal, for the barostat",
        unit="1/GPa",
        above=0,
        default=None,
        argument="compressibility",
        factor=1 / units.GPa,
    )
    full_cell: bool | None = key(
        FLAG, "whether all components of the cell move, not only the volume", default=None
    )
    predictor: str | None = key(
        PATH, "predictor of moment sizes, written by LsfPredictor.save", default=None
    )
    measure: int | None = key(
        INTEGER,
        "power of m in the phase-space measure of moment sizes",
        allowed=(0, 1, 2),
        default=None,
    )
    sizes: str | None = key(
        TEXT,
        "moment sizes: thermal means, drawn from their distribution, or relaxed",
        allowed=("mean", "sampled", "relaxed"),
        default=None,
    )
    size_time_fs: float | None = key(
        NUMBER,
        "correlation time of sampled sizes",
        unit="fs",
        least=0,
        default=None,
        argument="size_time",
        factor=units.fs,
    )


@dataclass(frozen=True)
class Output:
    """Where a run writes. Names are relative to the folder of the job file."""

    trajectory: str | None = key(
        PATH, "frames, a .traj file; default: job.traj of job.toml", default=None
    )
    log: str | None = key(PATH, "lines of text; default: job.log", default=None)
    checkpoint: str | None = key(
        PATH, "complete state, for --resume; default: job.checkpoint.npz", default=None
    )
    report: bool | str = key(
        FLAG | PATH,
        "page (HTML) of averages and figures, made at the end; true: job.html",
        default=False,
    )
    interval: int = key(INTEGER, "steps between two frames and log lines", least=1, default=100)
    checkpoint_interval: int = key(INTEGER, "steps between two checkpoints", least=1, default=1000)
