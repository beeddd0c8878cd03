"""Frames made ready for a loss: pairs, targets and the weight of every number."""

from dataclasses import dataclass

import numpy as np
from ase.stress import voigt_6_to_full_3x3_stress

from ase_mag.core import PairGraph, get_moments
from ase_mag.fitting.frame import Frame

#: Which power of 1/n the squared difference of a frame of n atoms gets, by scaling.
SCALINGS = {
    "configuration": {"energy": 0, "forces": 0, "stress": 0, "magforces": 0},
    "atom": {"energy": 1, "forces": 0, "stress": 1, "magforces": 0},
}


@dataclass
class Sample:
    """One frame of a loss.

    Attributes
    ----------
    frame : Frame; graph : PairGraph; moments : (N, 3), mu_B.
    targets : dict from label to array; the stress is there as virial, (3, 3), eV.
    factors : dict from label to array of the same shape, weights, zero where there is no label.
    """

    frame: Frame
    graph: PairGraph
    moments: np.ndarray
    targets: dict
    factors: dict


def make_samples(data, potential, weights, scaling):
    """Yield the Sample of every frame, with its neighbor pairs.

    Raises
    ------
    ValueError
        For species that the potential does not describe, naming the frame. Whatever else it refuses
        (distances, transverse moments) it says when it is evaluated.
    """
    for frame in data:
        yield _sample(frame, potential, weights, scaling)


def _sample(frame, potential, weights, scaling):
    atoms = frame.atoms
    try:
        potential.check_species(atoms.numbers)
        graph = PairGraph.build(
            atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, potential.cutoff
        )
    except ValueError as error:
        raise ValueError(f"{frame.where}: {error}") from error
    targets, factors = {}, {}
    for name, weight in weights.items():
        if weight == 0 or not frame.has(name):
            continue
        label = frame.labels[name]
        if name == "stress":
            label = voigt_6_to_full_3x3_stress(label) * frame.volume
        known = ~np.isnan(label)
        factor = weight * frame.weight_of(name) / len(frame) ** SCALINGS[scaling][name]
        targets[name] = np.where(known, label, 0.0)
        factors[name] = np.where(known, factor, 0.0)
    return Sample(frame, graph, get_moments(atoms), targets, factors)


def predictions(response, names):
    """Return a dict from label to what a model says, in the form of a Sample's targets."""
    out = {}
    for name in names:
        if name == "energy":
            out[name] = response.energies.sum(axis=-1)
        elif name == "stress":
            virial = response.virials.sum(axis=-3)
            out[name] = 0.5 * (virial + np.swapaxes(virial, -1, -2))
        else:
            out[name] = getattr(response, name)
    return out


def graph_bytes(samples):
    """Return the memory of the neighbor pairs in bytes, without what models keep beside them."""
    return sum(
        sum(array.nbytes for array in (s.graph.distances, s.graph.neighbors, s.graph.translations))
        + s.graph.topology.translation.nbytes
        + s.graph.offsets.nbytes
        for s in samples
    )
