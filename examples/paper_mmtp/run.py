"""Kotykhov et al., Comput. Mater. Sci. 245, 113331 (2024), remade on the synthetic FeAlHL-1.

    python examples/paper_mmtp/run.py --output paper            # about 15 minutes on 2 cores
    python examples/paper_mmtp/run.py --output paper --fast     # seconds; numbers mean nothing
    python examples/paper_mmtp/run.py --output more --frames 315    # half an hour or more

21 arrangements of aluminum on bcc and frames around them, magnetic moment tensor potentials with
and without magnetic forces in the loss (Fig. 2, Tables 1 and 2), equilibrium moments (Table 3),
relaxed alloys (Table 4, Figs. 5 and 6), expansion at 300 K (Fig. 7). Every stage is kept in the
output folder: a job that was stopped goes on where it was.
"""

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path

from alloys import crystals
from comparison import summary
from conditions import FAST, FULL, LARGEST_USED, key, names
from expansion import expand
from figures import draw_all
from predictions import equilibrate, relax_alloys
from stages import pool, stage
from training import ensembles, errors_on, other_data, relaxed_alloys, scan, training_data


def compute(sizes, folder, executor):
    """Return the results of all stages, a dict."""
    starts = relaxed_alloys(sizes, folder)
    frames, data = training_data(starts, sizes, folder)
    fitted = ensembles(data, sizes, folder, executor)
    results = {"errors": stage(folder, "errors", lambda: errors_on(data, fitted))}
    other = other_data(starts, sizes, folder)
    results["tested"] = stage(folder, "tested", lambda: errors_on(other, fitted))
    results["scan"] = scan(data, sizes, folder, executor)
    used = {name: fitted[name] for name in names(sizes, LARGEST_USED)}
    results["moments"] = stage(folder, "moments", lambda: equilibrate(frames, used, executor))
    found = stage(folder, "relaxed", lambda: relax_alloys(starts, used, executor))
    results["alloys"] = found
    best = fitted[key(sizes.expansion_basis, max(sizes.weights))].members[0]
    results["expansion"] = stage(
        folder, "expansion", lambda: expand(starts, found, best, sizes, executor)
    )
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", default="paper_mmtp", help="folder of all results")
    parser.add_argument("--fast", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--frames", type=int, help="training frames (default: 105)")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count(), help="processes (default: all cores)"
    )
    arguments = parser.parse_args()
    sizes = FAST if arguments.fast else FULL
    if arguments.frames is not None:
        sizes = replace(sizes, frames=arguments.frames)
    folder = Path(arguments.output)
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "sizes.json"
    if kept.exists() and json.loads(kept.read_text()) != json.loads(json.dumps(vars(sizes))):
        raise SystemExit(f"{folder} holds results of other sizes: give another --output")
    kept.write_text(json.dumps(vars(sizes)))

    with pool(arguments.workers) as executor:
        results = compute(sizes, folder, executor)
    names = draw_all(results, crystals(), sizes, folder)
    page = summary(results, sizes)
    (folder / "summary.md").write_text(page, encoding="utf-8")
    print(page)
    print(f"{len(names)} figures and summary.md are in {folder}")


if __name__ == "__main__":
    main()
