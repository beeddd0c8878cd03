"""Run the benchmarks: ``python -m benchmarks``."""

import argparse
from pathlib import Path

from benchmarks import report
from benchmarks.cases import GROUPS, cases
from benchmarks.measurement import measure
from benchmarks.roofline import roofline


def main(arguments=None):
    """Time ase_mag and its peers, print the ratios and write speed.csv, speed.md and speed.png."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("--cases", nargs="+", choices=GROUPS, help="default: all")
    parser.add_argument("--cells", nargs="+", type=int, default=[10, 20, 40], metavar="N")
    parser.add_argument("--neighbors", nargs="+", type=int, default=[14, 50, 88])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--duration", type=float, default=1.0, help="seconds per measurement")
    parser.add_argument(
        "--clock",
        choices=("wall", "processor"),
        default="wall",
        help="processor: for one thread on a machine that is busy with other work",
    )
    parser.add_argument("--output", type=Path, default=Path("benchmark_output"))
    options = parser.parse_args(arguments)
    if options.clock == "processor" and options.threads != [1]:
        parser.error("--clock processor needs --threads 1: threads are judged by the wall clock")
    options.output.mkdir(parents=True, exist_ok=True)
    rooflines = {threads: roofline(threads, clock=options.clock) for threads in options.threads}
    results = []
    for case in cases(options.cases, options.neighbors, options.cells):
        for threads in options.threads:
            timings = measure(case, threads, options.repeats, options.duration, options.clock)
            results.append((case, threads, timings))
            for t in timings:
                ratio = t.best / timings[0].best
                print(
                    f"{case.name}, {case.n_atoms:,} atoms, {threads} thread(s): {t.program} "
                    f"{t.best:.3g} ns (median {t.typical:.3g}), ratio {ratio:.2f}",
                    flush=True,
                )
    report.write_csv(options.output / "speed.csv", [t for *_, ts in results for t in ts])
    text = report.markdown(results, rooflines, options.clock)
    (options.output / "speed.md").write_text(text, encoding="utf-8")
    report.plot(options.output / "speed.png", results, rooflines)
    print(text)


if __name__ == "__main__":
    main()
