"""NiO from constrained DFT: a potential of moment vectors, two sets trained, the third tested.

The data are 151 frames of 32 atoms with energies, forces and magnetic forces (VASP with DeltaSpin)
that DeePMD-kit hands out as examples/spin/data_reformat: folders data_0, data_1 and data_2.

    python nio_magnetic_forces.py FOLDER [--tests 0 1 2] [--torque-factor 1.2] [--figures FOLDER]

Each of the fits takes one to two minutes on one core.
"""

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import ase_mag
from ase_mag import fitting, models
from ase_mag.core import NeighborList

#: Weights near 1 / (numbers x variance) of the labels, relative to the energy; those of the
#: magnetic forces, the least noisy labels, are three times that.
WEIGHTS = {"energy": 1.0, "forces": 0.01, "magforces": 0.1}
#: Moments are held at 1.2732-1.2740 mu_B; a frame with others did not converge (see `suspicious`).
SIZE, TOLERANCE = 1.2737, 0.001


def read_sets(folder):
    """Return the Datasets of data_0, data_1, data_2, or leave with a message."""
    folders = [Path(folder) / f"data_{k}" for k in range(3)]
    missing = [path.name for path in folders if not path.is_dir()]
    if missing:
        sys.exit(
            f"{folder} has no {', '.join(missing)}: give the folder with data_0, data_1 and data_2 "
            "(DeePMD-kit, examples/spin/data_reformat)"
        )
    return [fitting.read(path) for path in folders]


def suspicious(frame):
    """Whether a nickel moment of a frame is not of the size at which all others were held."""
    sizes = np.linalg.norm(ase_mag.get_moments(frame.atoms), axis=1)
    return bool(np.abs(sizes[sizes > 0] - SIZE).max() > TOLERANCE)


def without_suspicious(data):
    """Return the data without such frames."""
    return data[np.array([not suspicious(frame) for frame in data])]


def energy_over_torque(data):
    """Return how much larger derivatives of the energies are than the transverse labels, and error.

    Torques of -1/2 sum_ij [J c_ij + K c_ij^2], c = cos of the angle, over first and second Ni
    neighbors are fitted to the transverse magnetic forces; the energies of this Hamiltonian are
    then compared with those of the frames. Labels that are -dE/dM give a slope of 1. The squared
    force is beside them in that line as a measure of the elastic energy.
    """
    rows, fields, energies = [], [], []
    for frame in data:
        nickel = frame.atoms[frame.atoms.symbols == "Ni"]
        graph = NeighborList(nickel.numbers, nickel.pbc, 4.5).graph(nickel.positions, nickel.cell)
        moments = ase_mag.get_moments(nickel)
        size = np.linalg.norm(moments, axis=1)[:, None]
        u = moments / size
        i, j = graph.centers, graph.neighbors
        cosines = (u[i] * u[j]).sum(axis=1)
        energy, field = [], []
        for inside in (graph.distances < 3.6, graph.distances > 3.6):
            for power in (1, 2):
                energy.append(-0.5 * (inside * cosines**power).sum())
                pull = np.zeros_like(u)
                np.add.at(pull, i, (inside * power * cosines ** (power - 1))[:, None] * u[j])
                field.append((pull - (pull * u).sum(axis=1)[:, None] * u) / size)
        label = frame.labels["magforces"][frame.atoms.symbols == "Ni"]
        across = label - (label * u).sum(axis=1)[:, None] * u
        fields.append(np.column_stack([*(f.ravel() for f in field), across.ravel()]))
        rows.append([*energy, (frame.labels["forces"] ** 2).sum()])
        energies.append(frame.labels["energy"])
    fields, rows = np.concatenate(fields), np.array(rows)
    couplings = np.linalg.lstsq(fields[:, :-1], fields[:, -1], rcond=None)[0]
    columns = np.column_stack([rows[:, :-1] @ couplings, rows[:, -1], np.ones(len(rows))])
    slopes = np.linalg.lstsq(columns, energies, rcond=None)[0]
    variance = ((columns @ slopes - energies) ** 2).sum() / (len(rows) - 3)
    return float(slopes[0]), float(np.sqrt(variance * np.linalg.inv(columns.T @ columns)[0, 0]))


def with_torques_times(data, factor):
    """Return the data with the transverse part of all magnetic forces multiplied."""
    frames = []
    for frame in data:
        moments = ase_mag.get_moments(frame.atoms)
        sizes = np.linalg.norm(moments, axis=1)[:, None]
        u = moments / np.where(sizes > 0, sizes, 1.0)
        label = frame.labels["magforces"]
        along = (label * u).sum(axis=1)[:, None] * u
        labels = frame.labels | {"magforces": along + factor * (label - along)}
        frames.append(replace(frame, labels=labels))
    return fitting.Dataset(frames, data.references)


def new_potential(level=8, magnetic_basis=3):
    """Cutoff beyond the second Ni neighbors (4.19 angstrom), whose exchange by oxygen dominates."""
    return models.NoncollinearMomentTensorPotential(
        ("Ni", "O"),
        level=level,
        magnetic_basis=magnetic_basis,
        cutoff=5.0,
        n_radial_basis=6,
        r_min=1.9,
        max_moment=1.4,
        cutoff_power=3,
    )


