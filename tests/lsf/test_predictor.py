"""Learned landscapes."""

import pickle

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.kernel_ridge import KernelRidge

import ase_mag
from ase_mag import lsf
from ase_mag.descriptors import InvariantDescriptor, SiteDescriptor


@pytest.fixture
def predictor(table):
    return lsf.LsfPredictor().fit(table)


def without_ideal(atoms):
    atoms = atoms.copy()
    del atoms.arrays["ideal_positions"]
    return atoms


def test_it_is_kernel_ridge_regression_on_descriptors(frames, table, predictor):
    descriptor = SiteDescriptor(3, 1)
    sites = descriptor.sites(frames[0].arrays["ideal_positions"], frames[0].cell.array)
    rows = [
        descriptor(sites, f.positions, f.cell.array, ase_mag.get_moments(f)) for f in table.frames
    ]
    X = np.vstack(rows)
    new = lsf.snapshots(frames[0], 0.1, rng=9)[0]
    features = descriptor(sites, new.positions, new.cell.array, ase_mag.get_moments(new))
    a, b = predictor.predict(new)
    for target, prediction in ((table.a, a), (table.b, b)):
        twin = KernelRidge(alpha=1e-4, kernel="laplacian", gamma=0.1).fit(X, target)
        np.testing.assert_allclose(prediction, twin.predict(features), rtol=1e-9)
    # lambda is small, so that training rows are nearly reproduced
    np.testing.assert_allclose(predictor.predict(frames[2])[0], table.a[32:48], atol=2e-4)


def test_moments_are_mean_moments_of_predictions(frames, predictor):
    a, b = predictor.predict(frames[1])
    for measure in (0, 1, 2):
        np.testing.assert_array_equal(
            predictor.moments(frames[1], 1043, measure), lsf.mean_moment(a, b, 1043, measure)
        )
    np.testing.assert_array_equal(
        predictor.moments(frames[1], 1043), predictor.moments(frames[1], 1043, 2)
    )


def test_a_prepared_step_follows_positions_cell_and_moments(frames, predictor):
    step = predictor.prepare(frames[0])
    for frame in frames:
        a, b = step(frame.positions, frame.cell.array, ase_mag.get_moments(frame))
        expected = predictor.predict(frame)
        np.testing.assert_array_equal(a, expected[0])
        np.testing.assert_array_equal(b, expected[1])
    scaled = frames[1].copy()
    scaled.set_cell(1.01 * scaled.cell, scale_atoms=True)
    a, _ = step(scaled.positions, scaled.cell.array, ase_mag.get_moments(scaled))
    assert np.abs(a - predictor.predict(frames[1])[0]).max() > 1e-5
    np.testing.assert_allclose(a, predictor.predict(scaled)[0], atol=1e-12)


def test_separate_widths_descriptors_and_shells(table):
    for parameters in (
        {"width": (5.0, 20.0)},
        {"descriptor": 1},
        {"descriptor": 2, "shells": 2, "width": 100.0},
    ):
        predictor = lsf.LsfPredictor(**parameters).fit(table)
        a, b = predictor.predict(table.frames[0])
        np.testing.assert_allclose(a, table.a[:16], atol=2e-3)
        np.testing.assert_allclose(b, table.b[:16], rtol=1e-2)


def test_without_ideal_positions_the_learned_lattice_is_used(frames, predictor):
    expected = predictor.predict(frames[0])
    np.testing.assert_allclose(predictor.predict(without_ideal(frames[0])), expected, atol=1e-12)


def test_a_larger_cell_needs_its_own_sites(iron, predictor, table):
    ideal = bulk("Fe", a=2.877, cubic=True) * (3, 3, 3)
    ase_mag.set_moments(ideal, 2.2)
    large = lsf.snapshots(ideal, 0.1, rng=4)[0]
    a, _ = predictor.predict(large)
    assert a.shape == (54,)
    with pytest.raises(ValueError, match=r"\(Fe54\) and the reference lattice \(Fe16\) differ"):
        predictor.predict(without_ideal(large))
    other = lsf.LsfPredictor(reference=ideal).fit(table)
    np.testing.assert_allclose(other.predict(without_ideal(large))[0], a, atol=1e-12)


