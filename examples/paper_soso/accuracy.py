"""Errors of fits to 50 configurations on 2500 others: energies, fields, larger cells, widths."""

import numpy as np
from conditions import CASES, CHOICES, DESCRIPTOR, FITS, THERMAL_CASES, THERMAL_TRAIN
from heisenberg import configurations, pairs, thermal

from ase_mag import fitting, models
from ase_mag.core import get_moments

#: Field percentiles that are kept.
PERCENTILES = (1, 50, 99)
#: Fields below this part of the root mean square have hardly a direction.
SMALLEST = 0.1
#: |sum e|/N above which a configuration is nearly ferromagnetic.
ORDERED = 0.97


def fitted(train, name, **options):
    """Return a potential fitted to training data in one of the ways of FITS."""
    weights, given = FITS[name]
    potential = models.SpinOrientationPotential("Fe", **(DESCRIPTOR | given | options))
    fitting.fit(potential, train, weights, progress=False)
    return potential


def most_likely(train, name, **options):
    """Return the potential of largest evidence among those of CHOICES."""
    weights, given = FITS[name]
    candidates = [
        models.SpinOrientationPotential("Fe", **(DESCRIPTOR | given | options | choice))
        for choice in CHOICES
    ]
    return fitting.most_likely(candidates, train, weights)[0]


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

    RMSE and root mean square of components in meV/mu_B; angles (degrees) and ratios of the sizes
    (reference/predicted, as in the paper) of atoms whose field is above SMALLEST of the root mean
    square: percentiles, the largest angle, and the share below 5 degrees, also of configurations
    that are not nearly ferromagnetic.
    """
    labels = np.concatenate([frame.labels["magforces"] for frame in data])
    found = np.concatenate(fields(potential, data))
    norms = np.linalg.norm(labels, axis=1)
    large = norms > SMALLEST * rmse(norms)
    sine = np.linalg.norm(np.cross(labels, found), axis=1)
    angles = np.degrees(np.arctan2(sine, np.einsum("ic,ic->i", labels, found)))[large]
    disordered = np.repeat([_order(f) < ORDERED for f in data], [len(f) for f in data])[large]
    ratios = (norms / np.linalg.norm(found, axis=1))[large]
    return {
        "angle": np.percentile(angles, PERCENTILES).tolist(),
        "largest angle": float(angles.max()),
        "within 5 degrees": float(np.mean(angles < 5.0)),
        "disordered": float(np.mean(angles[disordered] < 5.0)) if disordered.any() else None,
        "ratio": np.percentile(ratios, PERCENTILES).tolist(),
        "used": float(np.mean(large)),
        "rmse": 1e3 * rmse(found - labels),
        "spread": 1e3 * rmse(labels),
    }


def _order(frame):
    moments = get_moments(frame.atoms)
    units = moments / np.linalg.norm(moments, axis=1)[:, None]
    return np.linalg.norm(units.mean(axis=0))


def fields(potential, data):
    """Return predicted magnetic forces of all frames, a list of (N, 3) arrays, eV/mu_B."""
    return [
        potential.evaluate(
            pairs(frame.atoms, potential.cutoff), get_moments(frame.atoms), lattice=False
        ).magforces
        for frame in data
    ]


def _generator(name, seed):
    """Return the random numbers of one set of configurations of a case."""
    return np.random.default_rng([seed, list(CASES).index(name)])


def case_errors(name, seed, sizes):
    """Return the RMSE of energies (meV/atom) of all fits of one case, a dict, and the spread."""
    case, rng = CASES[name], _generator(name, seed)
    train = configurations(case, sizes.train, rng, fields=not case.step)
    test = configurations(case, sizes.test, rng)
    energies = [frame.labels["energy"] / len(frame) for frame in test]
    out = {"spread": 1e3 * float(np.std(energies))}
    for how in case.fits:
        out[how] = rmse(energy_errors(fitted(train, how), test))
    return out


def case_fields(name, seed, sizes):
    """Return the errors of fields of all fits of one case, fitted as in ``case_errors``."""
    case, rng = CASES[name], _generator(name, seed)
    train = configurations(case, sizes.train, rng, fields=True)
    test = configurations(case, sizes.field_test, rng, fields=True)
    return {how: field_errors(fitted(train, how), test) for how in case.fits}


def thermal_fields(name, temperature, seed, sizes):
    """Return the errors of fields of all fits to configurations of a temperature (Fig. 2).

    As in the paper, directions are those of Heisenberg iron with fixed moments (and four shells) at
    that temperature, 25 of which are trained.
    """
    case, count = CASES[name], THERMAL_TRAIN + sizes.field_test
    units = thermal(CASES["fixed"], count, 2, temperature, seed)
    train, test = (
        configurations(case, len(part), np.random.default_rng(0), fields=True, units=part)
        for part in (units[:THERMAL_TRAIN], units[THERMAL_TRAIN:])
    )
    out = {}
    for how in THERMAL_CASES[name]:
        potential = fitted(train, how)
        out[how] = field_errors(potential, test) | {"energy": rmse(energy_errors(potential, test))}
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
    scaled = errors / deviations
    return {"inside": float(np.mean(np.abs(scaled) < 1)), "square": float(np.mean(scaled**2))}
