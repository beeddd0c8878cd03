"""NiO from constrained DFT: GAP-SOSO, energies and torques of two sets trained, the third tested.

The data are those of nio_magnetic_forces.py. Only the part of the magnetic forces across the
moments counts: the potential knows directions, not sizes.

    python nio_spin_orientations.py FOLDER [--tests 0 1 2] [--torque-factor 1.2]

Each fit takes half a minute on one core.
"""

import argparse
import warnings

import numpy as np
from nio_magnetic_forces import WEIGHTS, read_sets, with_torques_times, without_suspicious

from ase_mag import fitting, models
from ase_mag.core import PairGraph, get_moments


def new_potential():
    """Return an unfitted potential: two-body exchange up to the fourth power of e_i.e_j."""
    # Superexchange reaches farther than the nearest nickel: no decay is expected.
    return models.SpinOrientationPotential(
        ("Ni", "O"), cutoff=6.0, n_radial=10, l_max=3, decay=None
    )


def field_angles(potential, data):
    """Return angles (degrees) between fields and labels, and ratios label/prediction, of nickel.

    Only of labels above their root mean square: the others have hardly a direction.
    """
    labels = np.concatenate([frame.labels["magforces"] for frame in data])
    least = np.sqrt(np.nanmean(np.square(labels[~np.isnan(labels).any(axis=1)]).sum(axis=1)))
    angles, ratios = [], []
    for frame in data:
        atoms = frame.atoms
        label = frame.labels["magforces"]
        large = np.nan_to_num(np.linalg.norm(label, axis=1)) > least
        graph = PairGraph.build(
            atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, potential.cutoff
        )
        found = potential.evaluate(graph, get_moments(atoms), lattice=False).magforces[large]
        label = label[large]
        sine = np.linalg.norm(np.cross(label, found), axis=1)
        angles.append(np.degrees(np.arctan2(sine, np.einsum("ic,ic->i", label, found))))
        ratios.append(np.linalg.norm(label, axis=1) / np.linalg.norm(found, axis=1))
    return np.concatenate(angles), np.concatenate(ratios)


def fit_and_test(sets, test):
    """Fit to all sets but one; return the potential, the report, angles and ratios of that one."""
    train = fitting.Dataset(
        [frame for k, data in enumerate(sets) if k != test for frame in data.perpendicular()]
    )
    potential = new_potential()
    with warnings.catch_warnings():
        # Oxygen has no moments, and one composition does not tell the constants of both apart.
        warnings.filterwarnings("ignore", message=r".*moments of Ni, O are below|the data determ")
        held_out = sets[test].perpendicular()
        report = fitting.fit(potential, train, WEIGHTS, test=held_out, progress=False)
    return potential, report, *field_angles(potential, held_out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", help="folder with data_0, data_1, data_2")
    parser.add_argument("--tests", type=int, nargs="+", default=[2], choices=[0, 1, 2])
    parser.add_argument("--torque-factor", type=float, default=1.0, help="of transverse labels")
    options = parser.parse_args()
    sets = [without_suspicious(data) for data in read_sets(options.folder)]
    if options.torque_factor != 1:
        sets = [with_torques_times(data, options.torque_factor) for data in sets]
    for test in options.tests:
        _, report, angles, ratios = fit_and_test(sets, test)
        print(f"\ntest on data_{test}\n{report}")
        print(
            f"{len(angles)} fields above the root mean square: angles {np.median(angles):.2f} "
            f"(median), {np.percentile(angles, 99):.2f} (99 %), {angles.max():.2f} (largest) "
            f"degrees; ratios {np.percentile(ratios, 1):.3f} to {np.percentile(ratios, 99):.3f}"
        )


if __name__ == "__main__":
    main()
