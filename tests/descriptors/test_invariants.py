"""The rotation-invariant descriptor."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from numpy.polynomial.chebyshev import chebval

from ase_mag import testing
from ase_mag.core import PairGraph, storage
from ase_mag.descriptors import InvariantDescriptor


@pytest.mark.parametrize("species", ["Fe", ("Fe", "Co")])
@pytest.mark.parametrize(
    "options", [{}, {"n_radial": 1, "powers": 0}, {"cutoff": 3.0, "powers": 3}]
)
def test_contract(species, options):
    testing.check_descriptor(InvariantDescriptor(species, **options))


def graph_of(atoms, descriptor):
    return PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, descriptor.cutoff
    )


def twin(atoms, moments, descriptor, i):
    """Features of site i, neighbor by neighbor and image by image."""
    values = np.zeros((len(descriptor.species), descriptor.powers + 1, descriptor.n_radial))
    units = moments / np.sqrt((moments**2).sum(axis=1) + descriptor.softness**2)[:, None]
    for j in range(len(atoms)):
        for shift in np.ndindex(7, 7, 7):
            shift = (np.array(shift) - 3) @ atoms.cell.array
            r = np.linalg.norm(atoms.positions[j] + shift - atoms.positions[i])
            if 1e-6 < r < descriptor.cutoff:
                y = r / descriptor.cutoff
                k = descriptor.species.index(atoms.symbols[j])
                for q in range(descriptor.powers + 1):
                    for n in range(descriptor.n_radial):
                        radial = chebval(2 * y - 1, np.eye(n + 1)[n]) * (1 - y * y) ** 3
                        values[k, q, n] += radial * (units[i] @ units[j]) ** q
    return values.ravel()


def test_a_loop_over_atoms_and_images_gives_the_same():
    rng = np.random.default_rng(3)
    atoms = bulk("Fe", a=2.9, cubic=True) * (2, 1, 1)
    atoms.symbols[[1, 2]] = "Co"
    atoms.positions += rng.normal(0, 0.1, (4, 3))
    moments = rng.normal(size=(4, 3))
    moments[3] = 0.0
    descriptor = InvariantDescriptor(("Fe", "Co"), cutoff=4.5, n_radial=5)
    features = descriptor.forward(graph_of(atoms, descriptor), moments)
    assert features.shape == (4, 30) and len(descriptor.labels()) == 30
    for i in range(4):
        np.testing.assert_allclose(features[i], twin(atoms, moments, descriptor, i), atol=1e-12)


def test_two_atoms_by_hand():
    """r = 2, R = 4: T_n(0) = 1, 0, -1 times (3/4)^3; u.u' = m^2/(m^2 + s^2) times cos."""
    atoms = Atoms("Fe2", [[0, 0, 0], [0, 0, 2.0]], cell=[20, 20, 20], pbc=False)
    descriptor = InvariantDescriptor("Fe", cutoff=4.0, n_radial=3, powers=1, softness=0.1)
    moments = np.array([[0, 0, 2.0], [0, 2.0 * np.sin(1.0), 2.0 * np.cos(1.0)]])
    features = descriptor.forward(graph_of(atoms, descriptor), moments)
    edge = 0.75**3
    s = np.cos(1.0) * 4 / 4.01
    expected = [edge, 0, -edge, edge * s, 0, -edge * s]
    np.testing.assert_allclose(features, [expected, expected], atol=1e-14)


def test_files_and_bad_input(tmp_path):
    descriptor = InvariantDescriptor(("Fe", "Ni"), cutoff=4.2, n_radial=6, powers=1)
    storage.save(descriptor, tmp_path / "descriptor.npz")
    assert storage.load(tmp_path / "descriptor.npz")[0].to_dict() == descriptor.to_dict()
    for options, message in (
        ({"cutoff": 0}, "cutoff must be a positive length, got 0"),
        ({"n_radial": 33}, "n_radial must be an integer from 1 to 32, got 33"),
        ({"powers": -1}, "powers must be an integer that is not negative, got -1"),
        ({"softness": 0.0}, r"softness must be a positive moment, got 0\.0"),
    ):
        with pytest.raises(ValueError, match=message):
            InvariantDescriptor("Fe", **options)
    for species in ("Xx9", ("Fe", "Fe"), ()):
        with pytest.raises(ValueError, match="different chemical symbols"):
            InvariantDescriptor(species)
    copper = bulk("Cu", cubic=True)
    graph = graph_of(copper, descriptor)
    with pytest.raises(ValueError, match=r"atomic number 29, but the descriptor knows Fe, Ni"):
        descriptor.forward(graph, np.zeros((4, 3)))
