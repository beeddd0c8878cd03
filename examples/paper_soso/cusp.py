"""Fields of eq 41 beyond 5 degrees: the cusp of its arccosine, and what more data or terms change.

Two neighbors that turn through parallel have sizes with a kink, dM/d(angle) = -0.6/(n pi), so that
their fields jump there. Rounded off, arccos(cos(rounding) e_i.e_j), nothing else changes.
"""

from dataclasses import replace

import numpy as np
from accuracy import fields, fitted, rmse
from conditions import CASES, FITS, THERMAL_TRAIN
from heisenberg import FIRST_SHELL, configurations, pairs, thermal
from worst import LARGEST, angles_between, visible

from ase_mag import fitting, models
from ase_mag.core import get_moments

#: Degrees: how far the cusp is rounded off, and the edges of angles to the nearest direction.
ROUNDINGS, EDGES = (0.0, 5.0, 10.0), (0.0, 2.5, 5.0, 10.0, 180.0)
#: The fit that finds most of the fields of eq 41.
BEST = "sparse, l ≤ 12, fields"
#: Learning curves: l_max, spin width, and numbers of configurations.
RESOLUTIONS = ((12, 0.25, (25, 50, 100, 200)), (16, 0.15, (25, 50, 100)))


def nearest_direction(frame):
    """Return the smallest angle (degrees) of each moment to those of its nearest neighbors."""
    graph = pairs(frame.atoms, FIRST_SHELL)
    moments = get_moments(frame.atoms)
    angles = angles_between(moments[graph.centers], moments[graph.neighbors])
    out = np.full(len(moments), 180.0)
    np.minimum.at(out, graph.centers, angles)
    return out


def directions_of(temperature, count, seed):
    """Return thermal directions, or those of all tests without a temperature if it is None."""
    if temperature is not None:
        return thermal(CASES["fixed"], count, 2, temperature, seed)
    data = configurations(CASES["fixed"], count, np.random.default_rng([seed, 500]))
    return [get_moments(f.atoms) / np.linalg.norm(get_moments(f.atoms)[0]) for f in data]


def labelled(directions, rounding=0.0):
    """Return configurations of eq 41 with given directions, a Dataset."""
    case, rng = replace(CASES["eq41"], rounding=rounding), np.random.default_rng(0)
    return configurations(case, len(directions), rng, fields=True, units=directions)


def stacked(data):
    """Return the fields of all frames, (n, 3)."""
    return np.concatenate([frame.labels["magforces"] for frame in data])


def beyond(temperature, seed, sizes):
    """Return shares of visible fields beyond 5 degrees, where they are, and without the cusp.

    Parameters
    ----------
    temperature : K, trained on 25 configurations; None: all angles, trained on 50.

    Returns
    -------
    dict
        by 'rounding' (a string, degrees): 'beyond' (share), 'power' (their share of the sum of
        squares of all fields) and 'relative' (RMSE of fields over their root mean square);
        'edges': [number, beyond] between EDGES of the angle to the nearest direction, with the
        cusp.
    """
    count = sizes.train if temperature is None else THERMAL_TRAIN
    units = directions_of(temperature, count + sizes.field_test, seed)
    out = {}
    for rounding in ROUNDINGS:
        data = labelled(units, rounding)
        potential, test = fitted(data[:count], BEST), data[count:]
        labels, found = stacked(test), np.concatenate(fields(potential, test))
        far, seen = angles_between(labels, found) > LARGEST, visible(labels)
        squares = np.sum(labels**2, axis=1)
        out[f"{rounding:g}"] = {
            "beyond": float(np.mean(far[seen])),
            "power": float(squares[far & seen].sum() / squares.sum()),
            "relative": rmse(found - labels) / rmse(labels),
        }
        if rounding == 0.0:
            nearest = np.concatenate([nearest_direction(frame) for frame in test])
            bins = np.digitize(nearest, EDGES[1:-1])
            inside = [seen & (bins == k) for k in range(len(EDGES) - 1)]
            out["edges"] = [[int(part.sum()), int(far[part].sum())] for part in inside]
    return out


def curve(temperature, seed, sizes):
    """Return the shares within 5 degrees by number of configurations, labels and resolution.

    Returns
    -------
    dict of 'l_max, labels': [share of visible fields for each number].
    """
    most = max(counts[-1] for _, _, counts in RESOLUTIONS)
    data = labelled(directions_of(temperature, most + sizes.large_test, seed))
    test = data[most:]
    labels = stacked(test)
    out = {}
    for l_max, width, counts in RESOLUTIONS:
        options = FITS[BEST][1] | {"l_max": l_max, "spin_width": width}
        for kind, weights in (("energies", {"energy": 1.0}), ("and fields", FITS[BEST][0])):
            row = []
            for count in counts:
                potential = models.SpinOrientationPotential("Fe", **options)
                fitting.fit(potential, data[:count], weights, progress=False)
                angles = angles_between(labels, np.concatenate(fields(potential, test)))
                row.append(float(np.mean(angles[visible(labels)] < LARGEST)))
            out[f"{l_max}, {kind}"] = row
    return out
