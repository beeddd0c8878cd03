"""Learned potentials: energy, forces and magnetic forces at new positions, one after the other."""

import tempfile
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

import ase_mag
from ase_mag import models
from ase_mag.core import NeighborList, get_moments, set_threads
from benchmarks import iron
from benchmarks.lammps_spin import installation, launcher, loop_time
from benchmarks.program import PeerMissing, Program

#: angstrom; 58 neighbors in bcc iron.
CUTOFF = 5.0
_SKIN = 0.5

_SNAP = """\
units metal
boundary p p p
lattice bcc {a}
region box block 0 {cells} 0 {cells} 0 {cells}
create_box 1 box
create_atoms 1 box
mass 1 55.845
velocity all create 1.0 4928459
print "{coefficients}" file Fe.snapcoeff screen no
print "{settings}" file Fe.snapparam screen no
pair_style snap
pair_coeff * * Fe.snapcoeff Fe.snapparam Fe
neighbor {skin} bin
neigh_modify every 1 check yes delay 0
fix steps all nve
timestep 0.001
thermo 1000000
run {steps}
"""


def moment_tensors(vectors=False, still=False):
    """Return a factory of evaluations of a moment tensor potential of level 12."""

    def make(cells, threads):
        atoms, potential = _system(cells, vectors)
        name = "ase_mag, vectors" if vectors else "ase_mag"
        kind = "non-collinear" if vectors else "collinear, (V(M) + V(-M))/2"
        settings = f"{kind}, {potential.n_parameters} parameters, skin {_SKIN}"
        return _evaluations(name, atoms, potential, settings, threads, still)

    return make


def spin_lattice(still=False):
    """Return a factory of evaluations of the trained spin-lattice potential of iron (MSLP)."""

    def make(cells, threads):
        atoms, potential = iron.iron(cells, rattle=0.02), models.named("Fe-MSLP-FeHL1")
        settings = f"Fe-MSLP-FeHL1, vectors, {potential.cutoff} angstrom, skin {_SKIN}"
        return _evaluations("ase_mag, MSLP", atoms, potential, settings, threads, still)

    return make


def spin_orientation(kind="linear", still=False, **options):
    """Return a factory of evaluations of SOSO, any coefficients (not zero).

    Parameters
    ----------
    kind : str, for the label. still : bool, positions stay, and only magnetic forces are wanted.
    **options : of the potential.
    """

    def make(cells, threads):
        atoms = iron.iron(cells, rattle=0.02)
        potential = models.SpinOrientationPotential("Fe", cutoff=CUTOFF, **options)
        small = iron.iron(4, rattle=0.02)
        neighbor_list = NeighborList(small.numbers, small.pbc, CUTOFF)
        graph = neighbor_list.graph(small.positions, small.cell.array)
        potential.prepare([(graph, get_moments(small))])
        rng = np.random.default_rng(4)
        potential.parameters = rng.normal(scale=1e-3, size=potential.n_parameters)
        features = potential.descriptor.n_features
        settings = f"{features} features, {potential.n_parameters} parameters, skin {_SKIN}"
        return _evaluations(f"ase_mag, SOSO, {kind}", atoms, potential, settings, threads, still)

    return make


def motep():
    """Return a factory of evaluations of the same potential by the C engine of motep."""

    def make(cells, threads):
        if find_spec("motep") is None:
            raise PeerMissing("motep is not installed: pip install motep")
        if threads > 1:
            raise PeerMissing("the C engine of motep has no threads")
        from motep.calculator import make_mtp_engine
        from motep.io.mlip.mtp import read_mtp

        atoms, potential = _system(cells, False)
        with tempfile.TemporaryDirectory() as folder:
            models.write_mtp(Path(folder, "Fe.mtp"), potential)
            data = read_mtp(Path(folder, "Fe.mtp"))
        data.species = [26]
        engine = make_mtp_engine("cext", magnetic=True)(data)
        moments = get_moments(atoms)[:, 2].copy()
        places = _places(atoms)

        def evaluate(step):
            atoms.positions[:] = places[step % 2]
            engine.calculate(atoms, moments)

        def run(n_steps):
            return _timed(evaluate, n_steps)

        return Program(
            "motep", run, len(atoms), "the same potential, but V(M) alone (half the work)"
        )

    return make


def snap():
    """Return a factory of LAMMPS with SNAP (twojmax 8), which has no magnetism."""

    def make(cells, threads):
        command, environment, _ = installation()
        started = [*launcher(command, threads), *command]
        coefficients = "\n".join(["1 56", "Fe 0.5 1.0", *["1.0e-6"] * 56])
        settings = "\n".join(
            [f"rcutfac {CUTOFF}", "twojmax 8", "rfac0 0.99363", "rmin0 0", "bzeroflag 0"]
        )

        def run(n_steps):
            script = _SNAP.format(
                a=iron.LATTICE_CONSTANT,
                cells=cells,
                coefficients=f'""{coefficients}""',
                settings=f'""{settings}""',
                skin=_SKIN,
                steps=n_steps,
            )
            environment["OMP_NUM_THREADS"] = "1"
            return loop_time(started, environment, script, 2 * cells**3, threads)

        return Program("LAMMPS SNAP", run, 2 * cells**3, "twojmax 8, no magnetism, nve, skin 0.5")

    return make


def _evaluations(name, atoms, potential, settings, threads, still=False):
    neighbor_list = NeighborList(atoms.numbers, atoms.pbc, potential.cutoff, _SKIN)
    moments, places = get_moments(atoms), _places(atoms)

    def evaluate(step):
        graph = neighbor_list.graph(places[step % 2], atoms.cell.array)
        potential.evaluate(graph, moments)

    frozen = neighbor_list.graph(places[0], atoms.cell.array)
    turned = moments, moments[:, [1, 0, 2]].copy()

    def magnetic(step):
        potential.evaluate(frozen, turned[step % 2], lattice=False)

    def run(n_steps):
        set_threads(threads)
        return _timed(magnetic if still else evaluate, n_steps)

    return Program(name, run, len(atoms), settings)


def _system(cells, vectors):
    atoms = iron.iron(cells, rattle=0.02)
    if vectors:
        return atoms, models.NoncollinearMomentTensorPotential("Fe", cutoff=CUTOFF)
    ase_mag.set_moments(atoms, iron.MOMENT + 0.1 * np.random.default_rng(2).normal(size=len(atoms)))
    return atoms, models.MomentTensorPotential("Fe", cutoff=CUTOFF)


def _places(atoms):
    """Two sets of positions that differ by a step of dynamics."""
    rng = np.random.default_rng(3)
    return atoms.positions.copy(), atoms.positions + rng.normal(scale=0.005, size=(len(atoms), 3))


def _timed(evaluate, n_steps):
    wall, processor = perf_counter(), process_time()
    for step in range(n_steps):
        evaluate(step)
    return perf_counter() - wall, process_time() - processor