@dataclass
class Parts:
    """Magnetic forces on nickel, labels and predictions, along and across the moments, eV/mu_B."""

    along: np.ndarray
    predicted_along: np.ndarray
    across: np.ndarray
    predicted_across: np.ndarray

    @property
    def r2(self):
        """1 - sum of squared errors / sum of squares: about the mean along, about zero across."""
        total = ((self.along - self.along.mean()) ** 2).sum(), (self.across**2).sum()
        along = ((self.along - self.predicted_along) ** 2).sum()
        across = ((self.across - self.predicted_across) ** 2).sum()
        return float(1 - along / total[0]), float(1 - across / total[1])


def parts(potential, data):
    """Return the longitudinal (n,) and transverse (n, 3) :class:`Parts` on nickel."""
    errors = fitting.compare(potential, data)["magforces"]
    labels, predicted = (1e-3 * v.reshape(-1, 3) for v in (errors.labels, errors.predicted))
    moments = np.concatenate([ase_mag.get_moments(f.atoms)[f.atoms.symbols == "Ni"] for f in data])
    along = moments / np.linalg.norm(moments, axis=1)[:, None]
    a, b = ((v * along).sum(axis=1) for v in (labels, predicted))
    return Parts(a, b, labels - a[:, None] * along, predicted - b[:, None] * along)


def train_and_test(sets, test, potential, **options):
    """Fit to the sets but one; return the FitReport and the Parts of the one."""
    train = [data for k, data in enumerate(sets) if k != test]
    train = train[0] + train[1]
    references = fitting.atomic_references(train)
    train, test = train.relative_to(references), sets[test].relative_to(references)
    options = {"weights": WEIGHTS, "max_iterations": 150, "progress": False} | options
    report = fitting.fit(potential, train, test=test, **options)
    return report, parts(potential, test)


def plot(report, found, path):
    """Parity of energies, forces, and the two parts of the magnetic forces on the test set."""
    from matplotlib.figure import Figure

    energy, force = report.test["energy"], report.test["forces"]
    mean = energy.labels.mean()
    panels = (
        ("energy (meV/atom)", energy.labels - mean, energy.predicted - mean),
        ("force (meV/Å)", force.labels, force.predicted),
        (
            r"longitudinal magnetic force (meV/$\mu_B$)",
            1e3 * found.along,
            1e3 * found.predicted_along,
        ),
        (
            r"transverse magnetic force (meV/$\mu_B$)",
            1e3 * found.across.ravel(),
            1e3 * found.predicted_across.ravel(),
        ),
    )
    figure = Figure(figsize=(12, 3.3), dpi=110, layout="constrained")
    for axes, (name, x, y) in zip(figure.subplots(1, 4), panels, strict=True):
        ends = [min(x.min(), y.min()), max(x.max(), y.max())]
        axes.plot(ends, ends, color="0.5", lw=0.8)
        axes.plot(x, y, ".", ms=3, alpha=0.5, color="C0", rasterized=True)
        axes.set(xlabel="DFT", ylabel="potential")
        axes.set_title(name, fontsize=9)
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", help="folder with data_0, data_1, data_2")
    parser.add_argument("--tests", type=int, nargs="+", default=[2], choices=[0, 1, 2])
    parser.add_argument("--iterations", type=int, default=150)
    parser.add_argument("--level", type=int, default=8)
    parser.add_argument("--magnetic-basis", type=int, default=3)
    parser.add_argument("--torque-factor", type=float, default=1.0, help="of transverse labels")
    parser.add_argument("--keep", action="store_true", help="keep frames that look unconverged")
    parser.add_argument("--figures", type=Path, help="folder for parity plots")
    options = parser.parse_args()
    sets = read_sets(options.folder)
    for k, data in enumerate(sets):
        left_out = [frame.index for frame in data if suspicious(frame)]
        print(f"data_{k}: {len(data)} frames, moments of another size in {left_out}")
    if not options.keep:
        sets = [without_suspicious(data) for data in sets]
    for k, data in enumerate(sets):
        slope, error = energy_over_torque(data)
        print(f"data_{k}: slope of energies by energies of the torques {slope:.4f} +- {error:.4f}")
    if options.torque_factor != 1:
        sets = [with_torques_times(data, options.torque_factor) for data in sets]
    for test in options.tests:
        potential = new_potential(options.level, options.magnetic_basis)
        report, found = train_and_test(sets, test, potential, max_iterations=options.iterations)
        print(f"\ntest on data_{test}\n{report}")
        for name, r2, labels, predicted in (
            ("longitudinal", found.r2[0], found.along, found.predicted_along),
            ("transverse", found.r2[1], found.across, found.predicted_across),
        ):
            rmse = 1e3 * np.sqrt(np.mean((labels - predicted) ** 2))
            print(f"{name:13s} R2 {r2:.4f}, RMSE {rmse:.2f}, spread {1e3 * labels.std():.2f}")
        if options.figures is not None:
            options.figures.mkdir(exist_ok=True)
            plot(report, found, options.figures / f"nio-test-{test}.png")


if __name__ == "__main__":
    main()