def test_scikit_learn_manners(table, predictor, frames):
    assert predictor.fit(table) is predictor
    assert predictor.get_params()["width"] == 10.0
    fresh = clone(predictor)
    assert fresh.get_params() == predictor.get_params()
    with pytest.raises(NotFittedError, match="not fitted yet"):
        fresh.predict(frames[0])
    assert predictor.species_ == "Fe" and len(predictor.reference_) == 16


def test_fitting_again_forgets_the_first_lattice(table, predictor, iron):
    for frame in table.frames:
        del frame.arrays["ideal_positions"]
    with pytest.raises(ValueError, match=r"ideal lattice is unknown.*reference=ideal_atoms"):
        predictor.fit(table)
    predictor.set_params(reference=iron).fit(table)
    np.testing.assert_allclose(predictor.predict(table.frames[0])[0], table.a[:16], atol=2e-4)


def test_files_and_pickles_predict_the_same(predictor, frames, iron, table, tmp_path):
    expected = predictor.predict(frames[0])
    predictor.save(tmp_path / "predictor.npz")
    loaded = lsf.LsfPredictor.load(tmp_path / "predictor.npz")
    for other in (loaded, pickle.loads(pickle.dumps(predictor))):
        np.testing.assert_array_equal(other.predict(frames[0]), expected)
        np.testing.assert_array_equal(other.predict(without_ideal(frames[0])), expected)
    given = lsf.LsfPredictor(reference=iron, width=(3.0, 4.0)).fit(table)
    given.save(tmp_path / "given.npz")
    again = lsf.LsfPredictor.load(tmp_path / "given.npz")
    assert tuple(again.width) == (3.0, 4.0)
    np.testing.assert_array_equal(again.reference.positions, iron.positions)


def test_unbounded_landscapes_are_never_learned(table):
    table.b[[3, 5]] = -1e-3
    with pytest.raises(ValueError, match=r"2 of 64 .* unbounded.*table\[table.bounded\]"):
        lsf.LsfPredictor().fit(table)
    predictor = lsf.LsfPredictor().fit(table[table.bounded])
    assert len(predictor.regressor_.X_fit_) == 62
    with pytest.raises(ValueError, match="table of landscapes is empty"):
        lsf.LsfPredictor().fit(table[:0])


@pytest.mark.parametrize("width", [1e-4, 0.5])
def test_predictions_far_from_the_training_data_raise(table, frames, width):
    """A narrow kernel is 0, or nearly, everywhere but on training rows: a and b vanish."""
    predictor = lsf.LsfPredictor(width=width).fit(table)
    new = lsf.snapshots(frames[0], 0.1, rng=11)[0]
    with pytest.raises(ValueError, match=r"atom 0 is .*out of range.*below 0\.01.*far"):
        predictor.predict(new)
    with pytest.raises(ValueError, match="far from the training"):
        predictor.moments(new, 300)


