"""Strong and weak scaling of runs on MPI processes: ``python -m benchmarks.scaling``.

Embedded atom + exchange in bcc iron at 600 K with baths (lattice and moments at 300 K, 1 fs, two
half steps of the moments a step, or more with ``--substeps``): the serial engine, ase_mag on 1, 2,
... processes, and LAMMPS with its own package SPIN on as many, one after the other, repeated.
Prints a table and writes scaling.csv.
"""

import argparse
import csv
import json
import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from ase import units
from ase.md.velocitydistribution import thermalize_momenta

from benchmarks import iron, lammps_spin, own

_COLUMNS = ("program", "processes", "atoms", "ms_per_step", "median", "bytes_per_atom", "start_s")


def baths(substeps):
    """Return the options of the dynamics, the same for the serial and the parallel class."""
    return {
        "temperature_K": iron.SPIN_TEMPERATURE,
        "friction": 0.01 / units.fs,
        "damping": iron.DAMPING,
        "spin_timestep": iron.FEMTOSECOND / (2 * substeps),
        "rng": 1,
        "progress": False,
    }


def crystal(cells):
    """Return iron of cells[0] x cells[1] x cells[2] cubic cells at 600 K."""
    atoms = iron.iron(1) * tuple(cells)
    thermalize_momenta(atoms, iron.VELOCITY_TEMPERATURE, rng=np.random.default_rng(2))
    return atoms


def work(program, cells, neighbors, substeps, steps):
    """Time ``steps`` steps in this process (one of several for 'bridge'); print JSON."""
    before, begin = _memory(), perf_counter()
    atoms, model, rank = crystal(cells), own.lattice_and_exchange(neighbors), 0
    if program == "serial":
        atoms.calc = own.ase_mag.MagneticCalculator(model)
        dynamics = own.SpinLatticeDynamics(
            atoms, iron.FEMTOSECOND, loginterval=10**9, **baths(substeps)
        )
    else:
        from mpi4py.MPI import COMM_WORLD

        from ase_mag.bridges import LammpsSimulation

        rank = COMM_WORLD.rank
        dynamics = LammpsSimulation(
            atoms, model, iron.FEMTOSECOND, loginterval=10**9, **baths(substeps)
        )
    dynamics.run(1)
    start = perf_counter() - begin
    begin = perf_counter()
    dynamics.run(steps)
    seconds = perf_counter() - begin
    if rank == 0:
        print(json.dumps([seconds / steps, (_memory() - before), start]))


def _memory():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def timed(program, processes, cells, options):
    """Return (seconds per step, bytes of process 0, seconds of the start) of a fresh process."""
    n_atoms = 2 * cells[0] * cells[1] * cells[2]
    if program == "LAMMPS SPIN":
        return _lammps(processes, cells, options), None, None
    call = f"from benchmarks.scaling import work; work({program!r}, {cells}, {options.neighbors}, "
    call += f"{options.substeps}, {max(5, round(options.atom_steps / n_atoms * processes))})"
    command = [sys.executable]
    if program != "serial":
        command = [*lammps_spin.launcher(command, processes), sys.executable, "-m", "mpi4py"]
    done = subprocess.run([*command, "-c", call], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{program} on {processes} processes failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _lammps(processes, cells, options):
    if len(set(cells)) > 1:
        return None
    program = lammps_spin.coupled(options.neighbors)(cells[0], processes)
    steps = max(2, round(0.1 * options.atom_steps / program.n_atoms * processes))
    return program.run(steps)[0] / steps


def main(arguments=None):
    """Run all cases and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--cells", nargs="+", type=int, default=[20, 40], metavar="N")
    parser.add_argument("--processes", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--neighbors", type=int, default=50, choices=sorted(iron.SHELLS))
    parser.add_argument("--substeps", type=int, default=1, help="of every half step of the moments")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--atom-steps", type=float, default=2e6, help="atoms times steps, at most")
    parser.add_argument("--output", type=Path, default=Path("benchmark_output"))
    options = parser.parse_args(arguments)
    cases = []
    for n in options.cells:
        cases.append(("serial", 1, (n, n, n)))
        for processes in options.processes:
            cases.append(("bridge", processes, (n, n, n)))
            cases.append(("LAMMPS SPIN", processes, (n, n, n)))
            if processes > 1:
                cases.append(("bridge, weak", processes, (n, n, n * processes)))
    found = {case: [] for case in cases}
    for _ in range(options.repeats):
        for case in cases:
            found[case].append(timed(case[0].partition(",")[0], *case[1:], options))
    rows = []
    for (program, processes, cells), results in found.items():
        seconds = sorted(result[0] for result in results)
        n_atoms = 2 * cells[0] * cells[1] * cells[2]
        memory = results[0][1] and round(results[0][1] / (n_atoms / processes))
        start = results[0][2] and round(min(result[2] for result in results), 2)
        best, middle = (round(1e3 * s, 2) for s in (seconds[0], seconds[len(seconds) // 2]))
        rows.append((program, processes, n_atoms, best, middle, memory, start))
        print(dict(zip(_COLUMNS, rows[-1], strict=True)), flush=True)
    options.output.mkdir(parents=True, exist_ok=True)
    with (options.output / "scaling.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
