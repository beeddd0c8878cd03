"""Atoms and models that a job file describes."""

from functools import reduce
from operator import add

import ase.build
import ase.io
import numpy as np
from ase.io.formats import UnknownFileTypeError

from ase_mag import lsf, models
from ase_mag.cli.job.errors import InputError, wrong_input
from ase_mag.cli.job.keys import arguments
from ase_mag.core import get_moments, set_moments
from ase_mag.io import read_uppasd
from ase_mag.units import kB

#: What the atoms may be made of, and the keys that belong to it.
_SOURCES = {
    "file": ("index",),
    "uppasd": ("species", "alat_angstrom"),
    "bulk": ("crystal", "a_angstrom", "c_angstrom", "cubic"),
}


def make_atoms(job):
    """Return the atoms of section [structure], with moments, without a calculator."""
    section = job["structure"]
    given = [name for name in _SOURCES if getattr(section, name) is not None]
    if len(given) != 1:
        raise InputError(
            f"{job.place('structure')}: one of {', '.join(_SOURCES)} says what the atoms are; "
            f"given are {' and '.join(given) or 'none'}"
        )
    for source, names in _SOURCES.items():
        if source not in given:
            job.refuse("structure", names, f"belongs to {source}, which is not given")
    atoms = _READERS[given[0]](job, section)
    if section.moments is not None:
        with wrong_input(job.place("structure", "moments")):
            set_moments(atoms, section.moments)
    if section.repeat != 1:
        with wrong_input(job.place("structure", "repeat")):
            atoms = atoms.repeat(section.repeat)
    return _random(job, section, atoms)


def make_model(job, name="model"):
    """Return the model of section [model] or [exchange]: the sum of all that it names."""
    section, terms = job[name], []
    for term in _listed(section.name):
        with wrong_input(job.place(name, "name")):
            terms.append(models.named(term))
    for file in _listed(section.file):
        path = job.file(name, "file", file)
        with wrong_input(job.place(name, "file")):
            terms.append(models.load(path))
    if section.uppasd is None:
        job.refuse(name, _SOURCES["uppasd"], "belongs to uppasd, which is not given")
    else:
        path = job.file(name, "uppasd")
        with wrong_input(job.place(name, "uppasd")):
            terms.append(read_uppasd(path, **arguments(section, _SOURCES["uppasd"]))[1])
    if not terms:
        raise InputError(
            f"{job.place(name)}: there is no model; give name (one of "
            f"{', '.join(models.named())}), file or uppasd; what is given is added"
        )
    with wrong_input(job.place(name)):
        return reduce(add, terms)


def _from_file(job, section):
    path = job.file("structure", "file")
    with wrong_input(job.place("structure", "file")):
        try:
            return ase.io.read(path, index=section.index)
        except UnknownFileTypeError as error:
            raise ValueError(f"ASE knows no format for {section.file} ({error})") from error
        except (IndexError, KeyError, StopIteration, SyntaxError) as error:
            raise InputError(
                f"{job.place('structure', 'file')}: frame {section.index} of {section.file} cannot "
                f"be read: {type(error).__name__}: {error}"
            ) from error


def _from_uppasd(job, section):
    path = job.file("structure", "uppasd")
    with wrong_input(job.place("structure", "uppasd")):
        return read_uppasd(path, rng=job.seed, **arguments(section, _SOURCES["uppasd"]))[0]


def _from_crystal(job, section):
    names = ("bulk", *_SOURCES["bulk"])
    with wrong_input(job.place("structure", "bulk")):
        try:
            return ase.build.bulk(**arguments(section, names))
        except (KeyError, RuntimeError, ValueError) as error:
            raise ValueError(f"ASE cannot make this crystal: {error}") from error


_READERS = {"file": _from_file, "uppasd": _from_uppasd, "bulk": _from_crystal}


def _random(job, section, atoms):
    """Return the atoms with random directions, displacements and momenta as asked for."""
    if not (section.random_directions or section.displacement_angstrom or section.momenta_K):
        return atoms
    seed = job.random_seed("[structure] has random directions, displacements or momenta")
    rng = np.random.default_rng([seed, 1])
    if section.random_directions or section.displacement_angstrom:
        with wrong_input(job.place("structure")):
            (atoms,) = lsf.snapshots(
                atoms,
                displacement=section.displacement_angstrom,
                directions="random" if section.random_directions else get_moments(atoms),
                rng=rng,
                sizes=np.linalg.norm(get_moments(atoms), axis=1),
            )
    if section.momenta_K:
        thermal_momenta(atoms, section.momenta_K, rng)
    return atoms


def thermal_momenta(atoms, temperature_K, rng):
    """Give the atoms random momenta of a temperature, whose sum is zero."""
    widths = np.sqrt(kB * temperature_K * atoms.get_masses())
    momenta = widths[:, None] * rng.normal(size=(len(atoms), 3))
    atoms.set_momenta(momenta - momenta.mean(axis=0))


def _listed(value):
    return [] if value is None else value if isinstance(value, list) else [value]
