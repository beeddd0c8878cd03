"""The sections of a job file and their keys."""

from dataclasses import dataclass

from ase import units

from ase_mag.cli.job.keys import (
    FLAG,
    INTEGER,
    INTEGERS,
    NUMBER,
    NUMBERS,
    PATH,
    PATHS,
    REPEATS,
    TEXT,
    TEXTS,
    VECTOR,
    VECTORS,
    WINDOW,
    key,
)


@dataclass(frozen=True)
class Structure:
    """The atoms and their moments: of a file, an UppASD folder, or a crystal."""

    file: str | None = key(PATH, "any file that ASE reads", default=None)
    index: int = key(INTEGER, "which frame of the file; -1 is the last", default=-1)
    uppasd: str | None = key(PATH, "input folder of UppASD, with its moments", default=None)
    species: list | None = key(
        TEXTS, "symbols of the atom types of the UppASD folder", default=None
    )
    alat_angstrom: float | None = key(
        NUMBER,
        "unit of length of the UppASD folder; default: that of the folder",
        unit="angstrom",
        above=0,
        default=None,
        argument="alat",
    )
    bulk: str | None = key(TEXT, "crystal by its chemical formula", default=None, argument="name")
    crystal: str | None = key(
        TEXT,
        "its structure (bcc, fcc, hcp, rocksalt, ...); default: that of the element",
        default=None,
        argument="crystalstructure",
    )
    a_angstrom: float | None = key(
        NUMBER,
        "lattice constant; default: that of the element",
        unit="angstrom",
        above=0,
        default=None,
        argument="a",
    )
    c_angstrom: float | None = key(
        NUMBER,
        "second lattice constant (hcp, ...)",
        unit="angstrom",
        above=0,
        default=None,
        argument="c",
    )
    cubic: bool = key(FLAG, "whether the crystal has its cubic cell", default=True)
    repeat: int | list = key(
        INTEGER | REPEATS, "repeats of the cell along its three vectors", least=1, default=1
    )
    moments: float | list | None = key(
        NUMBER | NUMBERS | VECTORS,
        "moments of the cell before it is repeated: one number (all atoms, along z), one number or "
        "three for each atom; default: those of the file, or of ASE for the element",
        unit="mu_B",
        default=None,
    )
    random_directions: bool = key(
        FLAG, "turn all moments in random directions (needs seed)", default=False
    )
    displacement_angstrom: float = key(
        NUMBER,
        "standard deviation of random displacements along x, y and z (needs seed)",
        unit="angstrom",
        least=0,
        default=0.0,
    )
    momenta_K: float | None = key(
        NUMBER,
        "temperature of random momenta (needs seed); atoms on ideal sites keep half of it; "
        "default: the momenta of the file, or zero",
        unit="K",
        least=0,
        default=None,
    )


@dataclass(frozen=True)
class Model:
    """The energy: the sum of everything that is named here."""

    name: str | list | None = key(
        TEXT | TEXTS, "parameter sets (ase_mag.models.named() lists them)", default=None
    )
    file: str | list | None = key(PATH | PATHS, "models that model.save(path) wrote", default=None)
    uppasd: str | None = key(PATH, "input folder of UppASD, its Hamiltonian", default=None)
    species: list | None = key(
        TEXTS, "symbols of the atom types of the UppASD folder", default=None
    )
    alat_angstrom: float | None = key(
        NUMBER,
        "unit of length of the UppASD folder; default: that of the folder",
        unit="angstrom",
        above=0,
        default=None,
        argument="alat",
    )


@dataclass(frozen=True)
class Exchange(Model):
    """The exchange model of the moments in asd-aimd, as [model]; [model] gives the forces."""


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

    trajectory: str | None = key(PATH, "frames; default: job.traj of job.toml", default=None)
    log: str | None = key(PATH, "lines of text; default: job.log", default=None)
    checkpoint: str | None = key(
        PATH, "complete state, for --resume; default: job.checkpoint.npz", default=None
    )
    interval: int = key(INTEGER, "steps between two frames and log lines", least=1, default=100)
    checkpoint_interval: int = key(INTEGER, "steps between two checkpoints", least=1, default=1000)


@dataclass(frozen=True)
class Curie:
    """The search for a Curie (or Neel) temperature by Binder cumulants, for ase-mag curie."""

    sizes: list = key(INTEGERS, "repeats of the cell of the systems that are compared", least=2)
    temperatures_K: list = key(
        WINDOW, "window that holds the temperature that is looked for", unit="K", above=0
    )
    sweeps: int = key(
        INTEGER,
        "Monte Carlo steps of the long runs; the error falls with the root",
        least=200,
        default=10_000,
    )
    lengths: bool = key(FLAG, "whether moments change their sizes", default=False)
    measure: int = key(
        INTEGER, "power of m in the phase-space measure, with lengths", allowed=(0, 1, 2), default=2
    )
    result: str | None = key(PATH, "table; default: job.curie.txt of job.toml", default=None)
    figure: str | None = key(PATH, "figure of the cumulants; default: none", default=None)
    checkpoint: str | None = key(PATH, "for --resume; default: job.curie.npz", default=None)


@dataclass(frozen=True)
class Relax:
    """The relaxation of moments, positions and cell, for ase-mag relax."""

    cell: bool = key(FLAG, "whether the cell relaxes", default=True)
    positions: bool = key(FLAG, "whether the positions relax", default=True)
    fmax_eV_per_angstrom: float = key(
        NUMBER,
        "bound for the forces",
        unit="eV/angstrom",
        above=0,
        default=1e-3,
        argument="fmax",
    )
    magforce_eV_per_muB: float = key(
        NUMBER,
        "bound for the magnetic forces",
        unit="eV/mu_B",
        above=0,
        default=5e-6,
        argument="magforce",
    )
    pressure_GPa: float = key(
        NUMBER,
        "pressure on the cell",
        unit="GPa",
        default=0.0,
        argument="scalar_pressure",
        factor=units.GPa,
    )
    max_steps: int = key(INTEGER, "bound for the steps", least=1, default=500)
    directions: bool = key(
        FLAG, "whether the moments turn (false: without cell and positions only)", default=True
    )
    sizes: bool = key(
        FLAG, "whether moment sizes relax (false: without cell and positions only)", default=True
    )
    result: str | None = key(
        PATH, "relaxed atoms, in a format of ASE; default: job.relaxed.traj", default=None
    )


#: All sections by their names.
SECTIONS = {
    "structure": Structure,
    "model": Model,
    "exchange": Exchange,
    "dynamics": Dynamics,
    "output": Output,
    "curie": Curie,
    "relax": Relax,
}
