"""Gao, Bokdam, Kelly, "Machine learning exchange fields for ab-initio spin dynamics" (2024), tests.

    python examples/paper_soso/run.py --output paper            # about an hour on 2 cores
    python examples/paper_soso/run.py --output paper --fast     # seconds; numbers mean nothing

GAP-SOSO fitted to 50 configurations of Heisenberg iron and judged by 2500 others (Sec. III B,
Figs. 4 and 5), thermal configurations, effective fields and larger cells (Figs. 2 and 3), magnetic
orders of bcc (Figs. 6 and 7), all spin widths, and spin dynamics in the learned field. Every stage
is kept in the output folder: a job that was stopped goes on where it was.
"""

import argparse
import json
import os
from itertools import repeat
from pathlib import Path

from accuracy import case_errors, case_fields, coverage, thermal_fields, width_errors
from comparison import summary
from conditions import CASES, FAST, FULL, THERMAL_K, TRANSFERS
from cusp import beyond, curve
from figures import draw_all
from least_squares import least_squares
from parity import crystals, energies, thermal_tests
from portability import portability
from spins import all_runs
from stages import pool, stage
from worst import thermal_statistics


def compute(sizes, folder, executor):
    """Return the results of all stages, a dict."""

    def seeds(function, count, *arguments):
        """Return the results of independent repetitions, a list."""
        fixed = [repeat(argument) for argument in arguments]
        return list(executor.map(function, *fixed, range(count), repeat(sizes)))

    results = {
        name: stage(folder, f"case_{name}", lambda name=name: seeds(case_errors, sizes.seeds, name))
        for name in sizes.cases
    }
    fields = {
        name: stage(
            folder, f"fields_{name}", lambda name=name: seeds(case_fields, sizes.seeds, name)
        )
        for name in sizes.cases
        if not CASES[name].step
    }
    warm = {
        name: {
            str(temperature): stage(
                folder,
                f"thermal_{name}_{temperature}",
                lambda name=name, temperature=temperature: seeds(
                    thermal_fields, sizes.seeds, name, temperature
                ),
            )
            for temperature in THERMAL_K
        }
        for name in sizes.thermal_cases
    }
    transfers = {
        name: stage(
            folder, f"transfer_{name}", lambda name=name: seeds(portability, sizes.seeds, name)
        )
        for name in sizes.transfers
    }
    worst = {
        name: {
            str(kelvin): stage(
                folder,
                f"worst_{name}_{kelvin}",
                lambda name=name, kelvin=kelvin: seeds(
                    thermal_statistics, sizes.seeds, name, kelvin
                ),
            )
            for kelvin in sizes.thermal_K
        }
        for name in sizes.references
    }
    widths = {
        name: {
            str(width): stage(
                folder,
                f"width_{name}_{width:g}",
                lambda name=name, width=width: seeds(width_errors, sizes.width_seeds, name, width),
            )
            for width in sizes.widths
        }
        for name in sizes.width_cases
    }
    inside = stage(folder, "coverage", lambda: seeds(coverage, sizes.seeds))
    cusps = {
        str(kelvin): stage(
            folder, f"beyond_{kelvin}", lambda kelvin=kelvin: seeds(beyond, sizes.seeds, kelvin)
        )
        for kelvin in sizes.cusp_K
    }
    curves = {
        str(kelvin): stage(
            folder, f"curve_{kelvin}", lambda kelvin=kelvin: seeds(curve, sizes.seeds, kelvin)
        )
        for kelvin in sizes.curve_K
    }
    exact = {
        name: stage(
            folder,
            f"exact_{name}",
            lambda name=name: seeds(least_squares, sizes.seeds, TRANSFERS[name]),
        )
        for name in ("one", "three")
    }
    drawn = {
        name: stage(folder, f"energies_{name}", lambda name=name: energies(name, sizes))
        for name in sizes.cases
        if not CASES[name].step
    }
    hot = {
        str(kelvin): stage(
            folder, f"thermal_{kelvin}", lambda kelvin=kelvin: thermal_tests(kelvin, sizes)
        )
        for kelvin in sizes.thermal_K
    }
    bcc = stage(folder, "crystals", lambda: crystals(sizes))
    runs = stage(folder, "magnetization", lambda: all_runs(sizes, executor))
    return {
        "cases": results,
        "fields": fields,
        "warm": warm,
        "portability": transfers,
        "worst": worst,
        "cusps": cusps,
        "curves": curves,
        "exact": exact,
        "widths": widths,
        "coverage": inside,
        "magnetization": runs,
        "energies": drawn,
        "relaxed": hot,
        "crystals": bcc,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", default="paper_soso", help="folder of all results")
    parser.add_argument("--fast", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count(), help="processes (default: all cores)"
    )
    arguments = parser.parse_args()
    sizes = FAST if arguments.fast else FULL
    folder = Path(arguments.output)
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "sizes.json"
    if kept.exists() and json.loads(kept.read_text()) != json.loads(json.dumps(vars(sizes))):
        raise SystemExit(f"{folder} holds results of other sizes: give another --output")
    kept.write_text(json.dumps(vars(sizes)))

    with pool(arguments.workers) as executor:
        results = compute(sizes, folder, executor)
    names = draw_all(results, folder)
    page = summary(results, sizes)
    (folder / "summary.md").write_text(page, encoding="utf-8")
    print(page)
    print(f"{len(names)} figures and summary.md are in {folder}")


if __name__ == "__main__":
    main()
