"""Splits, folds, weights and references."""

from collections import Counter

import numpy as np
import pytest
from ase.io import write

from ase_mag import fitting, models
from ase_mag.fitting import Dataset, Frame
from ase_mag.fitting.dataset import check_apart

from .conftest import labelled, structures


def test_a_sequence(linear_data):
    assert len(linear_data) == 12 and linear_data[3] is linear_data.frames[3]
    assert linear_data[2:5].frames == linear_data.frames[2:5]
    assert linear_data[[4, 1]].frames == (linear_data[4], linear_data[1])
    mask = np.arange(12) % 2 == 0
    assert linear_data[mask].frames == linear_data.frames[::2]
    assert (linear_data[:5] + linear_data[5:]).frames == linear_data.frames
    assert repr(linear_data) == "Dataset(12 frames of Fe: energy, forces, stress, magforces)"
    with pytest.raises(ValueError, match=r"a mask of 12 frames has shape \(3,\)"):
        linear_data[np.ones(3, dtype=bool)]
    with pytest.raises(TypeError, match=r"a Dataset is made of Frames, got Atoms: use fitting"):
        Dataset([linear_data[0].atoms])


def test_split_and_folds_are_complete_and_repeatable(linear_data):
    train, test = linear_data.split(0.75, rng=1)
    assert (len(train), len(test)) == (9, 3)
    assert {f.index for f in train} | {f.index for f in test} == set(range(12))
    again, _ = linear_data.split(0.75, rng=1)
    assert again.frames == train.frames
    assert linear_data.split(0.75, rng=2)[0].frames != train.frames
    folds = linear_data.folds(5, rng=1)
    assert sorted(len(test) for _, test in folds) == [2, 2, 2, 3, 3]
    assert Counter(f.index for _, test in folds for f in test) == Counter(range(12))
    for train, test in folds:
        check_apart(train, test)
        assert len(train) + len(test) == 12


def test_groups_stay_together(linear_data):
    data = linear_data.grouped([0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 3, 3])
    for seed in range(10):
        train, test = data.split(0.6, rng=seed)
        assert not set(train.groups) & set(test.groups) and 4 <= len(train) <= 10
        for train, test in data.folds(3, rng=seed):
            assert not set(train.groups) & set(test.groups)
            assert 3 <= len(test) <= 5
    with pytest.raises(ValueError, match="from 2 to the number of groups, 4, got 5"):
        data.folds(5, rng=1)
    with pytest.raises(ValueError, match="there are 2 groups for 12 frames"):
        linear_data.grouped([1, 2])
    with pytest.raises(ValueError, match="1 group of 12 frames cannot be split"):
        linear_data.grouped([0] * 12).split(0.5, rng=1)


def test_frames_of_files_are_those_in_memory(linear_model, tmp_path):
    """Text files round positions: what was fitted to is no test all the same."""
    atoms = labelled(structures(6), linear_model)
    write(tmp_path / "frames.extxyz", atoms)
    data, again = fitting.read(atoms), fitting.read(tmp_path / "frames.extxyz")
    rounded = [
        np.abs(a.atoms.positions - b.atoms.positions).max()
        for a, b in zip(data, again, strict=True)
    ]
    assert min(rounded) > 0
    with pytest.raises(ValueError, match=r"test frames are in the training data too, the first"):
        check_apart(data, again)
    with pytest.raises(ValueError, match=r"test frames are in the training data too, the first"):
        fitting.fit(linear_model, data, test=again)
    # Displacements and moments of scans are larger than the rounding.
    for change in ("positions", "initial_magmoms"):
        near = [a.copy() for a in atoms]
        for a, b in zip(near, atoms, strict=True):
            a.arrays[change][1, 0] += 1e-5
            a.info["REF_energy"] = b.get_potential_energy()
        check_apart(data, fitting.read(near))


def test_every_frame_is_a_group_with_its_repetitions(linear_model):
    """Also frames that come from memory in two portions, and never apart from their copies."""
    atoms = labelled(structures(6), linear_model)
    first, second = fitting.read(atoms[:3]), fitting.read(atoms[3:])
    assert len(set((first + second).groups)) == 6
    twice = fitting.read(atoms + atoms, duplicates="keep")
    for train, test in twice.folds(3, rng=0):
        check_apart(train, test)
        assert (len(train), len(test)) == (8, 4)


def test_rng_is_needed(linear_data):
    with pytest.raises(ValueError, match="a split is drawn at random: give rng"):
        linear_data.split(0.5)
    with pytest.raises(ValueError, match="folds is drawn at random: give rng"):
        linear_data.folds(3)
    with pytest.raises(ValueError, match="fraction must be between 0 and 1"):
        linear_data.split(1.5, rng=1)


def test_weights(linear_data):
    data = linear_data.reweighted(np.arange(12)).reweighted(0.5, label="forces")
    assert data[3].weight_of("energy") == 3.0 and data[3].weight_of("forces") == 1.5
    assert linear_data[3].weight_of("energy") == 1.0
    with pytest.raises(ValueError, match="weights must be finite and not negative"):
        linear_data.reweighted(-1.0)
    with pytest.raises(ValueError, match="'force' is no label; labels are energy, forces, stress"):
        linear_data.reweighted(1.0, label="force")


