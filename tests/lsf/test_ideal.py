"""The ideal lattice follows the cell of the atoms."""

import numpy as np
import pytest
from ase.build import bulk
from ase.io import read, write

from ase_mag import lsf
from ase_mag.lsf.ideal import ideal_lattice

STRAIN = np.array([[1.03, 0.02, 0.0], [0.0, 0.98, 0.01], [0.0, 0.0, 1.01]])


def strained(atoms):
    """The same fractional coordinates in a strained cell."""
    new = atoms.copy()
    new.set_cell(atoms.cell.array @ STRAIN, scale_atoms=True)
    return new


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_predictions_in_a_strained_cell_are_those_with_the_reference(iron, table, kind):
    """Once by the reference of the predictor, once by the lattice that the frame brought along."""
    frame = strained(lsf.snapshots(iron, 0.1, rng=5)[0])
    bare = frame.copy()
    del bare.arrays["ideal_positions"]
    predictor = lsf.LsfPredictor(kind, reference=iron).fit(table)
    wanted = predictor.predict(bare)
    np.testing.assert_array_equal(predictor.predict(frame), wanted)
    assert not np.allclose(wanted, predictor.predict(lsf.snapshots(iron, 0.1, rng=5)[0]))
    # Training on strained frames too: the features are those with the reference.
    strange = lsf.LandscapeTable(**vars(table) | {"frames": [strained(f) for f in table.frames]})
    ours, _ = lsf.LsfPredictor(kind).training_data(strange)
    for frame in strange.frames:
        del frame.arrays["ideal_positions"]
    theirs, _ = lsf.LsfPredictor(kind, reference=iron).training_data(strange)
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_snapshots_of_strained_atoms_are_around_the_strained_sites(iron):
    frame = strained(lsf.snapshots(iron, 0.1, rng=5)[0])
    (still,) = lsf.snapshots(frame, 0.0, rng=1)
    np.testing.assert_allclose(still.positions, iron.positions @ STRAIN, atol=1e-12)
    np.testing.assert_array_equal(still.arrays["ideal_positions"], iron.positions)
    np.testing.assert_array_equal(still.info["ideal_cell"], iron.cell.array)


@pytest.mark.parametrize("repeats", [(2, 1, 1), (1, 2, 3), (2, 2, 2)])
@pytest.mark.parametrize("shuffled", [False, True])
def test_repeated_atoms_have_a_repeated_lattice(iron, repeats, shuffled):
    frame = strained(lsf.snapshots(iron, 0.1, rng=5)[0]) * repeats
    wanted = iron * repeats
    if shuffled:
        order = np.random.default_rng(2).permutation(len(frame))
        frame, wanted = frame[order], wanted[order]
    found = ideal_lattice(frame)
    np.testing.assert_allclose(found.cell.array, wanted.cell.array, atol=1e-12)
    moved = (found.positions - wanted.positions) @ np.linalg.inv(wanted.cell.array)
    moved -= moved[0]
    np.testing.assert_allclose(moved, np.rint(moved), atol=1e-12)  # the same up to a translation


def test_predictions_of_repeated_atoms_are_repeated(iron, table):
    frame = strained(lsf.snapshots(iron, 0.1, rng=5)[0])
    predictor = lsf.LsfPredictor(2).fit(table)
    one, many = predictor.predict(frame), predictor.predict(frame * (1, 2, 1))
    np.testing.assert_allclose(many, np.tile(one, 2), rtol=1e-10)


def test_files_keep_the_lattice_with_its_cell(iron, table, tmp_path):
    frame = strained(lsf.snapshots(iron, 0.1, rng=5)[0])
    write(tmp_path / "frame.extxyz", frame)
    back = read(tmp_path / "frame.extxyz")
    np.testing.assert_allclose(back.info["ideal_cell"], iron.cell.array, atol=1e-12)
    np.testing.assert_allclose(ideal_lattice(back).positions, iron.positions, atol=1e-7)
    lsf.LandscapeTable(**vars(table) | {"frames": [strained(f) for f in table.frames]}).save(
        tmp_path / "table.npz"
    )
    for frame in lsf.LandscapeTable.load(tmp_path / "table.npz").frames:
        np.testing.assert_array_equal(ideal_lattice(frame).cell.array, iron.cell.array)


def test_sites_without_a_cell_belong_to_the_present_one(iron, table, tmp_path):
    """Frames and tables of older versions."""
    frame = lsf.snapshots(iron, 0.1, rng=5)[0]
    wanted = lsf.LsfPredictor(2).fit(table).predict(frame)
    old = table[:]
    for one in (frame, *old.frames):
        del one.info["ideal_cell"]
    packed = old.to_dict()
    for name in ("has_ideal_cell", "ideal_cells"):
        del packed["frames"][name]
    back = lsf.LandscapeTable.from_dict(packed)
    assert "ideal_cell" not in back.frames[0].info
    np.testing.assert_array_equal(lsf.LsfPredictor(2).fit(back).predict(frame), wanted)


def test_unknown_lattices_are_explained(iron, table):
    frame = lsf.snapshots(iron, 0.1, rng=5)[0]
    other = frame.copy()
    del other.info["ideal_cell"]
    with pytest.raises(ValueError, match=r"same sites several times.*set_ideal_lattice"):
        ideal_lattice(other * (2, 1, 1))
    with pytest.raises(ValueError, match=r"same sites 1\.\d+ times, but the repetition"):
        ideal_lattice((frame * (2, 1, 1))[:-1])
    other.set_cell(other.cell * 1.3, scale_atoms=True)
    predictor = lsf.LsfPredictor(2, reference=bulk("Fe", cubic=True)).fit(table)
    with pytest.raises(ValueError, match="without displacements and in its own cell"):
        predictor.predict(other)
    with pytest.raises(ValueError, match="ideal lattice Fe2 and the atoms Fe16 differ"):
        lsf.set_ideal_lattice(frame, bulk("Fe", cubic=True))
    lsf.set_ideal_lattice(other, iron)
    assert len(predictor.prepare(other).features) == 16
