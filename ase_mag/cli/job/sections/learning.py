"""Fits of potentials, landscapes of moments and their predictor."""

from dataclasses import dataclass

from ase_mag.cli.job.keys import (
    FLAG,
    INTEGER,
    INTEGERS,
    ITERATIONS,
    NUMBER,
    NUMBERS,
    PATH,
    PATHS,
    TEXT,
    TEXTS,
    WEIGHTS,
    WINDOW,
    key,
)


@dataclass(frozen=True)
class Potential:
    """The potential that is fitted: a saved one, or a new one, for ase-mag fit."""

    file: str | None = key(
        PATH, "model that model.save(path) wrote, to go on from its parameters", default=None
    )
    kind: str | None = key(
        TEXT,
        "new potential: magnetic moment tensors of collinear or of vector moments; MSLP; GAP-SOSO",
        allowed=("collinear", "noncollinear", "spin-lattice", "spin-orientation"),
        default=None,
    )
    species: list | None = key(TEXTS, "chemical symbols, of a new one", default=None)
    level: int | None = key(INTEGER, "level of the basis of moment tensors", least=2, default=None)
    magnetic_basis: int | None = key(
        INTEGER, "polynomials of a moment; 1: not magnetic", least=1, default=None
    )
    cutoff_angstrom: float | None = key(
        NUMBER, "cutoff", unit="angstrom", above=0, default=None, argument="cutoff"
    )
    n_radial_basis: int | None = key(INTEGER, "polynomials of the distance", least=1, default=None)
    r_min_angstrom: float | None = key(
        NUMBER, "shortest distance", unit="angstrom", above=0, default=None, argument="r_min"
    )
    max_moment_muB: float | None = key(
        NUMBER, "largest moment", unit="mu_B", above=0, default=None, argument="max_moment"
    )
    onsite: int | None = key(INTEGER, "even powers of the moment of an atom", least=0, default=None)
    extrapolate: bool | None = key(
        FLAG, "whether shorter distances and larger moments are accepted", default=None
    )
    hidden: list | None = key(
        INTEGERS, "units in the layers of the network (spin-lattice)", least=1, default=None
    )
    n_radial: int | None = key(
        INTEGER, "radial functions of the density (spin-orientation)", least=1, default=None
    )
    l_max: int | None = key(
        INTEGER, "largest order of spherical harmonics (spin-orientation)", least=0, default=None
    )
    width_angstrom: float | None = key(
        NUMBER,
        "width of atoms in the density (spin-orientation)",
        unit="angstrom",
        above=0,
        default=None,
        argument="width",
    )
    spin_width: float | None = key(
        NUMBER, "width of directions in the density (spin-orientation)", above=0, default=None
    )
    terms: list | None = key(
        TEXTS, "terms of the energy: exchange, dipole, three-body (spin-orientation)", default=None
    )
    regressor: str | None = key(
        TEXT,
        "function of a site (spin-orientation)",
        allowed=("linear", "sparse_gp"),
        default=None,
    )
    regularization: float | None = key(
        NUMBER, "of the regressor (spin-orientation)", above=0, default=None
    )


@dataclass(frozen=True)
class Fit:
    """Data, loss and course of a fit, for ase-mag fit."""

    data: str | list = key(PATH | PATHS, "files or DeePMD folders of labelled frames")
    test: str | list | None = key(
        PATH | PATHS, "the same for testing; default: a part of data", default=None
    )
    train_share: float | None = key(
        NUMBER,
        "share of data that is fitted to, the rest is tested (needs seed); default: all",
        above=0,
        most=1,
        default=None,
    )
    weights: dict | None = key(
        WEIGHTS,
        "weights of the labels; default: 1, 0.01, 0.001, 0.1 of those there are",
        default=None,
    )
    scaling: str = key(
        TEXT,
        "energy and virial per configuration or atom",
        allowed=("configuration", "atom"),
        default="configuration",
    )
    method: str = key(
        TEXT, "minimizer", allowed=("auto", "bfgs", "projection", "linear"), default="auto"
    )
    max_iterations: int = key(INTEGER, "bound for the steps", least=1, default=1000)
    tolerance: float = key(
        NUMBER, "stop when 20 steps lower the loss by less than this share", above=0, default=1e-3
    )
    patience: int | None = key(
        INTEGER, "stop after so many steps without a lower test loss", least=1, default=None
    )
    ridge: float = key(NUMBER, "damping of the linear solution", least=0, default=0.0)
    model: str | None = key(PATH, "fitted model; default: job.model.npz", default=None)
    report: str | None = key(PATH, "errors of all labels; default: job.report.json", default=None)
    figure: str | None = key(PATH, "predictions against labels; default: none", default=None)
    checkpoint: str | None = key(PATH, "for --resume; default: job.fit.npz", default=None)


