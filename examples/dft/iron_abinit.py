"""Iron from constrained ABINIT: potentials of moments, cross-validated, and what they say of iron.

    python iron_abinit.py FILE [FILE ...] [--landscapes FILE] [--output FOLDER] [--members 6]

FILE: frames with energies, forces, stresses and magnetic forces that `reference.campaign` or
`reference.read_outputs` wrote, with energies of one setting; --landscapes: scans of one moment with
`landscape` in their info. A fit of 300 frames takes ten seconds on one core.
"""

import argparse
import copy
import sys
from pathlib import Path

import numpy as np
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read
from ase.neighborlist import neighbor_list
from scipy.optimize import minimize_scalar

import ase_mag
from ase_mag import fitting, lsf, models
from ase_mag.core import NeighborList

#: Near 1 / (numbers x variance) of the labels of two-atom cells, relative to the energy.
WEIGHTS = {"energy": 1.0, "forces": 0.05, "stress": 0.01, "magforces": 2.0}
OPTIONS = {"weights": WEIGHTS, "max_iterations": 45}


def read_data(files, landscapes=None, shortest=2.0):
    """Return a Dataset, relative to the mean energy; one scan is one group.

    Frames with a distance below ``shortest`` (angstrom) are left out: they are few, far from all
    others, and their errors say how polynomials extrapolate.
    """
    files = [Path(path) for path in files]
    missing = [str(path) for path in [*files, landscapes] if path and not Path(path).exists()]
    if missing:
        sys.exit(f"there is no {', '.join(missing)}: give files of labelled frames of iron")
    data = fitting.Dataset([])
    for path in files:
        frames = fitting.read(path)
        data += frames.grouped([f"{path.stem} {k}" for k in range(len(frames))])
    if landscapes:
        data += fitting.read(landscapes, groups="landscape")
    near = np.array([neighbor_list("d", frame.atoms, 3.5).min() for frame in data])
    return data[near > shortest].relative_to()


def new_potential(collinear=True):
    """Mendelev's potential, for short distances and as a start, and a moment tensor potential."""
    family = models.MomentTensorPotential if collinear else models.NoncollinearMomentTensorPotential
    return models.mendelev_2003() + family(
        "Fe",
        level=8,
        magnetic_basis=3,
        cutoff=6.0,
        n_radial_basis=6,
        r_min=1.8,
        max_moment=3.0,
        cutoff_power=3,
        onsite=3,
    )


def evaluated(model, atoms):
    """Return the energy (eV) and the magnetic forces along z (eV/mu_B) of a model."""
    lists = NeighborList(atoms.numbers, atoms.pbc, model.cutoff)
    response = model.evaluate(
        lists.graph(atoms.positions, atoms.cell), ase_mag.get_moments(atoms), lattice=False
    )
    return response.energy, response.magforces[:, 2]


def left_out_landscapes(potential, data, path, folds=5, rng=1):
    """Return landscapes of DFT, and of potentials that were fitted without the scan (two tables).

    Both are quartic fits to energies at the same sizes of the moment.
    """
    scans = np.array([frame.source == str(path) for frame in data])
    told = {}
    for train, test in data[scans].folds(folds, rng):
        fitted = copy.deepcopy(potential)
        fitting.fit(fitted, data[~scans] + train, progress=False, **OPTIONS)
        told |= {frame.index: evaluated(fitted, frame.atoms)[0] for frame in test}
    frames = read(path, ":")
    predicted = [frame.copy() for frame in frames]
    for k, frame in enumerate(predicted):
        frame.calc = SinglePointCalculator(frame, energy=told[k])
    return [
        lsf.landscapes_from_frames(f, reference=bulk("Fe", a=2.85, cubic=True), largest_error=0.05)
        for f in (frames, predicted)
    ]


def errors_by_group(potential, data, folds=4, rng=1, **options):
    """Return {(file, atoms, parallel moments): rows of energy error and label, eV/atom, and mean
    squared error of magnetic forces along z}, of frames left out in turn."""
    rows = {}
    for train, test in data.folds(folds, rng):
        fitted = copy.deepcopy(potential)
        fitting.fit(fitted, train, progress=False, **OPTIONS | options)
        for frame in test:
            energy, magforces = evaluated(fitted, frame.atoms)
            signs = np.sign(ase_mag.get_moments(frame.atoms)[:, 2])
            group = Path(frame.source).stem, len(frame), bool(np.ptp(signs) < 2)
            label, error = frame.labels["energy"], magforces - frame.labels["magforces"][:, 2]
            values = (energy - label) / len(frame), label / len(frame), np.mean(error**2)
            rows.setdefault(group, []).append(values)
    return {group: np.array(values) for group, values in sorted(rows.items())}


def cell(a, antiferro=False, size=2.2):
    """Return two atoms of bcc iron, neighbors parallel or antiparallel."""
    atoms = bulk("Fe", a=a, cubic=True)
    ase_mag.set_moments(atoms, [size, -size if antiferro else size])
    return atoms


def lowest_energy(model, a, antiferro=False, bounds=(0.5, 2.95)):
    """Return the lowest energy per atom over equal sizes of the moments, and the size."""
    found = minimize_scalar(
        lambda m: evaluated(model, cell(a, antiferro, m))[0] / 2,
        bounds=bounds,
        method="bounded",
        options={"xatol": 1e-4},
    )
    return found.fun, found.x


