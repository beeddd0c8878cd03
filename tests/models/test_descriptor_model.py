"""Descriptor models: contracts, fits that find what a reference is made of, and bad input."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator

import ase_mag
from ase_mag import fitting, models, testing
from ase_mag.core import PairGraph, get_moments
from ase_mag.descriptors import InvariantDescriptor
from ase_mag.models import DescriptorModel, descriptor_model
from ase_mag.regressors import LinearFunction, SiteFunction


def invariants(species="Fe"):
    return InvariantDescriptor(species, cutoff=4.2, n_radial=4, powers=2)


def linear(descriptor, seed=0):
    rng = np.random.default_rng(seed)
    return LinearFunction(
        descriptor.n_features, parameters=rng.normal(scale=0.1, size=1 + descriptor.n_features)
    )


class Cubic(SiteFunction):
    """e = sum_k p_k x_k^3 / s_k^2, a function that is not linear in x and has scales to learn."""

    def __init__(self, n_features, parameters):
        self.n_features, self.scales = n_features, None
        self.parameters = parameters

    parameters = property(
        lambda self: self._values.copy(),
        lambda self, values: setattr(self, "_values", np.array(values, dtype=float)),
    )
    prepared = property(lambda self: self.scales is not None)

    def prepare(self, X, rng=0):
        self.scales = np.abs(X).max(axis=0)

    @property
    def norms(self):
        return 1.0 if self.scales is None else self.scales**2

    @property
    def factors(self):
        return self._values / self.norms

    def evaluate(self, X, *, slopes=True):
        return X**3 @ self.factors, 3 * X**2 * self.factors

    def parameter_gradient(self, X, weights, tangents):
        return (weights @ X**3 + (3 * X**2 * tangents).sum(axis=0)) / self.norms

    def to_dict(self):
        return {"n_features": self.n_features, "parameters": self.parameters}


def cubic(descriptor, seed=0):
    rng = np.random.default_rng(seed)
    return Cubic(descriptor.n_features, rng.normal(scale=0.01, size=descriptor.n_features))


@pytest.mark.parametrize("species", ["Fe", ("Fe", "Co")])
def test_contracts_of_one_function(species):
    descriptor = invariants(species)
    model = DescriptorModel(descriptor, linear(descriptor))
    testing.check_model(model)
    testing.check_trainable(model)


def test_contracts_of_a_function_for_each_species():
    descriptor = invariants(("Fe", "Co"))
    model = DescriptorModel(descriptor, {"Co": linear(descriptor, 1), "Fe": cubic(descriptor)})
    testing.check_model(model, storable=False)
    testing.check_trainable(model)
    assert model.functions[0].n_features == model.functions[1].n_features == 24
    np.testing.assert_array_equal(model.linear, 24 + np.arange(25))


def frames(count, seed=0):
    """Displaced iron with moments of 2.2 mu_B in random directions, labelled by exchange."""
    rng = np.random.default_rng(seed)
    reference = ase_mag.MagneticCalculator(models.Heisenberg("Fe", models.cubic(0.19, cutoff=3.75)))
    out = []
    for _ in range(count):
        atoms = bulk("Fe", a=2.87, cubic=True) * 2
        atoms.rattle(0.05, rng=rng)
        directions = rng.normal(size=(len(atoms), 3))
        directions *= 2.2 / np.linalg.norm(directions, axis=1)[:, None]
        ase_mag.set_moments(atoms, directions)
        results = {name: reference.get_property(name, atoms) for name in ("energy", "forces")}
        atoms.calc = SinglePointCalculator(atoms, **results)
        atoms.calc.results["magforces"] = reference.get_property("magforces", atoms)
        out.append(atoms)
    return out


def test_linear_fit_to_energies_and_forces():
    descriptor = InvariantDescriptor("Fe", cutoff=4.2, n_radial=10, powers=1, softness=0.01)
    model = DescriptorModel(descriptor, LinearFunction(descriptor.n_features))
    train, test = fitting.read(frames(4)), fitting.read(frames(3, 1))
    report = fitting.fit(model, train, {"energy": 1.0, "forces": 0.1}, test=test, progress=False)
    assert report.stopped == "linear least squares, solved"
    spread = np.concatenate([frame.labels["forces"] for frame in test]).std()
    errors = model_errors(model, test)
    # Ten polynomials follow the cubic J(r), whose third derivative jumps at 3.75, to 1 %.
    assert errors < 0.02 * spread


def model_errors(model, data):
    out = []
    for frame in data:
        graph = PairGraph.build(*_geometry(frame.atoms), model.cutoff)
        forces = model.evaluate(graph, get_moments(frame.atoms)).forces
        out.append(forces - frame.labels["forces"])
    return np.sqrt(np.mean(np.concatenate(out) ** 2))


def _geometry(atoms):
    return atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers


def test_scales_are_learned_before_the_first_fit_and_then_kept():
    descriptor = invariants()
    model = DescriptorModel(descriptor, cubic(descriptor))
    before = model.parameter_key()
    assert not model.prepared
    train = fitting.read(frames(2))
    fitting.fit(model, train, {"energy": 1.0}, max_iterations=2, progress=False)
    scales = model.functions[0].scales
    assert model.prepared and model.parameter_key() != before
    atoms = frames(2)[1]
    graph = PairGraph.build(*_geometry(atoms), model.cutoff)
    features = [
        descriptor.forward(PairGraph.build(*_geometry(a), model.cutoff), get_moments(a))
        for a in frames(2)
    ]
    np.testing.assert_array_equal(scales, np.abs(np.concatenate(features)).max(axis=0))
    model.prepare([(graph, 0.1 * get_moments(atoms))])
    assert model.functions[0].scales is scales


def test_scales_of_many_sites_come_from_all_structures(monkeypatch):
    """Iron comes first, cobalt last: of 54 sites each about 20, from every structure."""
    monkeypatch.setattr(descriptor_model, "_SAMPLE", 20)
    descriptor, structures = invariants(("Fe", "Co")), []
    for symbol in ("Fe", "Co"):
        for size in (1.0, 2.0, 3.0):
            atoms = bulk("Fe", a=2.87, cubic=True) * (3, 3, 1)
            atoms.symbols[:] = symbol
            atoms.rattle(0.1, seed=int(size))
            ase_mag.set_moments(atoms, size)
            graph = PairGraph.build(*_geometry(atoms), descriptor.cutoff)
            structures.append((graph, get_moments(atoms)))
    seen = {}

    class Seeing(Cubic):
        def prepare(self, X, rng=0):
            super().prepare(X, rng)
            seen[id(self)] = X

    functions = {
        symbol: Seeing(descriptor.n_features, np.zeros(descriptor.n_features))
        for symbol in ("Fe", "Co")
    }
    DescriptorModel(descriptor, functions).prepare(structures)
    for k, symbol in enumerate(("Fe", "Co")):
        rows = {row.tobytes() for row in seen[id(functions[symbol])]}
        # Binomial: 20 expected of 54, standard deviation 3.5.
        assert 6 <= len(rows) <= 34
        for graph, moments in structures[3 * k : 3 * k + 3]:
            assert rows & {row.tobytes() for row in descriptor.forward(graph, moments)}


def test_bad_input():
    descriptor = invariants(("Fe", "Co"))
    one = linear(descriptor)
    with pytest.raises(ValueError, match="takes 3 features, but the descriptor has 24"):
        DescriptorModel(descriptor, LinearFunction(3))
    with pytest.raises(ValueError, match="one entry for each of Fe, Co, got Fe"):
        DescriptorModel(descriptor, {"Fe": one})
    with pytest.raises(ValueError, match="same function object"):
        DescriptorModel(descriptor, {"Fe": one, "Co": one})
    with pytest.raises(TypeError, match=r"must be a SiteFunction .* got str"):
        DescriptorModel(descriptor, "linear")
    model = DescriptorModel(descriptor, {"Fe": cubic(descriptor), "Co": cubic(descriptor, 1)})
    with pytest.raises(ValueError, match="the training data hold no atoms of Co"):
        fitting.fit(model, fitting.read(frames(1)), {"energy": 1.0}, progress=False)