def test_bad_input_is_explained(table, frames, predictor):
    cobalt = frames[0].copy()
    cobalt.symbols[3] = "Co"
    with pytest.raises(ValueError, match="trained on Fe, but atom 3 is Co"):
        predictor.predict(cobalt)
    slab = frames[0].copy()
    slab.pbc = (True, True, False)
    with pytest.raises(ValueError, match=r"non-periodic cell.*pbc=True"):
        predictor.predict(slab)
    shuffled = without_ideal(frames[0])
    shuffled.positions[[2, 9]] = shuffled.positions[[9, 2]]
    with pytest.raises(ValueError, match=r"away from its ideal site.*another order"):
        predictor.predict(shuffled)
    copper = bulk("Cu", a=3.6, cubic=True) * 2
    fcc = Atoms("Fe32", copper.positions, cell=copper.cell, pbc=True)
    ase_mag.set_moments(fcc, 1.0)
    fcc = lsf.snapshots(fcc, 0.01, rng=1)[0]
    with pytest.raises(ValueError, match=r"38 features per site.*learned from 26"):
        predictor.predict(fcc)
    step = predictor.prepare(frames[0])
    with pytest.raises(ValueError, match=r"positions \(4, 3\) and moments \(16, 3\).*\(16, 3\)"):
        step(np.zeros((4, 3)), frames[0].cell.array, ase_mag.get_moments(frames[0]))
    mixed = table[:32]
    mixed.frames[1].symbols[:] = "Co"
    with pytest.raises(ValueError, match="several species, Co, Fe"):
        lsf.LsfPredictor().fit(mixed)


def test_extrapolation_is_announced_once(frames, quartic):
    """Moments unlike all that was learned: one warning that names the feature and the range."""
    table = lsf.landscapes(frames, quartic, progress=False)
    predictor = lsf.LsfPredictor().fit(table)
    ordered = frames[0].copy()
    step = predictor.prepare(ordered)
    moments = np.tile([0, 0, 2.0], (len(ordered), 1))
    with pytest.warns(UserWarning, match=r"extrapolates: sum e_0\.e_j of atom 0 is 8, but it was"):
        step(ordered.positions, ordered.cell.array, moments)
    step(ordered.positions, ordered.cell.array, moments)  # warnings are errors here


def test_uncertainties_come_with_predictions(table, frames, predictor):
    """On rows learned they are small, on new frames like the errors made there."""
    plain = predictor.predict(frames[0])
    a, b, error_a, error_b = predictor.predict(frames[0], uncertainty=True)
    np.testing.assert_array_equal((a, b), plain)
    new = lsf.snapshots(frames[0], 0.1, rng=9)[0]
    step = predictor.prepare(new)
    arrays = new.positions, new.cell.array, ase_mag.get_moments(new)
    values = step(*arrays, uncertainty=True)
    np.testing.assert_array_equal(values, predictor.predict(new, uncertainty=True))
    assert values[2].shape == (16,) and (values[2] > 3 * error_a).all()
    X, y = predictor.training_data(table)
    expected = predictor.regressor().fit(X, y)
    np.testing.assert_allclose(
        np.transpose(values[2:]),
        expected.predict(step.features(*arrays), return_std=True)[1],
        rtol=1e-12,
    )
    assert (error_b > 0).all()


def test_callers_may_judge_the_range_themselves(table, frames):
    predictor = lsf.LsfPredictor(width=0.5).fit(table)
    new = lsf.snapshots(frames[0], 0.1, rng=11)[0]
    step = predictor.prepare(new)
    a, b = step(new.positions, new.cell.array, ase_mag.get_moments(new), check=False)
    bad = ~step.in_range(a, b)
    assert bad[0] and (b[bad] < 0.5 * table.b.min()).all()