def phases(model, lattice=(2.70, 2.98)):
    """Return a (angstrom), moment (mu_B), bulk modulus (GPa) of the ferromagnet, then of the
    antiferromagnet a, moment, energy above the ferromagnet (eV/atom): six numbers."""
    out, lowest = [], []
    grid = np.linspace(*lattice, 15)
    for antiferro in (False, True):
        energies = np.array([lowest_energy(model, a, antiferro)[0] for a in grid])
        curve = np.polynomial.Polynomial.fit(grid, energies, 4)
        found = minimize_scalar(curve, bounds=lattice, method="bounded")
        lowest.append(found.fun)
        out += [found.x, lowest_energy(model, found.x, antiferro)[1]]
        if not antiferro:
            # V = a^3/2 per atom: B = V d2E/dV2 = (2/9) E''(a)/a at the minimum.
            out.append(2 / 9 * curve.deriv(2)(found.x) / found.x * 160.21766)
    return np.array([*out, lowest[1] - lowest[0]])


def plot(ensemble, tables, data, path):
    """Left-out landscapes, equations of state, parity of the training set."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 3.4), dpi=110, layout="constrained")
    first, second, third = figure.subplots(1, 3)
    for k, name in enumerate(("a", "b")):
        x, y = (getattr(table, name) * (1, 10)[k] for table in tables)
        label = (r"a (eV/$\mu_B^2$)", r"10 b (eV/$\mu_B^4$)")[k]
        first.plot(x, y, ".", color=f"C{k}", label=label)
    ends = np.array(first.get_xlim())
    first.plot(ends, ends, color="0.5", lw=0.8)
    first.set(xlabel="DFT", ylabel="potential", title="landscapes left out")
    first.legend(fontsize=8, frameon=False)
    grid = np.linspace(2.70, 2.98, 15)
    base = None
    for antiferro, name in ((False, "ferromagnet"), (True, "antiferromagnet")):
        curves = np.array(
            [[lowest_energy(m, a, antiferro)[0] for a in grid] for m in ensemble.members]
        )
        base = curves.mean(0).min() if base is None else base
        second.errorbar(
            grid, 1e3 * (curves.mean(0) - base), 1e3 * curves.std(0, ddof=1), label=name, capsize=2
        )
    second.set(xlabel="a (Å)", ylabel="energy (meV/atom)", title="relaxed sizes")
    second.legend(fontsize=8, frameon=False)
    found = fitting.compare(ensemble, data)["magforces"]
    used = found.labels != 0
    third.plot(found.labels[used], found.predicted[used], ".", ms=3, alpha=0.5, rasterized=True)
    ends = np.array([found.labels.min(), found.labels.max()])
    third.plot(ends, ends, color="0.5", lw=0.8)
    third.set(xlabel="DFT", ylabel="potential", title=r"magnetic force (meV/$\mu_B$)")
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--landscapes", help="file of scans")
    parser.add_argument("--members", type=int, default=6, help="of the ensemble")
    parser.add_argument("--output", type=Path, default=Path("iron"))
    parser.add_argument(
        "--parts",
        nargs="+",
        default=["errors", "curve", "groups", "transfer", "landscapes", "ensemble"],
    )
    options = parser.parse_args()
    options.output.mkdir(exist_ok=True)
    data = read_data(options.files, options.landscapes)
    print(data.summary(), flush=True)
    if "errors" in options.parts:
        for collinear in (True, False):
            potential = new_potential(collinear)
            count = potential.terms[1].n_parameters
            print(f"{'collinear' if collinear else 'vectors'}, {count} parameters")
            print(fitting.cross_validate(potential, data, 4, rng=1, **OPTIONS), flush=True)
    if "curve" in options.parts:
        sizes = [len(data) // n for n in (8, 4, 2)]
        print(fitting.learning_curve(new_potential(), data, sizes, 4, rng=1, **OPTIONS), flush=True)
    if "groups" in options.parts:
        for group, rows in errors_by_group(new_potential(collinear=False), data).items():
            energy, magforces = 1e3 * np.sqrt(np.mean(rows[:, 0] ** 2)), np.sqrt(rows[:, 2].mean())
            text = f"{len(rows)} frames, energy {energy:.2f} (spread {1e3 * rows[:, 1].std():.1f})"
            print(*group, f"{text} meV/atom, magforces {1e3 * magforces:.1f} meV/mu_B", flush=True)
    if "transfer" in options.parts:
        large = np.array([len(frame) > 2 for frame in data])
        print("fitted to cells of two atoms, judged by those of four")
        print(fitting.fit(new_potential(), data[~large], test=data[large], **OPTIONS), flush=True)
    tables = None
    if "landscapes" in options.parts and options.landscapes:
        tables = left_out_landscapes(new_potential(), data, options.landscapes)
        for name in ("a", "b", "minimum"):
            error = np.abs(getattr(tables[0], name) - getattr(tables[1], name))
            deviation = error.std(ddof=1) / np.sqrt(len(error))
            print(f"left out: mean |error| of {name}: {error.mean():.5f} +- {deviation:.5f}")
        sys.stdout.flush()
    if "ensemble" in options.parts:
        ensemble = fitting.ensemble(
            new_potential(), data, options.members, rng=1, method="bootstrap", **OPTIONS
        )
        ensemble.save(options.output / "iron.npz")
        values = np.array([phases(member) for member in ensemble.members])
        names = ("FM a", "FM m", "FM B (GPa)", "AFM a", "AFM m", "AFM - FM (eV/atom)")
        for name, column in zip(names, values.T, strict=True):
            print(f"{name:20s} {column.mean():9.4f} +- {column.std(ddof=1):.4f}")
        if tables is not None:
            plot(ensemble, tables, data, options.output / "iron-abinit.png")


if __name__ == "__main__":
    main()
