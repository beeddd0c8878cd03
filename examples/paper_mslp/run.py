"""Chapman and Ma, Sci. Rep. 12, 22451 (2022): the applications of their potential, with any model.

    python examples/paper_mslp/run.py --output paper            # about 45 minutes on one core
    python examples/paper_mslp/run.py --output paper --small    # 5 minutes: a quarter of the atoms
    python examples/paper_mslp/run.py --output paper --fast     # numbers mean nothing
    python examples/paper_mslp/run.py --output paper --paper    # loops in 128,265 and 139,287 atoms

With ``--model FeHL-1`` the first takes 10 minutes and ``--fast`` seconds.

Magnetic phases (Table 1), point defects (Table 2, Fig. 2), lattice constant and magnetization
against temperature (Fig. 1), a quench from the paramagnet, and prismatic loops, relaxed and at 10 K
and 800 K, with maps of stress and moments (Figs. 3 and 4). ``--model`` is a named parameter set or
the file of a saved model. Every stage is kept in the output folder: a job that was stopped goes on
where it was.
"""

import argparse
import functools
import json
from pathlib import Path

import fluctuations
import loops
import snapshots
from comparison import summary
from conditions import DEFAULT, FAST, PAPER, SMALL, load
from figures import draw_all
from heating import averages, heat, quench
from stages import stage

from ase_mag.analysis import formation_energies, phase_table


def phases(model):
    """Table 1 as numbers."""
    return [
        {
            "phase": f"{phase.structure} {phase.order}",
            "a": phase.a,
            "moment": phase.moment,
            "energy": phase.energy,
            "difference": phase.difference,
            "exists": phase.exists,
            "message": phase.message,
        }
        for phase in phase_table(model)
    ]


def defects(model, sizes):
    """Table 2 as numbers."""
    found = formation_energies(model, sizes=sizes.defect_cells)
    names = ("kind", "size", "n_atoms", "energy", "moments", "fmax", "converged")
    return {
        "rows": [{name: getattr(row, name) for name in names} for row in found],
        "extrapolated": {
            kind: found.extrapolated(kind) for kind in dict.fromkeys(row.kind for row in found)
        },
    }


def compute(model, sizes, folder):
    """Return the results of all stages, a dict."""
    results = {"phases": stage(folder, "phases", lambda: phases(model))}
    ground = next(row for row in results["phases"] if row["phase"] == "bcc FM")
    if not ground["exists"]:
        raise SystemExit(f"the model has no ferromagnetic bcc crystal: {ground['message']}")
    results["defects"] = stage(folder, "defects", lambda: defects(model, sizes))
    heated = heat(model, ground["a"], ground["moment"], sizes, folder)
    results["averages"] = averages(heated, sizes)
    results["tc"] = heated.curie_estimate()
    results["fluctuations"] = fluctuations.compute(model, ground, sizes, folder)
    results["snapshots"] = snapshots.compute(model, ground, sizes, folder)
    results["quench"] = quench(model, heated, sizes, folder)
    results["loops"] = loops.compute(model, ground, sizes, folder)
    results["ground"] = ground
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", default="paper_mslp", help="folder of all results")
    parser.add_argument(
        "--model", default="Fe-MSLP-FeHL1", help="name of a model, or the file of one"
    )
    sizes = parser.add_mutually_exclusive_group()
    add = functools.partial(sizes.add_argument, dest="sizes", action="store_const", default=DEFAULT)
    add("--fast", const=FAST, help="to see that it runs")
    add("--small", const=SMALL, help="a quarter of the atoms, half of the steps")
    add("--paper", const=PAPER, help="loops as large as in the paper")
    arguments = parser.parse_args()
    sizes = arguments.sizes
    model = load(arguments.model)
    folder = Path(arguments.output)
    folder.mkdir(parents=True, exist_ok=True)
    job = json.loads(json.dumps({"model": arguments.model, **vars(sizes)}))
    kept = folder / "job.json"
    if kept.exists() and json.loads(kept.read_text()) != job:
        raise SystemExit(f"{folder} holds results of another job: give another --output")
    kept.write_text(json.dumps(job))

    results = compute(model, sizes, folder)
    names = draw_all(results, sizes, folder)
    page = summary(results, sizes, Path(arguments.model).name)
    (folder / "summary.md").write_text(page, encoding="utf-8")
    print(page)
    print(f"{len(names)} figures and summary.md are in {folder}")


if __name__ == "__main__":
    main()
