"""Everything that frames come in, and what is wrong with them."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read as ase_read
from ase.io import write

import ase_mag
from ase_mag import fitting, models
from ase_mag.core import get_moments

from .conftest import labelled, structures

DATA = Path(__file__).parents[3] / "shared" / "data"


def iron(**labels):
    """Two atoms with labels in info and arrays."""
    atoms = bulk("Fe", a=2.85, cubic=True)
    ase_mag.set_moments(atoms, 2.2)
    for name, value in labels.items():
        per_atom = np.ndim(value) > 0 and len(value) == 2
        (atoms.arrays if per_atom else atoms.info)[name] = value
    return atoms


def assert_same(a, b, rtol=1e-12):
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        assert x.labels.keys() == y.labels.keys()
        for name in x.labels:
            np.testing.assert_allclose(x.labels[name], y.labels[name], rtol=rtol, atol=1e-7)
        np.testing.assert_allclose(get_moments(x.atoms), get_moments(y.atoms), atol=1e-7)


@pytest.mark.parametrize("suffix", ["extxyz", "traj", "json"])
def test_files_of_ase(suffix, tmp_path, linear_model):
    frames = labelled(structures(4), linear_model)
    expected = fitting.read(frames)
    assert expected[0].labels.keys() == {"energy", "forces", "stress", "magforces"}
    path = tmp_path / f"frames.{suffix}"
    write(path, frames)
    data = fitting.read(path)
    assert_same(data, expected)
    assert [f.index for f in data] == [0, 1, 2, 3] and data[0].source == str(path)
    assert_same(fitting.read([str(path), path], duplicates="drop"), data)
    np.testing.assert_allclose(data[2].to_atoms().get_forces(), frames[2].get_forces(), atol=1e-7)


def test_sqlite_with_magnetic_forces_in_data(tmp_path, linear_model):
    """The database of SQLite has no column for them, and holds collinear moments only."""
    from ase.db import connect

    frames = structures(2)
    for atoms in frames:
        ase_mag.set_moments(atoms, [1.0, 2.0, -1.5, 2.5])
    frames = labelled(frames, linear_model)
    with connect(tmp_path / "frames.db") as database:
        for atoms in frames:
            row = atoms.copy()
            row.set_initial_magnetic_moments(None)
            row.set_initial_magnetic_moments([1.0, 2.0, -1.5, 2.5])
            results = {k: v for k, v in atoms.calc.results.items() if k != "magforces"}
            row.calc = SinglePointCalculator(row, **results)
            database.write(row, data={"magforces": atoms.calc.results["magforces"]})
    assert_same(fitting.read(tmp_path / "frames.db"), fitting.read(frames))


def test_campaign(tmp_path, linear_model):
    from ase_mag import reference

    path = tmp_path / "labels.extxyz"
    calc = reference.ConstrainedModel(linear_model)
    result = reference.campaign(structures(3), calc, path, progress=False)
    assert_same(fitting.read(path), fitting.read(result.frames), rtol=1e-7)


def test_names_of_mace_and_own_names():
    forces, magforces = np.ones((2, 3)), np.array([0.1, -0.2])
    atoms = iron(
        REF_energy=-3.0, REF_forces=forces, REF_magforces=magforces, REF_stress=np.eye(3) * 0.01
    )
    atoms.arrays["REF_magmom"] = np.array([1.0, -2.0])
    atoms.info["config_weight"], atoms.info["config_forces_weight"] = 2.0, 0.5
    frame = fitting.read(atoms, moments="auto")[0]
    assert frame.labels["energy"] == -3.0
    assert frame.labels["stress"].tolist() == [0.01, 0.01, 0.01, 0, 0, 0]
    assert frame.labels["magforces"].tolist() == [[0, 0, 0.1], [0, 0, -0.2]]
    assert get_moments(frame.atoms).tolist() == [[0, 0, 1.0], [0, 0, -2.0]]
    assert frame.weight_of("energy") == 2.0 and frame.weight_of("forces") == 1.0
    other = iron(E_dft=-4.0, bfield=magforces, m=[2.0, 2.0], REF_forces=forces)
    keys = {"energy": "E_dft", "magforces": "bfield", "moments": "m", "forces": None}
    frame = fitting.read(other, keys=keys)[0]
    assert frame.labels.keys() == {"energy", "magforces"} and frame.labels["energy"] == -4.0
    assert get_moments(frame.atoms)[:, 2].tolist() == [2.0, 2.0]


def test_virial_is_minus_volume_times_stress():
    atoms = iron(REF_energy=0.0, REF_virials=np.diag([1.0, 2.0, 3.0]))
    expected = -np.array([1.0, 2.0, 3.0, 0, 0, 0]) / 2.85**3
    np.testing.assert_allclose(fitting.read(atoms)[0].labels["stress"], expected, rtol=1e-14)


def test_a_stress_that_is_left_out_does_not_come_from_a_virial():
    atoms = bulk("Fe", cubic=True)
    atoms.info.update(REF_energy=-1.0, REF_virial=np.eye(3), mine=2 * np.eye(3))
    assert fitting.read(atoms).labels == ("energy", "stress")
    assert fitting.read(atoms, keys={"stress": None}).labels == ("energy",)
    assert fitting.read(atoms, keys={"virial": None}).labels == ("energy",)
    chosen = fitting.read(atoms, keys={"stress": None, "virial": "mine"})
    expected = -2 / atoms.cell.volume * np.array([1, 1, 1, 0, 0, 0])
    np.testing.assert_allclose(chosen[0].labels["stress"], expected, atol=1e-15)
    atoms.pbc = [True, True, False]
    with pytest.raises(ValueError, match=r"no volume: remove that label, e.g. with keys=.'stress'"):
        fitting.read(atoms)


def test_free_energy_wins_unless_asked_otherwise():
    atoms = iron()
    atoms.calc = SinglePointCalculator(atoms, energy=-1.0, free_energy=-1.1)
    assert fitting.read(atoms)[0].labels["energy"] == -1.1
    assert fitting.read(atoms, keys={"energy": "energy"})[0].labels["energy"] == -1.0


def test_which_moments_are_the_state():
    def atoms(reached, **labels):
        frame = iron(REF_energy=0.0, **labels)
        frame.calc = SinglePointCalculator(frame, magmoms=np.array(reached))
        return frame

    def state(frame, **options):
        return get_moments(fitting.read(frame, **options)[0].atoms)[:, 2].tolist()

    forces = {"REF_magforces": np.zeros((2, 3))}
    assert state(atoms([2.199, 2.2], **forces)) == [2.2, 2.2]  # targets, reached
    assert state(atoms([1.0, 2.0])) == [1.0, 2.0]  # the initial moments were a guess
    assert state(atoms([1.0, 2.0]), moments="initial") == [2.2, 2.2]
    assert state(atoms([1.0, 2.0], **forces), moments="results") == [1.0, 2.0]
    message = r"frame 0 of memory: atom 0 has the moment \[0.0, 0.0, 2.2\] mu_B as .* \[0.*1.0\]"
    with pytest.raises(ValueError, match=message):
        fitting.read(atoms([1.0, 2.0], **forces))
    bare = Atoms("Fe", info={"REF_energy": 1.0})
    assert state(bare) == [0.0]
    bare.arrays["REF_magforces"] = np.zeros((1, 3))
    with pytest.raises(ValueError, match="has magnetic forces, but no moments at which"):
        fitting.read(bare)


def test_nan_is_an_error_or_not_fitted():
    magforces = np.array([[0.1, 0.0, 0.0], [np.nan, 0.0, 0.0]])
    atoms = [iron(REF_energy=0.0), iron(REF_energy=1.0, REF_magforces=magforces)]
    atoms[0].positions += 0.01
    with pytest.raises(ValueError, match=r"frame 1 of memory: magforces of atom 1 is NaN\."):
        fitting.read(atoms)
    frame = fitting.read(atoms, nan="missing")[1]
    assert np.isnan(frame.labels["magforces"]).sum() == 1 and frame.has("magforces")
    atoms[0].info["REF_energy"] = np.nan
    with pytest.raises(ValueError, match="frame 0 of memory: energy is NaN"):
        fitting.read(atoms)
    assert not fitting.read(atoms, nan="missing")[0].has("energy")


def test_duplicates(linear_model):
    frames = labelled(structures(3), linear_model)
    with pytest.raises(ValueError, match="frame 3 of memory is a duplicate of frame 1 of memory"):
        fitting.read([*frames, frames[1]])
    assert len(fitting.read([*frames, frames[1]], duplicates="drop")) == 3
    assert len(fitting.read([*frames, frames[1]], duplicates="keep")) == 4
    wrong = frames[1].copy()
    wrong.info["REF_energy"] = frames[1].get_potential_energy() + 0.5
    with pytest.raises(ValueError, match="duplicate of frame 1 of memory, but its energy"):
        fitting.read([*frames, wrong], duplicates="drop")
    turned = frames[1].copy()
    ase_mag.set_moments(turned, -get_moments(turned))
    turned.info["REF_energy"] = 0.0
    assert len(fitting.read([*frames, turned])) == 4  # other moments, another state


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"REF_stress": np.eye(3) * 12.0}, "stress reaches 12 .* a stress in GPa is divided by 16"),
        ({"REF_forces": np.full((2, 3), 2e3)}, "forces reaches 2000 eV/angstrom, above 1000"),
        ({"REF_energy": 1e7}, "energy reaches 5e[+]06 eV per atom"),
        ({"REF_magmom": [100.0, 0.0], "REF_energy": 0.0}, "moments reach 100 mu_B"),
        ({"REF_stress": np.zeros(5)}, r"stress has shape \(5,\); a frame of 2 atoms has \(6,\), "),
        ({"REF_energy": [1.0, 2.0]}, r"energy has shape \(2,\)"),
        ({"REF_energy": "low"}, "energy is not made of numbers"),
        ({"REF_energy": np.inf}, "energy is infinite"),
        ({"REF_energy": 0.0, "config_weight": -1.0}, "config_weight must not be negative, got -1"),
        ({}, r"has none of the labels energy, forces, stress, magforces: .*keys=\{'energy': 'E_"),
    ],
)
def test_bad_labels(labels, message):
    with pytest.raises(ValueError, match=f"frame 0 of memory.*{message}"):
        fitting.read(iron(**labels))


def test_units_can_be_anything_if_asked_for():
    assert fitting.read(iron(REF_stress=np.eye(3) * 12.0), check_units=False)[0].has("stress")


def test_stress_without_volume():
    atoms = iron(REF_stress=np.zeros(6))
    atoms.pbc = (True, True, False)
    with pytest.raises(ValueError, match="has a stress, but is not periodic in three directions"):
        fitting.read(atoms)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"duplicates": "maybe"}, "duplicates must be 'error', 'drop' or 'keep', got 'maybe'"),
        ({"moments": "final"}, "moments must be one of auto, initial, results, got 'final'"),
        ({"nan": "zero"}, "nan must be 'error' or 'missing', got 'zero'"),
        ({"keys": {"magforce": "b"}}, "keys names 'magforce'; labels are 'energy', 'forces'"),
        ({"keys": {"moments": "M"}}, "frame 0 of memory has no 'M', which keys names as its mo"),
        ({"groups": "run"}, r"has no info\['run'\], by which frames are to be grouped"),
        ({"groups": 3}, "groups must be None, 'source' or a name in atoms.info, got 3"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        fitting.read(iron(REF_energy=0.0), **options)


def test_bad_sources(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no\.extxyz does not exist"):
        fitting.read(tmp_path / "no.extxyz")
    with pytest.raises(ValueError, match="there are no frames"):
        fitting.read([])
    with pytest.raises(TypeError, match=r"paths, ase\.Atoms or iterables of them, not from int"):
        fitting.read(3)
    (tmp_path / "bad.extxyz").write_text("2\nenergy=1\nFe 0 0 0\n")
    with pytest.raises(ValueError, match=r"bad\.extxyz cannot be read after 0 frames"):
        fitting.read(tmp_path / "bad.extxyz")
    with pytest.raises(ValueError, match=r"not one of DeePMD-kit .*reference\.read_outputs"):
        fitting.read(tmp_path)


def test_constrained_dft_of_iron():
    """Real frames of ABINIT: numbers as they are in the file, targets as moments."""
    path = DATA / "fe_constrained_dft" / "fe_constrained_dft.extxyz"
    if not path.exists():
        pytest.skip(f"{path.name} is not beside this tree")
    data, atoms = fitting.read(path), ase_read(path, ":")
    assert len(data) == 40 and data.labels == ("energy", "forces", "stress", "magforces")
    np.testing.assert_array_equal(get_moments(data[0].atoms), atoms[0].arrays["target_magmoms"])
    np.testing.assert_array_equal(data[3].labels["forces"], atoms[3].get_forces())
    landscapes = DATA / "fe_lsf_landscapes" / "fe_lsf_landscapes.extxyz"
    grouped = fitting.read(landscapes, groups="landscape")
    assert len(grouped) == 175 and len(set(grouped.groups)) == 25


def test_frames_that_share_a_calculator():
    frames = structures(2)
    calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    for atoms in frames:
        atoms.calc = calc
        atoms.get_stress()
    assert len(fitting.read(frames[1])) == 1
    with pytest.raises(
        ValueError, match=r"frame 0 of memory: .* belong to another structure \(cell"
    ):
        fitting.read(frames)
