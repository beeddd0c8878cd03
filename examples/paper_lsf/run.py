"""Brannvall et al., Phys. Rev. B 105, 144417 (2022), remade on the synthetic reference FeHL-1.

    python examples/paper_lsf/run.py --output paper            # some minutes
    python examples/paper_lsf/run.py --output paper --fast     # seconds; numbers mean nothing

Landscapes of 752 moments at the Curie temperature and 54 at 7 angstrom^3/atom and 6000 K, what
can be learned from them (Fig. 1, Tables II and III, Figs. 4-7), and coupled dynamics with learned
moment sizes beside ferromagnetic and nonmagnetic runs (Figs. 8 and 9). Every stage is kept in the
output folder: a job that was stopped goes on where it was.
"""

import argparse
import json
from pathlib import Path
from time import perf_counter

from comparison import summary
from conditions import FAST, FULL
from figures import draw_all
from learning import learn, transfer
from simulations import core_runs, curie_runs, predictors
from tables import core_table, curie_table


def stage(folder, name, compute):
    """Return the kept result of a stage, or compute and keep it."""
    path = folder / f"{name}.json"
    if not path.exists():
        start = perf_counter()
        text = json.dumps(compute(), default=float)
        part = path.with_suffix(".part")
        part.write_text(text)
        part.replace(path)
        print(f"{name}: {perf_counter() - start:.1f} s", flush=True)
    return json.loads(path.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", default="paper_lsf", help="folder of all results")
    parser.add_argument("--fast", action="store_true", help="small sizes, to see that it runs")
    arguments = parser.parse_args()
    sizes = FAST if arguments.fast else FULL
    folder = Path(arguments.output)
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "sizes.json"
    if kept.exists() and json.loads(kept.read_text()) != json.loads(json.dumps(vars(sizes))):
        raise SystemExit(f"{folder} holds results of other sizes: give another --output")
    kept.write_text(json.dumps(vars(sizes)))

    curie, ordered = curie_table(sizes, folder)
    core = core_table(folder)
    at_curie, at_core = predictors(curie, ordered, core)
    learned = stage(folder, "learned", lambda: learn(curie, sizes))
    results = dict(zip(("errors", "curves", "baselines"), learned, strict=True))
    results["transfer"] = stage(folder, "transfer", lambda: transfer(curie, core, sizes))
    results["curie"] = stage(folder, "curie", lambda: curie_runs(at_curie, sizes, folder))
    everything = curie + ordered + core
    results["core"] = stage(folder, "core", lambda: core_runs(at_core, everything, sizes, folder))
    names = draw_all(results, curie, core, folder)
    page = summary(results, curie, core)
    (folder / "summary.md").write_text(page, encoding="utf-8")
    print(page)
    print(f"{len(names)} figures and summary.md are in {folder}")


if __name__ == "__main__":
    main()
