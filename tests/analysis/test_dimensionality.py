import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, mx2

from ase_mag.analysis.dimensionality import networks
from ase_mag.core import PairGraph


def found(atoms, cutoff):
    graph = PairGraph.build(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, cutoff)
    return networks(graph, np.ones(graph.n_pairs, bool))


@pytest.mark.parametrize("cubic", [True, False])
@pytest.mark.parametrize("lattice", ["sc", "bcc", "fcc"])
def test_bulk(lattice, cubic):
    (network,) = found(bulk("Fe", lattice, a=3.0, cubic=cubic), 3.1)
    assert network.rank == 3
    assert network.directions.all()


def test_layers_chains_and_molecules():
    layer = fcc111("Ni", (1, 1, 3), vacuum=8.0, periodic=True)
    (network,) = found(layer, 2.6)
    assert network.rank == 2
    assert network.directions.tolist() == [True, True, False]
    assert sorted(network.atoms) == [0, 1, 2]
    chain = Atoms("Fe", cell=[2.0, 9.0, 9.0], pbc=True)
    assert found(chain, 2.1)[0].directions.tolist() == [True, False, False]
    molecule = Atoms("Fe2", positions=[[0, 0, 0], [2, 0, 0]], cell=[9, 9, 9], pbc=True)
    (network,) = found(molecule, 2.1)
    assert (network.rank, network.directions.any()) == (0, False)
    assert found(Atoms("Fe", cell=[9, 9, 9], pbc=True), 2.1) == []


def test_separate_networks():
    """Second neighbors of bcc only: two simple cubic lattices. Two layers with a wide gap."""
    atoms = bulk("Fe", "bcc", a=3.0, cubic=True)
    graph = PairGraph.build(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, 3.1)
    both = networks(graph, graph.distances > 2.9)
    assert [network.rank for network in both] == [3, 3]
    assert [network.atoms.tolist() for network in both] == [[0], [1]]
    one = mx2("FeS2", vacuum=10.0)
    two = found(one * (1, 1, 2), 2.5)
    assert len(two) == len(found(one, 2.5)) * 2
    assert all(network.rank <= 2 for network in two)


def test_a_layer_across_the_cell():
    """The (0, 1, -1) planes of a simple cubic lattice: two translations, three cell vectors."""
    atoms = Atoms("Fe", cell=[2.0, 2.0, 2.0], pbc=True)
    graph = PairGraph.build(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, 3.0)
    shifts = graph.topology.shifts
    wanted = (np.abs(shifts) == [1, 0, 0]).all(axis=1) | (
        (np.abs(shifts) == [0, 1, 1]).all(axis=1) & (shifts[:, 1] == shifts[:, 2])
    )
    (network,) = networks(graph, wanted)
    assert network.rank == 2
    assert network.directions.all()