def test_the_invariant_descriptor_needs_no_lattice(table, frames, tmp_path):
    plain = lsf.LandscapeTable.from_dict(table.to_dict())
    for frame in plain.frames:
        del frame.arrays["ideal_positions"]
    predictor = lsf.LsfPredictor("invariant").fit(plain)
    assert predictor.reference_ is None
    a, _ = predictor.predict(without_ideal(frames[1]))
    # The known landscapes depend on x, which no invariant knows: only sizes are right here.
    assert np.abs(a - table.a[16:32]).max() < 0.1
    new = lsf.snapshots(frames[0], 0.1, rng=2)[0]
    expected = predictor.predict(new, uncertainty=True)
    turned = new.copy()
    turned.rotate(70.0, (1, 2, 3), rotate_cell=True)
    np.testing.assert_allclose(predictor.predict(turned, uncertainty=True), expected, rtol=1e-6)
    order = np.random.default_rng(0).permutation(16)
    np.testing.assert_allclose(
        predictor.predict(new[order], uncertainty=True), np.array(expected)[:, order], rtol=1e-6
    )
    predictor.save(tmp_path / "predictor.npz")
    loaded = lsf.LsfPredictor.load(tmp_path / "predictor.npz")
    np.testing.assert_array_equal(loaded.predict(new, uncertainty=True), expected)
    X, y = predictor.training_data(plain)
    graph_features = predictor.prepare(new).features(
        new.positions, new.cell.array, ase_mag.get_moments(new)
    )
    twin = predictor.regressor().fit(X, y).predict(graph_features)
    np.testing.assert_allclose(np.transpose(expected[:2]), twin, rtol=1e-12)


def test_parameters_of_the_invariant_descriptor(table, frames, tmp_path):
    descriptor = InvariantDescriptor("Fe", cutoff=4.0, n_radial=5, powers=1)
    predictor = lsf.LsfPredictor(descriptor, width=5.0).fit(table)
    assert predictor.regressor_.n_features_in_ == 10
    predictor.save(tmp_path / "predictor.npz")
    loaded = lsf.LsfPredictor.load(tmp_path / "predictor.npz")
    assert loaded.descriptor.to_dict() == descriptor.to_dict()
    np.testing.assert_array_equal(loaded.predict(frames[0]), predictor.predict(frames[0]))
    assert clone(predictor).descriptor.cutoff == 4.0


def test_descriptor_4_needs_relaxed_sizes(table, frames):
    predictor = lsf.LsfPredictor(descriptor=4).fit(table)
    X, _ = predictor.training_data(table)
    np.testing.assert_array_equal(X[:, -1], table.relaxed)
    relaxed = table.relaxed[16:32]
    a, _ = predictor.predict(frames[1], relaxed=relaxed)
    np.testing.assert_allclose(a, table.a[16:32], atol=2e-4)
    np.testing.assert_allclose(
        predictor.moments(frames[1], 300, relaxed=relaxed),
        lsf.mean_moment(*predictor.predict(frames[1], relaxed=relaxed), 300),
    )
    with pytest.raises(ValueError, match=r"descriptor 4 .*give relaxed=.*relax_sizes"):
        predictor.predict(frames[1])
    with pytest.raises(ValueError, match=r"must be \(16,\) finite numbers, got shape \(3,\)"):
        predictor.predict(frames[1], relaxed=np.ones(3))


def test_legacy_angles_change_predictions_only_where_they_jump(table, frames):
    """Two shells: a neighbor at -x has phi = +-pi, so that rows differ by 2 pi there."""
    wrapped = lsf.LsfPredictor(shells=2).training_data(table)[0]
    plain = lsf.LsfPredictor(shells=2, legacy=True).training_data(table)[0]
    along_z = np.flatnonzero((wrapped[:, :43] == 0.0).all(axis=0))
    assert len(along_z) == 2 and plain[:, along_z].std() > 1.0
    jumps = (np.delete(plain, along_z, axis=1) - np.delete(wrapped, along_z, axis=1)) / (2 * np.pi)
    np.testing.assert_allclose(jumps, np.rint(jumps), atol=1e-12)
    assert np.count_nonzero(np.abs(jumps).max(axis=0) > 0.5) == 1
    assert np.abs(plain[:, 3::3][:, :14]).max() <= np.pi


def test_other_species_among_the_neighbors_are_refused(table):
    table.frames[1].symbols[4] = "Co"
    rows = table[table.atom != 4]
    for descriptor in (3, "invariant"):
        with pytest.raises(ValueError, match="the frames hold Co, Fe, but a predictor describes"):
            lsf.LsfPredictor(descriptor).fit(rows)
