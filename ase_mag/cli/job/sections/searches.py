"""Curie temperatures and relaxation."""

from dataclasses import dataclass

from ase import units

from ase_mag.cli.job.keys import (
    FLAG,
    INTEGER,
    INTEGERS,
    NUMBER,
    PATH,
    WINDOW,
    key,
)


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
    directions: bool = key(FLAG, "whether the moments turn, for moments alone", default=True)
    sizes: bool = key(FLAG, "whether moment sizes relax, for moments alone", default=True)
    result: str | None = key(
        PATH, "relaxed atoms, in a format of ASE; default: job.relaxed.traj", default=None
    )
