"""Cross-validation against the weight of magnetic forces, and ensembles of every magnetic basis."""

from concurrent.futures import ThreadPoolExecutor

import alloys
import numpy as np
import stages
from conditions import WEIGHTS, key, potential

from ase_mag import fitting


def relaxed_alloys(sizes, folder):
    """Return the arrangements as the reference relaxes them, with all its labels."""
    return stages.frames(
        folder,
        "alloys",
        lambda: [alloys.relaxed(atoms) for atoms in alloys.crystals()[:: sizes.arrangements]],
    )


def training_data(starts, sizes, folder):
    """Return the training frames as atoms and as a data set."""
    frames = stages.frames(folder, "frames", lambda: alloys.training_set(starts, sizes.frames))
    return frames, fitting.read(folder / "frames.extxyz")


def other_data(starts, sizes, folder):
    """Return as many frames again that no fit has seen."""
    stages.frames(folder, "other", lambda: alloys.training_set(starts, sizes.frames, seed=2))
    return fitting.read(folder / "other.extxyz")


def scan(data, sizes, folder, executor):
    """Return {weight: {label: [mean, standard error]}} of validation with basis 2 (Fig. 2)."""

    def validate(weight):
        found = fitting.cross_validate(
            potential(sizes, 2),
            data,
            sizes.folds,
            rng=2,
            executor=executor,
            weights=WEIGHTS | {"magforces": weight},
            max_iterations=sizes.scan_iterations,
        )
        return {label: np.multiply(found[label], scale(label)).tolist() for label in found.labels}

    return {
        weight: stages.stage(folder, f"scan_w{weight:g}", lambda w=weight: validate(w))
        for weight in sizes.scan_weights
    }


def ensembles(data, sizes, folder, executor):
    """Return {name: Ensemble} for every magnetic basis and weight, from other first parameters."""

    def fitted(basis, weight):
        return fitting.ensemble(
            potential(sizes, basis),
            data,
            sizes.members,
            rng=basis,
            method="start",
            scatter=1.0,
            executor=executor,
            weights=WEIGHTS | {"magforces": weight},
            max_iterations=dict(zip(sizes.bases, sizes.iterations, strict=True))[basis],
        )

    def kept(case):
        name = f"ensemble_{key(*case).replace(' ', '_')}"
        return key(*case), stages.model(folder, name, lambda: fitted(*case))

    cases = [(basis, weight) for basis in sizes.bases for weight in sizes.weights]
    with ThreadPoolExecutor(2) as threads:  # so that no process waits for the last member
        return dict(threads.map(kept, cases))


def errors_on(data, ensembles):
    """Return {name: {label: RMSE of every member}} over all frames (Table 2)."""
    out = {}
    for name, ensemble in ensembles.items():
        found = [fitting.compare(member, data) for member in ensemble.members]
        out[name] = {
            label: [errors[label].rmse * scale(label) for errors in found] for label in data.labels
        }
        out[name]["parameters"] = ensemble.members[0].n_parameters
    return out


def scale(label):
    """Return the factor from all components of a label to those that are not zero by symmetry.

    Errors of magnetic forces are averages over three components; here only one is there.
    """
    return np.sqrt(3.0) if label == "magforces" else 1.0


def mean_and_band(values):
    """Return mean and two standard deviations of the members."""
    return float(np.mean(values)), 2.0 * float(np.std(values, ddof=1))
