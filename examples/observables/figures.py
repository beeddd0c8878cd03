"""Make the figures of docs/observables.md: iron of FeHL-1 at 300 K, and magnons at 5 K.

    python examples/observables/figures.py --output docs/figures

Two minutes on one core. Trajectories are kept in the folder --work, so that a second call draws
only.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np
from ase import units
from ase.build import bulk
from ase.md.verlet import VelocityVerlet
from ase.phonons import Phonons

import ase_mag
from ase_mag import analysis, models
from ase_mag.dynamics import SpinDynamics, SpinLatticeDynamics


def iron(repeats, model, moment, a=2.8494):
    atoms = bulk("Fe", a=a, cubic=True) * repeats
    ase_mag.set_moments(atoms, moment)
    atoms.calc = ase_mag.MagneticCalculator(model)
    return atoms


def coupled(path):
    """Moments and atoms at 300 K: 128 atoms, 12 ps."""
    atoms = iron(4, models.named("FeHL-1"), 2.145)
    rng = np.random.default_rng(1)
    atoms.set_momenta(
        np.sqrt(300 * units.kB * atoms.get_masses())[:, None] * rng.normal(size=(128, 3))
    )
    with SpinLatticeDynamics(
        atoms,
        1.0 * units.fs,
        temperature_K=300,
        friction=0.01 / units.fs,
        damping=0.2,
        longitudinal=True,
        rng=1,
        trajectory=path,
        loginterval=10,
    ) as dynamics:
        dynamics.run(12_000)


def spins(path):
    """Moments of 1024 atoms at 5 K, without bath, after one that has warmed them."""
    atoms = iron(8, models.named("Fe-UppASD"), 2.23, a=2.8665)
    with SpinDynamics(atoms, 1.0 * units.fs, temperature_K=5, damping=0.5, rng=1) as dynamics:
        dynamics.run(600)
    with SpinDynamics(
        atoms, 0.25 * units.fs, temperature_K=None, trajectory=path, loginterval=12
    ) as dynamics:
        dynamics.run(12_000)


def vibrations(path):
    """Atoms of 128 at 30 K, moments at rest, without bath."""
    atoms = iron(4, models.named("FeHL-1"), 2.145)
    rng = np.random.default_rng(2)
    momenta = np.sqrt(60 * units.kB * atoms.get_masses())[:, None] * rng.normal(size=(128, 3))
    atoms.set_momenta(momenta - momenta.mean(axis=0))
    VelocityVerlet(atoms, 2 * units.fs, trajectory=path, loginterval=5).run(10_000)


def bands_of_force_constants(path):
    """Return distances (1/angstrom) and energies (eV) along a path, by finite displacements."""
    cell = iron(1, models.named("FeHL-1"), 2.145)
    primitive = bulk("Fe", a=2.8494)
    ase_mag.set_moments(primitive, 2.145)
    with tempfile.TemporaryDirectory() as folder:
        phonons = Phonons(primitive, cell.calc, supercell=(5, 5, 5), name=str(Path(folder, "ph")))
        phonons.run()
        phonons.read(acoustic=True)
    band = primitive.cell.bandpath(path, npoints=200)
    energies = phonons.band_structure(band.kpts, verbose=False)
    return band.get_linear_kpoint_axis()[0], energies


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path())
    parser.add_argument("--work", type=Path, help="folder of the trajectories; default: temporary")
    arguments = parser.parse_args()
    work = arguments.work or Path(tempfile.mkdtemp())
    work.mkdir(parents=True, exist_ok=True)
    runs = {}
    for make in (coupled, spins, vibrations):
        path = work / f"{make.__name__}.traj"
        if not path.exists():
            make(path)
        runs[make.__name__] = analysis.read(path)
    run = runs["coupled"]
    print(run.summary())
    cutoff = {"cutoff": 5.6}
    figures = {
        "time": run.plot("magnetization", "temperature", "pressure"),
        "fluctuations": run.plot("moments", "susceptibility", "stress"),
        "pairs": run.plot("correlation", "rdf", "vibrations", **cutoff),
        "magnons": runs["spins"].magnons(models.named("Fe-UppASD"), "GHNGP").plot(),
    }
    spectrum = runs["vibrations"].phonons("GHNGP", skip=100)
    figures["phonons"] = spectrum.plot(bands_of_force_constants("GHNGP"))
    for name, figure in figures.items():
        figure.savefig(arguments.output / f"observables-{name}.png", dpi=95)
    if arguments.work is None:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
