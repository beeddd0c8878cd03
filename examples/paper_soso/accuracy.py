"""Errors of fits to 50 configurations on 2500 others: energies, fields, larger cells, widths."""

import numpy as np
from conditions import CASES, DESCRIPTOR, FITS
from heisenberg import configurations, pairs

from ase_mag import fitting, models
from ase_mag.core import get_moments

#: Field percentiles that are kept.
PERCENTILES = (1, 50, 99)


def fitted(train, name, **options):
    """Return a potential fitted to training data in one of the ways of FITS."""
    weights, given = FITS[name]
    potential = models.SpinOrientationPotential("Fe", **(DESCRIPTOR | given | options))
    fitting.fit(potential, train, weights, progress=False)
    return potential


def energy_errors(potential, data):
    """Return differences of energies of all frames, meV/atom, (n_frames,)."""
    out = []
    for frame in data:
        graph = pairs(frame.atoms, potential.cutoff)
        found = potential.evaluate(graph, get_moments(frame.atoms), lattice=False)
        out.append(1e3 * (found.energy - frame.labels["energy"]) / len(frame))
    return np.array(out)


def rmse(values):
    """Return the root mean square."""
    return float(np.sqrt(np.mean(np.square(values))))


def field_errors(potential, data):
    """Return how predicted fields differ from those of the reference, a dict of numbers.

    angle (degrees) and ratio of the sizes (reference/predicted, as in the paper) over all atoms:
    percentiles, the largest angle, and the RMSE of components in meV/mu_B.
    """
    angles, ratios, differences = [], [], []
    for frame in data:
        graph = pairs(frame.atoms, potential.cutoff)
        found = potential.evaluate(graph, get_moments(frame.atoms), lattice=False).magforces
        label = frame.labels["magforces"]
        sizes = [np.linalg.norm(vectors, axis=1) for vectors in (label, found)]
        sine = np.linalg.norm(np.cross(label, found), axis=1)
        angles.append(np.degrees(np.arctan2(sine, np.einsum("ic,ic->i", label, found))))
        ratios.append(sizes[0] / sizes[1])
        differences.append(1e3 * (found - label))
    angles, ratios = np.concatenate(angles), np.concatenate(ratios)
    return {
        "angle": np.percentile(angles, PERCENTILES).tolist(),
        "largest angle": float(angles.max()),
        "within 5 degrees": float(np.mean(angles < 5.0)),
        "ratio": np.percentile(ratios, PERCENTILES).tolist(),
        "rmse": rmse(np.concatenate(differences)),
        "spread": rmse(1e3 * np.concatenate([frame.labels["magforces"] for frame in data])),
    }


def case_errors(name, seed, sizes):
    """Return the errors of all fits of one case with one set of configurations, a dict."""
    case, rng = CASES[name], np.random.default_rng([seed, list(CASES).index(name)])
    fields = not case.step
    train = configurations(case, sizes.train, rng, fields=fields)
    test = configurations(case, sizes.test, rng, fields=fields)
    energies = [frame.labels["energy"] / len(frame) for frame in test]
    out = {"spread": 1e3 * float(np.std(energies))}
    for how in case.fits:
        potential = fitted(train, how)
        found = {"energy": rmse(energy_errors(potential, test))}
        if fields:
            found["fields"] = field_errors(potential, test[: sizes.test // 5])
        out[how] = found
    return out


def width_errors(name, width, seed, sizes):
    """Return the RMSE of energies (meV/atom) with one spin width."""
    case, rng = CASES[name], np.random.default_rng([seed, 100])
    train = configurations(case, sizes.train, rng)
    test = configurations(case, sizes.width_test, rng)
    return rmse(energy_errors(fitted(train, "linear", spin_width=width), test))


def coverage(seed, sizes):
    """Return how often the error of eq 41 energies is within one predicted deviation."""
    case, rng = CASES["eq41"], np.random.default_rng([seed, 200])
    train = configurations(case, sizes.train, rng)
    test = configurations(case, sizes.width_test, rng)
    potential = fitted(train, "linear")
    posterior = fitting.LinearPosterior(potential, train, {"energy": 1.0})
    errors = energy_errors(potential, test)
    deviations = np.array(
        [1e3 * posterior.uncertainty(frame.atoms).energy / len(frame) for frame in test]
    )
    noise = 1e3 * posterior.noise("energy") / len(test[0])
    scaled = errors / np.hypot(deviations, noise)
    return {"inside": float(np.mean(np.abs(scaled) < 1)), "square": float(np.mean(scaled**2))}
