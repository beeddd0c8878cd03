"""Radial symmetry functions: what is refused, and how it is said."""

import numpy as np
import pytest
from ase.build import bulk

from ase_mag.core import PairGraph
from ase_mag.descriptors import RadialSpinDescriptor


def graph_of(atoms, cutoff):
    return PairGraph.build(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, cutoff)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cutoff": 0}, "cutoff must be a positive length, got 0"),
        ({"n_functions": np.nan}, "n_functions must be a positive integer, got nan"),
        ({"n_functions": np.inf}, "n_functions must be a positive integer, got inf"),
        ({"n_functions": "9"}, "n_functions must be a positive integer, got '9'"),
        ({"cutoff": np.nan}, "cutoff must be a positive length, got nan"),
        ({"cutoff": [5.0, 4.0]}, r"cutoff must be a positive length, got \[5.0, 4.0\]"),
        ({"cutoff": 1.9}, r"cutoff, which is 1.9 angstrom: give centers="),
        ({"n_functions": 0}, "n_functions must be a positive integer, got 0"),
        ({"n_functions": 2.5}, "n_functions must be a positive integer, got 2.5"),
        ({"centers": [2, 3], "widths": [1, 2, 3]}, "equal lengths, got centers 2, widths 3"),
        ({"centers": [2, 3], "cutoffs": [4.0]}, "equal lengths, got centers 2, cutoffs 1"),
        ({"centers": [2, 3], "n_functions": 9}, "equal lengths, got centers 2, n_functions 9"),
        ({"centers": []}, "centers must be finite numbers"),
        ({"centers": [2.0, np.inf]}, "centers must be finite numbers"),
        (
            {"widths": [[1.0, 2.0]]},
            r"widths must be finite numbers, .* \(9\), got \[\[1.0, 2.0\]\]",
        ),
        ({"widths": -1.0}, "widths must not be negative, got -1"),
        ({"cutoffs": 6.0}, r"cutoffs run from 6.0 to 6.0 angstrom; .* not above cutoff=5.3"),
        ({"centers": [2, 3], "cutoffs": [0.0, 3.0]}, "cutoffs run from 0.0 to 3.0"),
        ({"envelope": "hard"}, "envelope must be 'cosine' or 'smooth', got 'hard'"),
        ({"weights": {"Co": 1.0}}, r"weights are given for \['Co'\]; the species are \['Fe'\]"),
        ({"weights": {"Fe": 0.0}}, "weight of Fe must be a finite number other than 0, got 0"),
    ],
)
def test_bad_parameters(options, message):
    with pytest.raises(ValueError, match=message):
        RadialSpinDescriptor("Fe", **options)


@pytest.mark.parametrize("species", ["Xx9", ("Fe", "Fe"), ()])
def test_bad_species(species):
    with pytest.raises(ValueError, match="different chemical symbols"):
        RadialSpinDescriptor(species)


def test_bad_graphs_and_arrays():
    descriptor, atoms = RadialSpinDescriptor("Fe"), bulk("Fe", cubic=True)
    moments, cotangents = np.zeros((2, 3)), np.zeros((2, 36))
    short, graph = graph_of(atoms, 5.0), graph_of(atoms, 5.3)
    pairs = np.zeros((graph.n_pairs, 3))
    message = r"pairs below 5\.0 angstrom, but the descriptor reaches to 5\.3"
    with pytest.raises(ValueError, match=message):
        descriptor.forward(short, moments)
    with pytest.raises(ValueError, match=message):
        descriptor.vjp(short, moments, cotangents)
    with pytest.raises(ValueError, match=message):
        descriptor.jvp(short, moments, moments, np.zeros((short.n_pairs, 3)))
    lost = np.array([[0.0, 1.0, 0.0], [0.0, np.nan, 2.0]])
    for message, call in (
        ("moment of atom 1 is not finite: .*nan", lambda: descriptor.forward(graph, lost)),
        ("moment of atom 1 is not", lambda: descriptor.vjp(graph, lost, cotangents)),
        ("moment of atom 1 is not", lambda: descriptor.jvp(graph, lost, moments, pairs)),
        (
            r"moments must have the shape \(2, 3\), got \(2,\)",
            lambda: descriptor.forward(graph, [1.0, 2]),
        ),
        (
            r"cotangents must have the shape \(2, 36\), got \(2, 9\)",
            lambda: descriptor.vjp(graph, moments, cotangents[:, :9]),
        ),
        (
            r"moment tangents must have the shape \(2, 3\)",
            lambda: descriptor.jvp(graph, moments, moments[:1], pairs),
        ),
        (
            r"pair tangents must have the shape \(\d+, 3\), got \(3, 3\)",
            lambda: descriptor.jvp(graph, moments, moments, pairs[:3]),
        ),
    ):
        with pytest.raises(ValueError, match=message):
            call()
