"""GAP-SOSO: what it learns, effective fields, dynamics, and bad input."""

import warnings

import numpy as np
import pytest
from ase import units
from ase.build import bulk

import ase_mag
from ase_mag import fitting, models
from ase_mag.core import PairGraph, get_moments
from ase_mag.core.storage import load
from ase_mag.descriptors import ExchangeDensityDescriptor, JointDescriptor
from ase_mag.dynamics import SpinDynamics, SpinLatticeDynamics
from ase_mag.fitting import Dataset, Frame
from ase_mag.fitting.frame import plain

FIELDS = {"energy": 1.0, "magforces": 0.1}
EXCHANGE = models.Heisenberg("Fe", models.double_exchange(), convention="UppASD", moment=2.23)


def small(species="Fe", **options):
    return models.SpinOrientationPotential(species, 4.6, 8, 2, **options)


def labelled(count, seed=0, model=EXCHANGE, displacement=0.03, size=2.23):
    """Displaced bcc iron with random directions, labelled by a model."""
    rng = np.random.default_rng(seed)
    frames = []
    for k in range(count):
        atoms = bulk("Fe", a=2.83, cubic=True) * 2
        atoms.positions += rng.normal(scale=displacement, size=(16, 3))
        moments = rng.normal(size=(16, 3)) + [0, 0, rng.uniform(0, 3)]
        moments *= size / np.linalg.norm(moments, axis=1)[:, None]
        response = model.evaluate(graph(atoms, model.cutoff), moments)
        labels = {
            "energy": np.float64(response.energy),
            "forces": response.forces,
            "magforces": response.magforces,
        }
        frames.append(Frame(plain(atoms, moments), labels, index=k, group=str(k)))
    return Dataset(frames)


def graph(atoms, cutoff):
    return PairGraph.build(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, cutoff)


@pytest.fixture(scope="module")
def fitted():
    potential, data = small(), labelled(20).perpendicular()
    report = fitting.fit(potential, data, FIELDS, test=labelled(10, 1).perpendicular())
    return potential, data, report


def test_energies_and_fields_of_new_frames(fitted):
    """20 frames of 16 atoms: 0.2 % of the spread of energies, 1 % of that of fields."""
    test = fitted[2].test
    assert test["energy"].rmse < 0.005 * test["energy"].spread
    assert test["magforces"].rmse < 0.02 * test["magforces"].spread
    # Forces were not fitted.
    assert test["forces"].rmse < 0.1 * test["forces"].spread


def test_sizes_of_moments_do_not_count(fitted):
    """Energies of twice the moments are the same, and fields half as large, to (softness/M)^2."""
    potential, data, _ = fitted
    atoms = data[0].atoms
    moments, pairs = get_moments(atoms), graph(atoms, potential.cutoff)
    one, two = (potential.evaluate(pairs, s * moments) for s in (1, 2))
    assert two.energy == pytest.approx(one.energy, rel=3e-3)
    scale = np.abs(one.magforces).max()
    np.testing.assert_allclose(2 * two.magforces, one.magforces, atol=2e-3 * scale)
    along = np.einsum("ic,ic->i", one.magforces, moments) / 2.23
    assert np.abs(along).max() < 2e-3 * scale
    assert potential.directional and not EXCHANGE.directional


