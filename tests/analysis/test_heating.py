"""Heating runs: against Monte Carlo, exact resumption, the bracket of the Curie temperature."""

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.constraints import FixAtoms

import ase_mag
from ase_mag import models
from ase_mag.analysis import average, curie_estimate, curie_temperature, heat, quench
from ase_mag.build import bcc_crystal
from ase_mag.core import ModelSurface, State
from ase_mag.dynamics import Noise, Sampler

SMALL = {"temperatures_K": (100, 300), "steps": 40, "skip": 10, "every": 5, "rng": 3}
FIXED = {"longitudinal": False, "pressure": None, "friction": None, "damping": 0.5}


@pytest.fixture(scope="module")
def model():
    return models.named("FeHL-1")


def iron(repeats=2):
    return bcc_crystal(2.8494, repeats, moment=2.15)


def test_means_are_those_of_the_series(model):
    """Blocks by hand; zero pressure lets the volume move; the atoms that were given stay."""
    atoms = iron()
    heating = heat(atoms, model, **SMALL)
    row = heating[300]
    values = row.series["volume"][2:]
    assert len(values) == 6 and np.ptp(values) > 0
    assert row.mean("volume")[0] == pytest.approx(values.mean(), rel=1e-14)
    blocks = values[1:].reshape(5, 1).mean(axis=1)
    assert row.mean("volume")[1] == pytest.approx(blocks.std(ddof=1) / np.sqrt(5), rel=1e-12)
    assert row.lattice_constant(2)[0] == pytest.approx(np.cbrt(2 * values).mean(), rel=1e-12)
    last = ase_mag.get_moments(row.atoms)
    sizes = np.linalg.norm(last, axis=1)
    assert row.series["size"][-1] == pytest.approx(sizes.mean(), abs=1e-7)
    total = np.linalg.norm(last.mean(axis=0))
    assert row.series["magnetization"][-1] == pytest.approx(total, abs=1e-7)
    assert not atoms.get_momenta().any() and "series" not in atoms.info
    assert str(heating).count("\n") == 2
    with pytest.raises(KeyError, match="no run at 200 K; there are 100, 300"):
        heating[200]


def test_stopped_runs_go_on(model, tmp_path):
    """With and without a folder, and after one file was lost: the same numbers, bit for bit."""
    free = heat(iron(), model, **SMALL)
    for again in range(2):
        kept = heat(iron(), model, folder=tmp_path, **SMALL)
        for a, b in zip(free, kept, strict=True):
            for name in a.series:
                np.testing.assert_array_equal(a.series[name], b.series[name])
        if not again:
            (tmp_path / "heated_300.extxyz").unlink()
    changed = iron()
    changed.positions[0, 0] += 0.1
    for atoms, options in ((iron(), {"rng": 4}), (iron(), {"friction": 0.5}), (changed, {})):
        with pytest.raises(ValueError, match="is the state of another heating run"):
            heat(atoms, model, folder=tmp_path, **{**SMALL, **options})


@pytest.mark.slow
def test_heisenberg_magnet_on_a_fixed_lattice_is_that_of_monte_carlo():
    """|M| and energy at half of the Curie temperature (167 K): the same within four errors.

    Reference: heat-bath Monte Carlo of the same 64 moments, 20,000 sweeps. The kinetic energy of
    fixed atoms is zero.
    """
    atoms = bulk("Fe", "sc", a=1.0)
    model = models.Heisenberg("Fe", models.shells([0.01], reference=atoms))
    atoms *= (4, 4, 4)
    ase_mag.set_moments(atoms, 1.0)
    state = State.from_atoms(atoms)
    surface = ModelSurface(model, atoms.numbers, atoms.pbc, skin=0.0)
    sampler = Sampler(surface, 84.0, Noise(1, 1), tuning=0, lengths=False)
    sampler.run(state, 0.0, 1000)
    energies, totals = sampler.sample(state, 20_000, np.ones(len(atoms)))
    expected = average(np.linalg.norm(totals, axis=1) / len(atoms), blocks=20)
    atoms.set_constraint(FixAtoms(range(len(atoms))))
    row = heat(
        atoms,
        model,
        temperatures_K=[84],
        steps=20_000,
        skip=1000,
        blocks=20,
        timestep=2 * units.fs,
        rng=2,
        **FIXED,
    )[84]
    for found, known in (
        (row.mean("magnetization"), expected),
        (row.mean("energy"), average(energies / len(atoms), blocks=20)),
    ):
        assert abs(found[0] - known.value) < 4 * np.hypot(found[1], known.error)
    assert 0.5 < expected.value < 0.9 and expected.error < 0.01


