"""Precession on perfect lattices: the same trajectories as with pairs."""

import subprocess

import numpy as np
import pytest
from ase import units as ase_units
from ase.build import bulk

from ase_mag import MagneticCalculator, models, set_moments
from ase_mag.core import ModelSurface, State, set_threads
from ase_mag.dynamics import Precession, SpinDynamics
from ase_mag.dynamics.driven import DrivenSurface
from ase_mag.dynamics.noise import Noise

fs = ase_units.fs
IRON = models.Heisenberg("Fe", models.cubic(0.191248, cutoff=4.2))
HARD = IRON + (
    models.Zeeman("Fe", (10.0, -5.0, 30.0))
    + models.UniaxialAnisotropy("Fe", 0.01, (1, 2, 1), 2.2)
    + models.Landau("Fe", -0.15, 0.0192)
)


def iron(n=(8, 9, 11), rng=1):
    atoms = bulk("Fe", a=2.8665, cubic=True) * n
    rng = np.random.default_rng(rng)
    atoms = atoms[rng.permutation(len(atoms))]
    moments = rng.normal(size=(len(atoms), 3)) + [0, 0, 1.5]
    set_moments(atoms, 2.2 * moments / np.linalg.norm(moments, axis=1, keepdims=True))
    return atoms


def surface(state, model=IRON, frozen=True):
    return ModelSurface(model, state.numbers, state.pbc, 0.0, frozen)


def trajectory(frozen, *, model=IRON, steps=20, temperature_K=300.0, field=None, **options):
    """Moments after some steps, on the lattice or with pairs."""
    state = State.from_atoms(iron())
    own = surface(state, model, frozen)
    assert (own.lattice_form(state) is not None) == frozen
    own = own if field is None else DrivenSurface(own, field)
    moving, damping = options.pop("moving", None), options.pop("damping", 0.1)
    if damping == "per atom":
        damping = 0.2 * np.random.default_rng(5).random(len(state.moments))
    p = Precession(own, damping, temperature_K, Noise(3, 1), **options)
    p.moving = moving
    p.run(state, steps * fs, steps)
    assert p.noise.step == steps
    return state.moments


@pytest.mark.parametrize("method", ["midpoint", "implicit", "depondt", "heun"])
@pytest.mark.parametrize("temperature_K", [None, 300.0])
@pytest.mark.parametrize("model", [IRON, HARD], ids=["exchange", "on-site"])
def test_same_trajectory_as_with_pairs(method, temperature_K, model):
    results = [
        trajectory(frozen, model=model, temperature_K=temperature_K, method=method)
        for frozen in (True, False)
    ]
    np.testing.assert_allclose(*results, rtol=0, atol=1e-12)
    assert np.abs(results[0] - iron().arrays["initial_magmoms"]).max() > 0.1


@pytest.mark.parametrize(
    "options",
    [
        {"damping": "per atom"},
        {"moving": np.arange(8 * 9 * 11 * 2) % 3 > 0},
        {"field": lambda time: (0.0, 20.0 * np.sin(time / fs), 5.0), "steps": 1},
    ],
    ids=["damping", "subset", "driven"],
)
def test_options_of_single_atoms(options):
    results = [trajectory(frozen, **dict(options)) for frozen in (True, False)]
    np.testing.assert_allclose(*results, rtol=0, atol=1e-12)


def test_atoms_that_stand_still_do_so_exactly():
    moving = np.arange(8 * 9 * 11 * 2) % 3 > 0
    start = iron().arrays["initial_magmoms"]
    result = trajectory(True, moving=moving)
    np.testing.assert_allclose(result[~moving], start[~moving], rtol=0, atol=1e-15)


@pytest.mark.parametrize("method", ["midpoint", "implicit", "depondt"])
def test_threads_and_cuts_do_not_matter(method):
    results = []
    for threads in (1, 2):
        set_threads(threads)
        results.append(trajectory(True, method=method, steps=6))
    set_threads(None)
    assert np.array_equal(*results)
    state = State.from_atoms(iron())
    p = Precession(surface(state), 0.1, 300.0, Noise(3, 1), method=method)
    for steps in (1, 3, 2):
        p.run(state, steps * fs, steps)
    np.testing.assert_allclose(state.moments, results[0], rtol=0, atol=1e-12)