def test_without(linear_data):
    assert linear_data.without("stress").labels == ("energy", "forces", "magforces")
    assert linear_data.without("forces", species="Fe").labels == ("energy", "stress", "magforces")
    assert np.isnan(linear_data.without("forces", species="Fe")[0].labels["forces"]).all()
    assert np.isfinite(linear_data[0].labels["forces"]).all()
    assert linear_data.without("forces", species="Al").labels == linear_data.labels
    with pytest.raises(ValueError, match="energy is a label of the whole frame"):
        linear_data.without("energy", species="Fe")


def test_references_of_two_species():
    """Energies that are sums over atoms come back exactly."""
    model = models.AtomicEnergies({"Fe": -8.0, "Al": -3.5})
    atoms = structures(6)
    rng = np.random.default_rng(3)
    for frame in atoms:
        frame.symbols[:] = rng.choice(["Fe", "Al"], len(frame))
    data = fitting.read(labelled(atoms, model))
    found = fitting.atomic_references(data)
    assert found.keys() == {"Fe", "Al"}
    assert abs(found["Fe"] + 8.0) < 1e-12 and abs(found["Al"] + 3.5) < 1e-12
    relative = data.relative_to()
    assert max(abs(f.labels["energy"]) for f in relative) < 1e-11 and relative.references == found
    assert data.relative_to({"Fe": 0.0, "Al": 0.0})[0].labels == data[0].labels
    with pytest.raises(ValueError, match="references name Fe, but the data also hold Al"):
        data.relative_to({"Fe": -8.0})
    with pytest.raises(ValueError, match="atomic references have been subtracted already"):
        relative.relative_to()
    with pytest.raises(ValueError, match="the data have other atomic references"):
        data + relative
    with pytest.raises(ValueError, match="no frame has one"):
        data.without("energy").relative_to()


def test_one_composition_has_the_smallest_references():
    data = fitting.read(labelled(structures(2), models.AtomicEnergies({"Fe": -8.0})))
    atoms = [f.to_atoms() for f in data]
    for frame in atoms:
        frame.symbols[:2] = "Al"
        frame.calc.atoms = frame.copy()
    found = fitting.atomic_references(fitting.read(atoms))
    assert found == pytest.approx({"Al": -8.0, "Fe": -8.0}, abs=1e-12)


def test_summary(linear_data):
    text = linear_data.without("stress").summary()
    lines = {line.split(" (")[0]: line.split(")", 1)[1].split() for line in text.splitlines()[3:7]}
    energies = np.array([float(f.labels["energy"]) / 4 for f in linear_data]) * 1e3
    count, numbers, low, high, spread = lines["energy"]
    assert (count, numbers) == ("12", "12")
    for shown, value in ((low, energies.min()), (high, energies.max()), (spread, energies.std())):
        assert float(shown) == pytest.approx(value, rel=1e-4)
    assert lines["magforces"][:2] == ["12", "144"] and lines["stress"] == ["0", "0"]
    assert text.startswith("12 frames of Fe, 4 to 4 atoms, 12 groups; moments from 1 to 2.7")


@pytest.mark.parametrize(
    ("label", "value", "message"),
    [
        ("energy", [1.0, 2.0], r"energy has shape \(2,\); a frame of 4 atoms has \(\): give the"),
        ("forces", np.zeros((3, 3)), r"forces has shape \(3, 3\); .* has \(4, 3\): give one row"),
        (
            "magforces",
            np.zeros(12),
            r"magforces has shape \(12,\); .* or \(4,\): give",
        ),
        (
            "stress",
            np.zeros((2, 3)),
            r"stress has shape \(2, 3\); .* \(6,\), \(3, 3\) or",
        ),
        (
            "magforces",
            np.full((4, 3), np.inf),
            "magforces is infinite: remove this frame",
        ),
        ("energy", "low", "energy is not made of numbers"),
        ("force", np.zeros((4, 3)), "has a label 'force'; labels are energy, forces, stress, magf"),
    ],
)
def test_labels_of_frames_made_by_hand(linear_data, label, value, message):
    good = linear_data[0]
    bad = Frame(good.atoms, good.labels | {label: value}, source="script", index=7)
    with pytest.raises(ValueError, match=rf"frame 2 of the data \(frame 7 of script\).*{message}"):
        Dataset([good, linear_data[1], bad])


def test_stress_of_a_cluster(linear_data):
    atoms = linear_data[0].atoms.copy()
    atoms.pbc = (True, True, False)
    message = r"frame 0 of the data .*has a stress, but is not periodic in three dir"
    with pytest.raises(ValueError, match=message):
        Dataset([Frame(atoms, {"stress": np.zeros(6)})])


def test_labels_in_other_shapes_that_are_read(linear_data):
    """As fitting.read takes them: a stress tensor, collinear magnetic forces, plain numbers."""
    atoms = linear_data[0].atoms
    tensor = np.array([[1.0, 6.0, 5.0], [6.0, 2.0, 4.0], [5.0, 4.0, 3.0]])
    labels = {"energy": -3, "stress": tensor, "magforces": [0.1, 0.2, 0.3, np.nan]}
    found = Dataset([Frame(atoms, labels)])[0].labels
    assert found["energy"].shape == () and found["energy"] == -3.0
    np.testing.assert_array_equal(found["stress"], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    np.testing.assert_array_equal(found["magforces"][:, 2], [0.1, 0.2, 0.3, np.nan])
    assert found["magforces"].shape == (4, 3)
    assert labels["energy"] == -3 and linear_data[:3].frames == linear_data.frames[:3]