def test_quench_goes_on_from_the_hot_state(model):
    """Sizes stay; with the seed of a heating run it is that run; hot atoms get colder."""
    hot = heat(iron(), model, **SMALL)[300].atoms
    options = {"steps": 40, "every": 5}
    row = quench(hot, model, from_K=300, to_K=50, rng=7, **options)
    same = heat(hot, model, temperatures_K=[50], skip=0, rng=7, **options)[50]
    np.testing.assert_array_equal(row.series["energy"], same.series["energy"])
    assert row.skip == 0 and len(row.series["size"]) == 8
    assert row.series["energy"][-1] < row.series["energy"][0]
    longer = quench(iron(), model, from_K=300, to_K=50, rng=7, equilibration=20, **options)
    assert not np.array_equal(longer.series["energy"], row.series["energy"])


def test_bracket_of_the_steepest_fall():
    """By hand: slopes -1/100, -3/200, -1/25 and -1/100 per kelvin, in any order."""
    temperatures, values = [100, 0, 300, 325, 425], [9, 10, 6, 5, 4]
    found = curie_estimate(temperatures, values)
    assert (found.low, found.high, found.middle) == (300, 325, 312.5)
    assert str(found) == "magnetization falls most steeply between 300 and 325 K"
    for arguments, message in (
        (([1], [2]), "must be two or more numbers each"),
        (([1, 2], [2, 1, 3]), r"got the shapes \(2,\) and \(3,\)"),
        (([1, 1], [2, 1]), "must be different and all numbers finite"),
        (([1, 2], [2, np.nan]), "must be different and all numbers finite"),
        (([100, 300], [1, 2]), "falls nowhere between 100 and 300 K: heat further"),
    ):
        with pytest.raises(ValueError, match=message):
            curie_estimate(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperatures_K": [0.0]}, "must be different numbers above 0 K"),
        ({"temperatures_K": [300, 300]}, "must be different numbers above 0 K"),
        ({"temperatures_K": 300}, "must be different numbers above 0 K"),
        ({"temperatures_K": []}, "must be different numbers above 0 K"),
        ({"steps": 0}, "steps must be an integer of at least 1, got 0"),
        ({"every": 2.5}, "every must be an integer of at least 1, got 2.5"),
        ({"skip": 40}, "skip must be a number of steps below steps=40"),
        ({"skip": -1}, "skip must be a number of steps below steps=40"),
        ({"every": 30}, "leave fewer than two values"),
        ({"blocks": 1}, "at least two blocks, got blocks=1"),
    ],
)
def test_bad_input_is_named(model, options, message):
    with pytest.raises(ValueError, match=message):
        heat(iron(), model, **{**SMALL, **options})


def test_atoms_without_moments_or_model_are_refused(model):
    atoms = iron()
    with pytest.raises(ValueError, match="model must be an ase_mag model, got NoneType"):
        heat(atoms, **SMALL)
    ase_mag.set_moments(atoms, 0.0)
    with pytest.raises(ValueError, match="all moments of atoms are zero"):
        heat(atoms, model, **SMALL)


def test_models_without_a_bilinear_form_are_sent_here():
    atoms = iron(1)
    with pytest.raises(ValueError, match=r"ase_mag\.analysis\.heat runs .* curie_estimate\(\)"):
        curie_temperature(
            atoms, models.named("Fe-MSLP-FeHL1"), temperatures_K=(800, 1000), sizes=(2, 3)
        )
