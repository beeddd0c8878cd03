"""Files for VASP: every number belongs to the atom it was meant for."""

from configparser import ConfigParser

import numpy as np
import pytest
from ase.config import cfg
from ase.io import read

import ase_mag


def incar_vectors(fake, folder, key, n):
    return fake.vectors(fake.read_incar(folder / "INCAR")[key], n)


def test_mixed_species_keep_their_targets(vasp, mixed, fake, tmp_path):
    """POSCAR, MAGMOM, M_CONSTR and RWIGS after ASE's sorting, at eight digits."""
    calc = vasp(constraint={"Al": "free", "Fe": "vector"}, rwigs={"Al": 1.4, "Fe": 1.3})
    mixed.calc = calc
    mixed.get_potential_energy()
    written = read(tmp_path / "run" / "POSCAR")
    assert written.get_chemical_symbols() == ["Fe", "Fe", "Al", "Al"]
    magmom = incar_vectors(fake, tmp_path / "run", "MAGMOM", 4)
    m_constr = incar_vectors(fake, tmp_path / "run", "M_CONSTR", 4)
    moments = ase_mag.get_moments(mixed)
    text = (tmp_path / "run" / "INCAR").read_text()
    assert "2.23456789" in text and "1.87654321" in text
    assert fake.read_incar(tmp_path / "run" / "INCAR")["RWIGS"] == "1.3 1.4"
    matched = []
    for k, position in enumerate(written.positions):
        [i] = np.flatnonzero(np.abs(mixed.positions - position).max(axis=1) < 1e-10)
        matched.append(i)
        assert mixed.symbols[i] == written.symbols[k]
        np.testing.assert_allclose(magmom[k], moments[i], rtol=0, atol=5.1e-9)
        expected = moments[i] if mixed.symbols[i] == "Fe" else np.zeros(3)
        np.testing.assert_allclose(m_constr[k], expected, rtol=0, atol=5.1e-9)
    assert sorted(matched) == [0, 1, 2, 3] and matched != [0, 1, 2, 3]


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [1, 0, 3, 2], [3, 0, 1, 2], [1, 3, 0, 2]])
def test_results_do_not_depend_on_the_order_of_atoms(vasp, mixed, order):
    settings = {"constraint": {"Fe": "vector", "Al": "free"}, "magforces_verified": True}
    names = ("forces", "magmoms", "magforces", "sphere_magmoms", "moment_error")
    mixed.calc = vasp(**settings)
    expected = {name: mixed.calc.get_property(name, mixed) for name in ("energy", "stress", *names)}
    atoms = mixed[order]
    atoms.calc = vasp(**settings)
    for name in names:
        found = atoms.calc.get_property(name, atoms)
        np.testing.assert_allclose(found, expected[name][order], rtol=0, atol=5e-6, err_msg=name)
        assert np.ptp(np.round(found, 6), axis=0).any(), f"{name} of all atoms are alike"
    for name in ("energy", "stress"):
        found = atoms.calc.get_property(name, atoms)
        np.testing.assert_allclose(found, expected[name], rtol=0, atol=1e-6)


def test_radii_default_to_those_of_the_potcars(vasp, mixed, fake, tmp_path):
    mixed.calc = vasp(constraint={"Al": "free", "Fe": "vector"})
    mixed.get_potential_energy()
    assert fake.read_incar(tmp_path / "run" / "INCAR")["RWIGS"] == "1.302 1.402"
    mixed.calc = vasp(constraint={"Al": "free", "Fe": "vector"}, rwigs={"Fe": 1.3})
    with pytest.raises(ValueError, match=r"rwigs=\{'Fe': 1.3\} has no radius for Al"):
        mixed.get_potential_energy()


def test_settings_of_the_user_are_written(vasp, iron, fake, tmp_path):
    iron.calc = vasp(ediff=1e-8, lsorbit=True, amix=0.3, ldau_luj={"Fe": {"L": 2, "U": 1, "J": 0}})
    iron.get_potential_energy()
    incar = fake.read_incar(tmp_path / "run" / "INCAR")
    assert incar["EDIFF"] == "1.00e-08" and incar["LSORBIT"] == ".TRUE."
    assert float(incar["AMIX"]) == 0.3 and incar["LDAUL"] == "2"
    assert incar["NELM"] == "200"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"i_constrained_m": 1}, r"writes I_CONSTRAINED_M: it follows from constraint"),
        ({"m_constr": [0, 0, 1]}, "the targets are the moments of the atoms"),
        ({"magmom": [2, 2]}, "start moments are the moments of the atoms"),
        ({"lambda": 10.0}, r"give lambdas=\(1, 2\.5, 5, 10\)"),
        ({"ISYM": 0}, "symmetry is off"),
        ({"saxis": [1, 0, 0]}, "moments are Cartesian"),
        ({"nsw": 5}, "one geometry"),
        ({"ispin": 2}, r"only in non-collinear runs.*NUPDOWN.*Leave ispin=2 out"),
        ({"lnoncollinear": False}, r"only in non-collinear runs"),
        ({"noncollinear": False}, r"only in non-collinear runs"),
        ({"noncollinear": None}, r"only in non-collinear runs"),
        ({"lambdas": (5, 1)}, r"lambdas must be positive and growing.*got \[5\.0, 1\.0\]"),
        ({"lambdas": (5,)}, r"lambdas=\[5\.0\]: an extrapolation needs two or more"),
        ({"direction_penalty": 2}, "direction_penalty must be 1 or 4, got 2"),
        ({"moment_tolerance": 0}, "moment_tolerance must be positive"),
    ],
)
def test_bad_settings_are_refused(vasp, settings, message):
    with pytest.raises(ValueError, match=message):
        vasp(**settings)


@pytest.mark.parametrize(
    ("constraint", "moments", "message"),
    [
        ("magnitude", [[0, 0, 2], [0, 0, 2]], "no penalty for the magnitude of a moment alone"),
        (["vector", "direction"], [[0, 0, 2], [0, 0, 2]], "direction and vector cannot be mixed"),
        ("vector", [[0, 0, 2], [0, 0, 0]], r"atom 1 \(Fe\) has the target moment zero, which VASP"),
        ("direction", [[0, 0, 0], [0, 0, 2]], r"atom 0 \(Fe\) is to be constrained, but its tar"),
        ({"Al": "vector"}, [[0, 0, 2], [0, 0, 2]], "names Al, but the atoms are Fe"),
    ],
)
def test_constraints_that_vasp_does_not_have(vasp, iron, constraint, moments, message, tmp_path):
    ase_mag.set_moments(iron, moments)
    iron.calc = vasp(constraint=constraint)
    with pytest.raises(ValueError, match=message):
        iron.get_potential_energy()
    assert not (tmp_path / "run" / "INCAR").exists()


def test_atoms_without_moments(vasp, iron):
    del iron.arrays["initial_magmoms"]
    iron.calc = vasp()
    with pytest.raises(ValueError, match="the atoms have no moments, which are the targets"):
        iron.get_potential_energy()


def test_a_missing_potcar_says_where_it_was_looked_for(vasp, iron, potcars, monkeypatch):
    iron.symbols[1] = "Ni"
    iron.calc = vasp()
    with pytest.raises(FileNotFoundError, match=r"no POTCAR at .*potpaw_PBE/Ni/POTCAR.*VASP_PP_PA"):
        iron.get_potential_energy()
    monkeypatch.setattr(cfg, "parser", ConfigParser())
    with pytest.raises(FileNotFoundError, match=r"VASP_PP_PATH \(not set\)"):
        iron.get_potential_energy()
