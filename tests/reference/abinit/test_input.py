"""Input files: every number read back to the last bit, types, constraints, collinearity."""

import re

import numpy as np
import pytest
from ase import Atoms
from ase.units import Bohr, Hartree

from ase_mag.reference.abinit import ConstrainedAbinit, find_pseudopotentials
from ase_mag.reference.abinit.input import atom_types, write_input
from ase_mag.reference.abinit.settings import check_settings, sphere_radii
from ase_mag.reference.base import Job


def keywords(text):
    """Read an input file back: name -> list of words."""
    found = {}
    for word in text.replace('"', " ").replace(",", " ").split():
        if re.match(r"[a-z_]+$", word) and not word.endswith("e"):
            name = word
            assert name not in found, f"{name} twice"
            found[name] = []
        else:
            found[name].append(word)
    return found


def numbers(words, *shape):
    return np.array([float(word) for word in words]).reshape(*shape, 3)


def alloy(seed=3):
    rng = np.random.default_rng(seed)
    return Atoms(
        ["Fe", "Al", "Fe", "Al"],
        positions=rng.normal(size=(4, 3)),
        cell=np.diag([2.9, 2.9, 5.8]) + rng.normal(scale=0.1, size=(3, 3)),
        pbc=True,
    )


def write(job, data_sets, **options):
    pseudopotentials = find_pseudopotentials(job.atoms.symbols, None, [data_sets])
    radii = sphere_radii(options.pop("sphere_radius", None), pseudopotentials)
    settings = {**ConstrainedAbinit.default_parameters, "tolerance": 1e-8, **options}
    return write_input(job, pseudopotentials, radii, settings)


def test_mixed_species_keep_their_order_and_precision(data_sets):
    atoms, rng = alloy(), np.random.default_rng(1)
    targets = np.zeros((4, 3))
    targets[:, 2] = rng.normal(size=4)
    kinds = ("vector", "free", "magnitude", "free")
    text, method = write(Job(atoms, targets, kinds, False), data_sets)
    found = keywords(text)
    np.testing.assert_allclose(
        numbers(found["xcart"], 4) * Bohr, atoms.positions, rtol=1e-15, atol=1e-16
    )
    np.testing.assert_allclose(numbers(found["rprim"], 3) * Bohr, atoms.cell.array, rtol=1e-15)
    np.testing.assert_array_equal(numbers(found["spinat"], 4), targets)
    # Three types: the two atoms of iron are constrained differently.
    assert found["typat"] == ["1", "2", "3", "2"]
    assert found["znucl"] == ["26", "13", "26"]
    # Collinear magnitudes are vectors.
    assert found["constraint_kind"] == ["1", "0", "1"]
    noncollinear = keywords(write(Job(atoms, targets, kinds, True), data_sets)[0])
    assert noncollinear["constraint_kind"] == ["1", "0", "3"]
    assert [word.rsplit("/")[-1] for word in found["pseudos"]] == ["Fe.xml", "Al.xml", "Fe.xml"]
    assert (found["ntypat"], found["natom"], found["nsym"]) == (["3"], ["4"], ["1"])
    radii = [float(word) for word in found["ratsph"]]
    np.testing.assert_allclose(radii, [2.2, 2.0, 2.2], rtol=1e-12)
    assert float(found["ecut"][0]) == 410.0 / Hartree
    assert method["nband"] == 2 * 12 + 2 * 5.5


def test_same_constraint_shares_a_type():
    types, typat = atom_types(["Fe", "Al", "Fe"], ("vector", "free", "vector"))
    assert (types, typat) == ([("Fe", "vector"), ("Al", "free")], [1, 2, 1])


def test_collinear_and_noncollinear_keywords(data_sets):
    atoms = alloy()
    targets = np.random.default_rng(1).normal(size=(4, 3))
    common = {"kpts": (2, 3, 4), "gamma": True}
    collinear = keywords(write(Job(atoms, targets, ("free",) * 4, False), data_sets, **common)[0])
    assert [collinear[n] for n in ("nsppol", "nspden", "kptopt")] == [["2"], ["2"], ["2"]]
    assert collinear["ngkpt"] == ["2", "3", "4"] and float(collinear["shiftk"][0]) == 0.0
    spinors = keywords(write(Job(atoms, targets, ("free",) * 4, True), data_sets)[0])
    wanted = {"nsppol": "1", "nspden": "4", "nspinor": "2", "pawspnorb": "0", "kptopt": "3"}
    assert {name: spinors[name][0] for name in wanted} == wanted
    assert int(spinors["nband"][0]) == 2 * 21 + 2 * 8


def test_attempt_and_extra_replace_and_density_is_named(data_sets):
    atoms = alloy()
    job = Job(atoms, np.zeros((4, 3)), ("free",) * 4, False)
    pseudopotentials = find_pseudopotentials(atoms.symbols, None, [data_sets])
    settings = {**ConstrainedAbinit.default_parameters, "tolerance": 1e-8, "extra": {"iscf": 3}}
    text, method = write_input(
        job,
        pseudopotentials,
        sphere_radii(None, pseudopotentials),
        settings,
        attempt={"nstep": 7, "diemix": 0.2},
        density="runs/x_DEN",
    )
    assert (method["nstep"], method["iscf"], method["diemix"]) == (7, 3, 0.2)
    assert 'getden_filepath "runs/x_DEN"' in text
    assert len(re.findall(r"^nstep ", text, re.M)) == 1


def test_radius_below_the_paw_radius(data_sets):
    found = find_pseudopotentials(["Fe", "Al"], None, [data_sets])
    with pytest.raises(
        ValueError,
        match=r"sphere of Fe \(ratsph\) has a radius of 1\.0584 angstrom \(2\.0000 bohr\), less "
        r"than the PAW radius 1\.1194 angstrom \(2\.1153 bohr\) of Fe\.xml",
    ):
        sphere_radii({"Fe": 2.0 * Bohr}, found)
    assert sphere_radii(1.2, found) == {"Al": 1.2, "Fe": 1.2}
    assert sphere_radii({"Fe": 1.3}, found)["Al"] == pytest.approx(2.0 * Bohr)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ecut": -1}, "ecut must be a positive number, got -1"),
        ({"pawecutdg": 100.0}, "pawecutdg is 100 eV, less than ecut"),
        ({"kpts": (4, 4)}, "kpts must be three positive integers"),
        ({"kpts": (4, 4, 0)}, "kpts must be three positive integers"),
        ({"smearing": ("gauss", 0.1)}, "smearing must be .* a kind of fermi-dirac"),
        ({"extra": {"spinat": [0, 0, 1]}}, "keyword spinat is written .* the moments of the atoms"),
        ({"extra": {"ratsm": 0.4}}, r"use nothing \(its default; with 0.4 bohr"),
        ({"max_iterations": 0}, "max_iterations must be a positive number"),
    ],
)
def test_bad_settings(change, message):
    with pytest.raises(ValueError, match=message):
        check_settings({**ConstrainedAbinit.default_parameters, "tolerance": 1e-8, **change})
    with pytest.raises(TypeError, match="extra must be a dict"):
        check_settings({**ConstrainedAbinit.default_parameters, "tolerance": 1e-8, "extra": "x"})
