"""A 1/2<111> prismatic loop in iron at 800 K on many processes.

    mpirun -n 2 python -m mpi4py examples/large_scale/loop.py --output loop_800K
    python examples/large_scale/maps.py loop_800K --inserted 37

Moments change directions and sizes. The first steps, with a strong friction, take away the heat of
the loop as it was built. A run that was stopped goes on with any number of processes. The model is
synthetic (FeHL-1 resembles iron); it is not density functional theory.
"""

import argparse
from pathlib import Path
from time import perf_counter

import numpy as np
from ase import units
from ase.md.velocitydistribution import thermalize_momenta
from mpi4py import MPI

from ase_mag import models
from ase_mag.bridges import LammpsSimulation
from ase_mag.build import bcc_crystal, prismatic_loop

#: Repeats of a[1-10], a[11-2] and a/2[111] (6 atoms each), and inserted atoms.
BOX, INSERTED = (10, 6, 16), 37


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("loop_800K"), help="folder")
    parser.add_argument("--model", default="FeHL-1", help="a named parameter set of iron")
    parser.add_argument("--a", type=float, default=2.8494, help="lattice constant, angstrom")
    parser.add_argument("--box", type=int, nargs=3, default=BOX, help="repeats of the cell")
    parser.add_argument("--inserted", type=int, default=INSERTED, help="atoms of the loop")
    parser.add_argument("--temperature", type=float, default=800.0, help="K")
    parser.add_argument("--settling", type=int, default=500, help="steps of 1 fs before the run")
    parser.add_argument("--steps", type=int, default=2000, help="steps of 1 fs of the run")
    parser.add_argument("--every", type=int, default=20, help="steps between two frames")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def start(given):
    """Return the loop as it was built, the same on every process."""
    crystal = bcc_crystal(given.a, tuple(given.box), moment=2.145, orientation="111")
    atoms = prismatic_loop(crystal, "1/2<111>", n_atoms=given.inserted)
    rng = np.random.default_rng(given.seed)
    thermalize_momenta(atoms, temperature_K=given.temperature, rng=rng)
    return atoms


def simulation(atoms, given, name, friction, **options):
    return LammpsSimulation(
        atoms,
        models.named(given.model),
        1 * units.fs,
        temperature_K=given.temperature,
        friction=friction / units.fs,
        longitudinal=True,
        pressure=0.0,
        rng=given.seed,
        checkpoint=given.output / f"{name}.npz",
        checkpoint_interval=500,
        restart=True,
        logfile=str(given.output / f"{name}.log"),
        **options,
    )


def run(given, comm):
    """Settle the loop, and make the run."""
    atoms = start(given)
    with simulation(atoms, given, "settling", 0.1, loginterval=100) as settling:
        settling.run_to(given.settling)
        settling.checkpoint.write()
        settling.gather()
    trajectory = given.output / "run.traj"
    with simulation(
        atoms, given, "run", 0.01, trajectory=trajectory, loginterval=given.every
    ) as dynamics:
        before, begin = dynamics.nsteps, perf_counter()
        dynamics.run_to(given.steps)
        dynamics.checkpoint.write()
        seconds, done = perf_counter() - begin, max(1, dynamics.nsteps - before)
        now = dynamics.observables()
    if comm.rank == 0:
        print(f"{len(atoms)} atoms, {comm.size} processes: {1e3 * seconds / done:.1f} ms per step")
        print(f"written: {trajectory}; at the end:")
        print(f"lattice {now.temperature_K:.0f} K, |M| = {now.size:.3f} mu_B")


def main():
    comm, given = MPI.COMM_WORLD, arguments()
    if comm.rank == 0:
        given.output.mkdir(parents=True, exist_ok=True)
    comm.barrier()
    run(given, comm)


if __name__ == "__main__":
    main()