@dataclass(frozen=True)
class Stages:
    """A spin-lattice potential is fitted in four stages; [fit] has what is in no other set."""

    nonmagnetic: str | list = key(PATH | PATHS, "non-magnetic frames, for the first stage")
    bulk: str | list = key(PATH | PATHS, "frames near the perfect crystal, for the second stage")
    iterations: dict | None = key(
        ITERATIONS,
        "most iterations of each stage; 0 leaves it out; default: 150, 100, 200, 200",
        default=None,
    )
    folder: str | None = key(
        PATH, "what the stages found, for --resume; default: job.stages", default=None
    )


@dataclass(frozen=True)
class Landscapes:
    """Energy landscapes of single moments in disordered frames, for ase-mag landscapes."""

    frames: str | None = key(
        PATH, "frames with moments to take, instead of making them of [structure]", default=None
    )
    count: int = key(INTEGER, "number of frames that are made (needs seed)", least=1, default=14)
    displacement_angstrom: float = key(
        NUMBER,
        "standard deviation of the displacements along x, y and z",
        unit="angstrom",
        least=0,
        default=0.1,
    )
    directions: str = key(
        TEXT,
        "directions of the moments of frames that are made",
        allowed=("random", "ferro"),
        default="random",
    )
    sizes: int | list = key(
        INTEGER | NUMBERS, "sizes of a scan: how many in the window, or a list in mu_B", default=7
    )
    window_muB: list = key(
        WINDOW,
        "smallest and largest size of a scan",
        unit="mu_B",
        least=0,
        default=(0.5, 2.9),
        argument="window",
    )
    background: str = key(
        TEXT,
        "sizes of the other moments: those of 0 K, or zero",
        allowed=("relaxed", "nonmagnetic"),
        default="relaxed",
    )
    temperature_K: float | None = key(
        NUMBER,
        "with a nonmagnetic background: a second scan among thermal moments",
        unit="K",
        above=0,
        default=None,
    )
    measure: int = key(
        INTEGER, "power of m in the phase-space measure", allowed=(0, 1, 2), default=2
    )
    order: int = key(INTEGER, "power of the polynomials in m", allowed=(4, 6), default=4)
    largest_error_eV: float = key(
        NUMBER,
        "fits that miss by more are refused",
        unit="eV",
        above=0,
        default=0.05,
        argument="largest_error",
    )
    table: str | None = key(
        PATH, "all landscapes, also for --resume; default: job.landscapes.npz", default=None
    )
    csv: str | None = key(PATH, "the same as text; default: job.landscapes.csv", default=None)


@dataclass(frozen=True)
class Predictor:
    """The predictor that learns the landscapes, for ase-mag landscapes."""

    descriptor: int | str = key(
        INTEGER | TEXT, "site descriptor", allowed=(1, 2, 3, "invariant"), default=3
    )
    shells: int = key(INTEGER, "coordination shells in descriptors 1 to 3", least=1, default=1)
    width: float = key(NUMBER, "width of the kernel", above=0, default=10.0)
    regularization: float = key(
        NUMBER, "added to the diagonal of the kernel matrix", above=0, default=1e-4
    )
    folds: int = key(INTEGER, "folds of the cross-validation (needs seed)", least=2, default=10)
    file: str | None = key(PATH, "fitted predictor; default: job.predictor.npz", default=None)
