"""Time and memory of one fit: 2000 frames of 16 atoms with all labels, 415 parameters.

python examples/paper_mmtp/cost.py --iterations 100 --workers 2
"""

import argparse
import resource
from time import perf_counter, process_time

import alloys
from conditions import FULL, WEIGHTS, potential
from threadpoolctl import threadpool_limits

from ase_mag import fitting


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    starts = [alloys.relaxed(atoms) for atoms in alloys.crystals()]
    data = fitting.read(alloys.training_set(starts, arguments.frames))
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(data)} frames; peak memory so far {megabytes:.0f} MB", flush=True)
    wall, cpu = perf_counter(), process_time()
    with threadpool_limits(1):
        report = fitting.fit(
            potential(FULL, 2),
            data,
            WEIGHTS | {"magforces": 0.1},
            max_iterations=arguments.iterations,
            workers=arguments.workers,
            progress=False,
        )
    wall, cpu = perf_counter() - wall, process_time() - cpu
    print(report)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{report.iterations} iterations, {report.evaluations} gradients: {wall:.0f} s, "
        f"{cpu:.0f} s of processor time; peak memory {megabytes:.0f} MB"
    )


if __name__ == "__main__":
    main()
