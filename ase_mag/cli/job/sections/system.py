"""Atoms and models."""

from dataclasses import dataclass

from ase_mag.cli.job.keys import (
    FLAG,
    INTEGER,
    NUMBER,
    NUMBERS,
    PATH,
    PATHS,
    REPEATS,
    TEXT,
    TEXTS,
    VECTORS,
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
