"""Errors of a potential, label by label, in the units of tables."""

from dataclasses import dataclass

import numpy as np

from ase_mag.fitting.labels import QUANTITIES
from ase_mag.fitting.samples import make_samples
from ase_mag.fitting.summary import spread_of


@dataclass(frozen=True)
class Errors:
    """Errors of one label over some frames.

    Attributes
    ----------
    unit : str. count : int, numbers compared.
    rmse, mae, largest : float, root mean square, mean absolute and largest absolute difference.
    spread : float, of the label itself, see :func:`ase_mag.fitting.summary.spread_of`.
    worst : str, the frame with the largest difference.
    labels, predicted : (count,) float arrays.
    """

    unit: str
    count: int
    rmse: float
    mae: float
    largest: float
    spread: float
    worst: str
    labels: np.ndarray
    predicted: np.ndarray


def compare(potential, data):
    """Return the :class:`Errors` of a model for every label that the data have, a dict.

    Energies are per atom; stresses are compared in six components, everything in the units of
    tables (meV/atom, meV/angstrom, GPa, meV/mu_B).

    Parameters
    ----------
    potential : Model
    data : Dataset, whose references, if any, the potential does not contain.
    """
    samples = make_samples(data, potential, dict.fromkeys(data.labels, 1.0), "configuration")
    lattice = "forces" in data.labels or "stress" in data.labels
    pairs, names = {name: [] for name in data.labels}, {name: [] for name in data.labels}
    for sample in samples:
        try:
            response = potential.evaluate(sample.graph, sample.moments, lattice=lattice)
        except ValueError as error:
            raise ValueError(f"{sample.frame.where}: {error}") from error
        for name, rows in pairs.items():
            if name in sample.frame.labels:
                rows.append(_pair(name, sample.frame, response))
                names[name] += [sample.frame.where] * rows[-1].shape[1]
    return {
        name: _errors(name, np.concatenate(rows, axis=1), names[name], data)
        for name, rows in pairs.items()
    }


def _pair(name, frame, response):
    """Return (label, prediction) of one frame without what is NaN, (2, n)."""
    label = frame.labels[name]
    if name == "energy":
        label, value = label / len(frame), response.energy / len(frame)
    elif name == "stress":
        w = response.virial / frame.volume
        w = 0.5 * (w + w.T)
        value = np.array([w[0, 0], w[1, 1], w[2, 2], w[1, 2], w[0, 2], w[0, 1]])
    else:
        value = getattr(response, name)
    both = np.array([np.ravel(label), np.ravel(value)])
    return both[:, ~np.isnan(both[0])] * QUANTITIES[name].factor


def _errors(name, both, frames, data):
    labels, predicted = both
    difference = predicted - labels
    return Errors(
        QUANTITIES[name].shown,
        len(labels),
        float(np.sqrt(np.mean(difference**2))),
        float(np.mean(np.abs(difference))),
        float(np.abs(difference).max()),
        spread_of(name, data)[1],
        frames[int(np.abs(difference).argmax())],
        labels,
        predicted,
    )