def test_the_noise_belongs_to_the_atom():
    # Without exchange to speak of, an atom does the same wherever the others are.
    weak = models.Heisenberg("Fe", models.cubic(1e-12, cutoff=4.2)) + models.Zeeman(
        "Fe", (0, 0, 50.0)
    )
    state = State.from_atoms(iron())
    order = np.random.default_rng(8).permutation(len(state.moments))
    other = State.from_atoms(iron())
    other.positions[:] = state.positions[order]
    for each in (state, other):
        own = surface(each, weak)
        assert own.lattice_form(each) is not None
        Precession(own, 0.1, 300.0, Noise(3, 1)).run(each, 20 * fs, 20)
    np.testing.assert_allclose(other.moments, state.moments, rtol=0, atol=1e-9)


def test_spin_dynamics_takes_the_lattice_and_leaves_it_for_one_displaced_atom():
    results = []
    for displacement in (0.0, 1e-8):
        atoms = iron()
        atoms.positions[11, 0] += displacement
        atoms.calc = MagneticCalculator(IRON)
        md = SpinDynamics(atoms, fs, temperature_K=300, damping=0.1, rng=1)
        assert (md.surface.lattice_form(md.state) is None) == (displacement > 0)
        md.run(20)
        energy = md.get_potential_energy()
        assert energy == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
        results.append([energy, md.get_spin_temperature(), *atoms.arrays["initial_magmoms"][0]])
    np.testing.assert_allclose(*results, rtol=1e-5)


@pytest.mark.parametrize("method", ["midpoint", "depondt"])
def test_both_stages_at_a_time_in_large_crystals(method):
    # Above 300,000 entries the corrector follows the predictor a few planes behind.
    results = []
    for frozen, threads in ((True, 1), (True, 2), (False, 1)):
        set_threads(threads)
        state = State.from_atoms(bulk("Fe", a=2.8665, cubic=True) * (34, 32, 40))
        moments = np.random.default_rng(1).normal(size=state.moments.shape) + [0, 0, 1.5]
        state.moments[:] = 2.2 * moments / np.linalg.norm(moments, axis=1, keepdims=True)
        own = surface(state, models.Heisenberg("Fe", models.cubic(0.19, cutoff=3.0)), frozen)
        if frozen:
            assert own.lattice_form(state).stencil.empty().size > 300_000
        Precession(own, 0.1, 300.0, Noise(3, 1), method=method).run(state, 4 * fs, 4)
        results.append(state.moments)
    set_threads(None)
    assert np.array_equal(results[0], results[1])
    np.testing.assert_allclose(results[0], results[2], rtol=0, atol=1e-12)


def test_run_and_irun_agree():
    results = []
    for one_by_one in (False, True):
        atoms = iron()
        atoms.calc = MagneticCalculator(IRON)
        md = SpinDynamics(atoms, fs, temperature_K=300, damping=0.1, rng=1)
        if one_by_one:
            list(md.irun(12))
        else:
            md.run(12)
        results.append(atoms.arrays["initial_magmoms"])
    np.testing.assert_allclose(*results, rtol=0, atol=1e-12)


SCRIPT = """
import sys
import numpy as np
from ase import units
from ase.build import bulk
from ase_mag import models, _kernels
from ase_mag.core import ModelSurface, State
from ase_mag.dynamics import Precession
from ase_mag.dynamics.noise import Noise
state = State.from_atoms(bulk("Fe", a=2.8665, cubic=True) * 8)
moments = np.random.default_rng(2).normal(size=state.moments.shape) + [0, 0, 1.5]
state.moments[:] = 2.2 * moments / np.linalg.norm(moments, axis=1, keepdims=True)
model = models.Heisenberg("Fe", models.cubic(0.191248, cutoff=4.2))
own = ModelSurface(model, state.numbers, state.pbc, 0.0, frozen=True)
assert own.lattice_form(state) is not None
Precession(own, 0.1, 300.0, Noise(3, 1)).run(state, 20 * units.fs, 20)
np.savez(sys.argv[1], moments=state.moments, kernels=_kernels.instruction_set)
"""


def test_portable_kernels_agree_to_rounding(strict_python, tree_environment, tmp_path):
    results = []
    for name in ("portable", ""):
        path = tmp_path / f"moments{name}.npz"
        environment = tree_environment | {"ASE_MAG_KERNELS": name}
        subprocess.run([*strict_python, "-c", SCRIPT, path], check=True, env=environment)
        results.append(np.load(path))
    assert results[0]["kernels"] == "portable"
    np.testing.assert_allclose(*(each["moments"] for each in results), rtol=0, atol=1e-12)