def test_longitudinal_fields_are_warned_of_and_do_not_change_the_fit():
    """The part of the labels along the moments is in no column: the same solution, larger loss."""
    data = labelled(12)
    along, across = small(), small()
    with pytest.warns(UserWarning, match=r"of the magnetic forces is along the moments.*perpend"):
        full = fitting.fit(along, data, FIELDS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        projected = fitting.fit(across, data.perpendicular(), FIELDS)
        warnings.filterwarnings("ignore", message="the data determine")  # sizes are all equal
        sizes = models.Landau("Fe", a=-0.1, b=0.02, allow_unbounded=True)
        fitting.fit(small() + sizes, data, FIELDS)
    a, b = (
        model.evaluate(graph(data[0].atoms, 4.6), get_moments(data[0].atoms)).magforces
        for model in (along, across)
    )
    np.testing.assert_allclose(a, b, atol=2e-3 * np.abs(b).max())
    assert full.loss > 100 * projected.loss


def test_perpendicular_labels():
    data = labelled(1)
    moments, fields = get_moments(data[0].atoms), data[0].labels["magforces"]
    found = data.perpendicular()[0].labels["magforces"]
    np.testing.assert_allclose(np.cross(moments, found), np.cross(moments, fields), atol=1e-13)
    assert np.abs(np.einsum("ic,ic->i", found, moments)).max() < 1e-13
    assert "forces" in data.perpendicular().labels
    atoms = data[0].atoms.copy()
    moments[3] = 0.0
    ase_mag.set_moments(atoms, moments)
    found = Dataset([Frame(atoms, data[0].labels)]).perpendicular()[0].labels["magforces"]
    assert np.isnan(found[3]).all() and np.isfinite(np.delete(found, 3, axis=0)).all()


def test_a_square_of_the_kernel_learns_what_is_not_linear():
    """Energies sum_i (e_i.sum_j e_j)^2 of few frames: power 2 beside the linear function."""
    data = [(labelled(n, seed)) for n, seed in ((40, 2), (30, 3))]

    def squared(frame):
        atoms, moments = frame.atoms, get_moments(frame.atoms) / 2.23
        pairs = graph(atoms, 2.7)
        fields = np.zeros((16, 3))
        np.add.at(fields, pairs.centers, moments[pairs.neighbors])
        energy = 1e-3 * (np.einsum("ic,ic->i", fields, moments) ** 2).sum()
        return Frame(atoms, {"energy": np.float64(energy)}, index=frame.index, group=frame.group)

    train, test = (Dataset([squared(frame) for frame in part]) for part in data)
    errors = {}
    for regressor in ("linear", "sparse_gp"):
        options = {"n_sparse": 60} if regressor == "sparse_gp" else {}
        report = fitting.fit(small(regressor=regressor, **options), train, test=test)
        errors[regressor] = report.test["energy"].rmse
    assert errors["sparse_gp"] < 0.5 * errors["linear"]


def test_dynamics(fitted):
    """Spin dynamics and spin-lattice dynamics run; energies are conserved without baths."""
    potential, data, _ = fitted
    atoms = data[0].atoms.copy()
    atoms.calc = ase_mag.MagneticCalculator(potential)
    start = atoms.get_potential_energy()
    implicit = {"temperature_K": None, "damping": 0.0, "method": "implicit"}
    SpinDynamics(atoms, timestep=0.5 * units.fs, **implicit).run(20)
    assert abs(atoms.get_potential_energy() - start) < 1e-4 * 16
    np.testing.assert_allclose(np.linalg.norm(get_moments(atoms), axis=1), 2.23, rtol=1e-12)
    lattice = models.mendelev_2003() + potential
    atoms.calc = ase_mag.MagneticCalculator(lattice)
    start = atoms.get_total_energy()
    SpinLatticeDynamics(atoms, timestep=0.1 * units.fs, temperature_K=None).run(50)
    assert abs(atoms.get_total_energy() - start) < 1e-4 * 16
    SpinDynamics(atoms, timestep=0.5 * units.fs, temperature_K=300, damping=0.1, rng=1).run(5)


def test_saved_and_loaded(fitted, tmp_path):
    potential, data, _ = fitted
    potential.save(tmp_path / "soso.npz")
    again = load(tmp_path / "soso.npz")[0]
    assert type(again) is models.SpinOrientationPotential and again.prepared
    pairs, moments = graph(data[0].atoms, 4.6), get_moments(data[0].atoms)
    for part in ("energies", "magforces", "forces"):
        expected = getattr(potential.evaluate(pairs, moments), part)
        np.testing.assert_array_equal(getattr(again.evaluate(pairs, moments), part), expected)
    np.testing.assert_array_equal(again.prior, potential.prior)


def test_terms_and_species():
    own = ExchangeDensityDescriptor("Fe", 3.5, 2, 1)
    joint = small(terms=("exchange", own))
    assert isinstance(joint.descriptor, JointDescriptor)
    assert joint.n_parameters == 1 + 8 * 3 + 4
    two = small(("Fe", "Co"))
    assert len(two.functions) == 2 and two.functions[0] is not two.functions[1]
    assert two.n_parameters == 2 * (1 + 2 * 8 * 3)
    with pytest.raises(ValueError, match="the training data hold no atoms of Co"):
        fitting.fit(two, labelled(3).without("magforces"), {"energy": 1.0})


def test_three_bodies_learn_what_two_cannot():
    """Energies of pairs of neighbors, (e_i.e_j)(e_i.e_k): a fit with and without that term."""

    def labels(frame):
        units, pairs = get_moments(frame.atoms) / 2.23, graph(frame.atoms, 2.7)
        cosines = np.einsum("pc,pc->p", units[pairs.centers], units[pairs.neighbors])
        sums = np.bincount(pairs.centers, cosines, minlength=16)
        energy = 1e-3 * (sums**2).sum()
        return Frame(frame.atoms, {"energy": np.float64(energy)}, index=frame.index)

    train, test = (
        Dataset([labels(frame) for frame in labelled(n, seed, displacement=0.0)])
        for n, seed in ((60, 2), (20, 3))
    )
    errors = {}
    for terms in (("exchange",), ("exchange", "three-body")):
        potential = models.SpinOrientationPotential(
            "Fe", 3.6, 2, 2, terms=terms, regularization=1e-8
        )
        report = fitting.fit(potential, train, test=test)
        errors[terms] = report.test["energy"].rmse
    assert errors["exchange", "three-body"] < 0.1 * errors["exchange",]


def test_dipoles_learn_what_exchange_cannot():
    """sum_ij d(r) [e_i.e_j - 3 (e_i.r)(e_j.r)], energies and fields by its closed form."""

    def labels(frame):
        units, pairs = get_moments(frame.atoms) / 2.23, graph(frame.atoms, 4.0)
        bonds = pairs.vectors / pairs.distances[:, None]
        own, other = units[pairs.centers], units[pairs.neighbors]
        size = 0.05 * (1 - pairs.distances / 4.0) ** 3
        b, c = (np.einsum("pc,pc->p", u, bonds) for u in (own, other))
        energy = (size * (np.einsum("pc,pc->p", own, other) - 3 * b * c)).sum()
        slopes = np.zeros((16, 3))
        # Both orders of a pair are listed: twice the derivative by the first moment.
        np.add.at(slopes, pairs.centers, 2 * size[:, None] * (other - 3 * c[:, None] * bonds))
        slopes -= np.einsum("ic,ic->i", slopes, units)[:, None] * units
        found = {"energy": np.float64(energy), "magforces": -slopes / 2.23}
        return Frame(frame.atoms, found, index=frame.index)

    train, test = (
        Dataset([labels(frame) for frame in labelled(n, seed)]) for n, seed in ((20, 2), (5, 3))
    )
    errors = {}
    for terms in (("exchange",), ("exchange", "dipole")):
        report = fitting.fit(small(terms=terms), train, FIELDS, test=test, progress=False)
        errors[terms] = report.test
    found, without = errors["exchange", "dipole"], errors["exchange",]
    for name, best in (("energy", 0.01), ("magforces", 0.03)):
        assert without[name].rmse > 0.5 * without[name].spread
        assert found[name].rmse < best * found[name].spread


def test_dipole_term_is_anisotropic():
    """Turning all moments changes the energy only with the dipole term."""
    atoms = labelled(1)[0].atoms
    moments, pairs = get_moments(atoms), graph(atoms, 4.6)
    turn = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    for terms, changes in (("exchange", False), (("exchange", "dipole"), True)):
        potential = small(terms=terms)
        rng = np.random.default_rng(0)
        potential.parameters = rng.normal(size=potential.n_parameters)
        before, after = (potential.evaluate(pairs, m).energy for m in (moments, moments @ turn))
        assert (abs(after - before) > 1e-3) == changes


def test_ensemble_and_posterior(fitted):
    _, data, _ = fitted
    ensemble = fitting.ensemble(small(), data, size=3, rng=1, weights=FIELDS)
    spread = ensemble.uncertainty(data[0].atoms)
    assert spread.magforces.shape == (16,) and (spread.magforces > 0).all()
    posterior = fitting.LinearPosterior(fitted[0], data, FIELDS).uncertainty(data[0].atoms)
    assert 0.1 < np.median(posterior.magforces / spread.magforces) < 10


def test_bad_input(fitted):
    data = fitted[1]
    with pytest.raises(
        ValueError, match="'anisotropy' is unknown; terms are exchange, dipole, three-body"
    ):
        small(terms="anisotropy")
    with pytest.raises(ValueError, match="terms must name at least one"):
        small(terms=())
    for terms in (("exchange", "exchange"), ("exchange", small().descriptor)):
        with pytest.raises(ValueError, match="terms 0 and 1 are the same, ExchangeDensityDesc"):
            small(terms=terms)
    with pytest.raises(ValueError, match="regressor must be 'linear' or 'sparse_gp', got 'krr'"):
        small(regressor="krr")
    with pytest.raises(TypeError, match="n_sparse"):
        small(n_sparse=3)
    with pytest.raises(ValueError, match="regularization must not be negative"):
        small(regularization=-1.0)
    with pytest.raises(ValueError, match="but 20 of 20 frames have no magforces, the first"):
        fitting.fit(small(), data.without("magforces"), FIELDS)
    atoms = data[0].atoms.copy()
    ase_mag.set_moments(atoms, 0.0)
    frame = Frame(atoms, data[0].labels)
    with pytest.warns(UserWarning, match="16 of 32 training moments of Fe are below 0.5 mu_B"):
        fitting.fit(small(), data[:1] + Dataset([frame]), {"energy": 1.0})
