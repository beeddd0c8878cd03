import numpy as np
import pytest
from ase.build import bulk
from ase.io import read

import ase_mag
from ase_mag import models
from ase_mag.core import set_threads
from ase_mag.dynamics import MonteCarlo, SpinDynamics

T = 300.0
MOVES = [
    {"method": "heat bath"},
    {"method": "metropolis"},
    {"method": "heat bath", "over_relaxation": 2},
]
moves = pytest.mark.parametrize("moves", MOVES, ids=lambda m: "-".join(map(str, m.values())))


@pytest.fixture(autouse=True)
def one_thread():
    set_threads(1)
    yield
    set_threads(None)


def alloy(n=4, seed=1):
    """Ordered FeCo with exchange of three kinds and random moments of 2.6 and 1.7 mu_B."""
    atoms = bulk("Fe", a=2.85, cubic=True)
    atoms.symbols[1] = "Co"
    atoms *= n
    moments = np.random.default_rng(seed).normal(size=(len(atoms), 3)) + [0, 0, 2]
    sizes = np.where(atoms.symbols == "Fe", 2.6, 1.7)
    ase_mag.set_moments(atoms, moments * (sizes / np.linalg.norm(moments, axis=1))[:, None])
    exchange = {
        ("Fe", "Fe"): models.cubic(0.05, 4.2),
        ("Fe", "Co"): models.cubic(0.2, 3.75),
        ("Co", "Co"): models.cubic(-0.02, 4.2),
    }
    atoms.calc = ase_mag.MagneticCalculator(models.Heisenberg(("Fe", "Co"), exchange))
    return atoms


@moves
def test_two_species_have_the_spin_temperature_of_the_bath(moves):
    atoms = alloy()
    dyn = MonteCarlo(atoms, temperature_K=T, rng=2, progress=False, **moves)
    dyn.run(500)
    values = []
    dyn.attach(lambda: values.append(dyn.get_spin_temperature()), interval=20)
    dyn.run(3000)
    blocks = np.array(values[:150]).reshape(15, 10).mean(axis=1)
    error = blocks.std(ddof=1) / np.sqrt(15)
    assert error < 0.01 * T
    assert abs(blocks.mean() - T) < 4 * error


def test_reflections_keep_energy_and_sizes():
    atoms = alloy()
    dyn = MonteCarlo(atoms, temperature_K=T, over_relaxation=3, rng=2, field=(1, 2, 3))
    state, sampler = dyn.state, dyn.sampler
    energies, totals = sampler.sample(state, 50)
    form = dyn.spin_form()
    assert abs(form.evaluate(state.moments)[0].sum() - energies[-1]) < 1e-10
    np.testing.assert_allclose(state.moments.sum(axis=0), totals[-1], atol=1e-10)
    sizes = np.where(atoms.symbols == "Fe", 2.6, 1.7)
    np.testing.assert_allclose(np.linalg.norm(state.moments, axis=1), sizes, rtol=1e-12)
    sampler.method = "reflections only"
    np.testing.assert_allclose(sampler.sample(state, 50)[0], energies[-1], atol=1e-10)


@pytest.mark.parametrize(
    "options",
    [{}, {"method": "metropolis"}, {"over_relaxation": 1}, {"lengths": True, "measure": 1}],
    ids=str,
)
def test_neither_threads_nor_pieces_matter(options):
    landau = models.Landau(("Fe", "Co"), {"Fe": -0.15, "Co": -0.1}, {"Fe": 0.0192, "Co": 0.02})
    anisotropy = models.UniaxialAnisotropy("Fe", 0.01, (1, 1, 1), 2.2)
    results = []
    for threads, pieces in ((1, [10]), (2, [10]), (1, [2, 3, 5]), (1, None)):
        set_threads(threads)
        atoms = alloy(20)
        model = atoms.calc.model + landau + anisotropy
        atoms.calc = ase_mag.MagneticCalculator(model)
        dyn = MonteCarlo(atoms, temperature_K=T, rng=5, tuning=5, progress=False, **options)
        if pieces is None:
            for _ in dyn.irun(10):
                pass
        else:
            for piece in pieces:
                dyn.run(piece)
        results.append(ase_mag.get_moments(atoms))
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])
    assert np.abs(results[0] - ase_mag.get_moments(alloy(20))).max() > 0.5


def test_seeds_differ_and_repeat():
    results = []
    for seed in (1, 1, 2):
        atoms = alloy(2)
        MonteCarlo(atoms, temperature_K=T, rng=seed).run(5)
        results.append(ase_mag.get_moments(atoms))
    np.testing.assert_array_equal(results[0], results[1])
    assert np.abs(results[0] - results[2]).max() > 0.1


def test_step_widths_follow_the_acceptance_until_frozen():
    atoms = alloy()
    dyn = MonteCarlo(atoms, temperature_K=T, method="metropolis", rng=1, tuning=400, progress=False)
    dyn.run(400)
    widths = dyn.sampler.widths.copy()
    dyn.run(100)
    np.testing.assert_array_equal(dyn.sampler.widths, widths)
    # One proposal in eight is a new direction, which is rarely accepted.
    assert 0.4 < dyn.sampler.acceptance < 0.6
    iron = (atoms.symbols == "Fe").astype(bool)
    # The couplings of iron are stronger, so its steps are shorter.
    assert widths[iron].mean() < 0.9 * widths[~iron].mean()
    again = MonteCarlo(alloy(), temperature_K=T, method="metropolis", rng=1, progress=False)
    again.run(20)
    again.sampler.freeze()
    before = again.sampler.widths.copy()
    again.run(20)
    np.testing.assert_array_equal(again.sampler.widths, before)


def test_trajectory_log_and_observers(tmp_path):
    atoms = alloy(2)
    path, log = tmp_path / "mc.traj", tmp_path / "mc.log"
    dyn = MonteCarlo(
        atoms, temperature_K=T, rng=1, trajectory=path, logfile=log, loginterval=20, progress=False
    )
    calls = []
    dyn.attach(lambda: calls.append(dyn.nsteps), interval=30)
    assert dyn.run(60)
    assert calls == [0, 30, 60]
    frames = read(path, ":")
    assert len(frames) == 4
    np.testing.assert_array_equal(frames[-1].get_magnetic_moments(), ase_mag.get_moments(atoms))
    lines = log.read_text().splitlines()
    assert lines[0].split()[0] == "Sweep"
    assert [line.split()[0] for line in lines[1:]] == ["0", "20", "40", "60"]
    assert dyn.todict()["method"] == "heat bath"
    assert "timestep" not in dyn.todict()


def test_field_argument():
    atoms = alloy(2)
    MonteCarlo(atoms, temperature_K=1.0, field=(0, 0, -5000.0), rng=1, progress=False).run(300)
    moments = ase_mag.get_moments(atoms)
    sizes = np.linalg.norm(moments, axis=1)
    assert (moments[:, 2] < -0.99 * sizes).all()


def test_moments_of_zero():
    """They stay with directions only, and grow with lengths; nonmagnetic atoms never change."""
    atoms = bulk("Fe", a=2.85, cubic=True) * 2
    atoms.symbols[3] = "C"
    model = models.Heisenberg("Fe", models.cubic(0.19, 3.75)) + models.NonMagnetic("C")
    atoms.calc = ase_mag.MagneticCalculator(model)
    moments = np.tile([0, 0, 2.2], (16, 1))
    moments[[3, 5]] = 0.0
    ase_mag.set_moments(atoms, moments)
    MonteCarlo(atoms, temperature_K=T, rng=1, progress=False).run(20)
    sizes = np.linalg.norm(ase_mag.get_moments(atoms), axis=1)
    np.testing.assert_allclose(sizes, np.linalg.norm(moments, axis=1), atol=1e-12)
    ase_mag.set_moments(atoms, 0.0)
    atoms.calc = ase_mag.MagneticCalculator(model + models.Landau("Fe", -0.15, 0.0192))
    for measure in (0, 1, 2):
        dyn = MonteCarlo(
            atoms,
            temperature_K=T,
            lengths=True,
            measure=measure,
            rng=1,
            progress=False,
            field=(0, 0, 1),
        )
        dyn.run(200)
        sizes = np.linalg.norm(ase_mag.get_moments(atoms), axis=1)
        assert (np.delete(sizes, 3) > 0.5).all()
        assert sizes[3] == 0.0
        ase_mag.set_moments(atoms, 0.0)


def test_generic_models_are_refused(ring_model):
    atoms = bulk("Fe", a=2.85, cubic=True) * 2
    ase_mag.set_moments(atoms, 2.2)
    atoms.calc = ase_mag.MagneticCalculator(ring_model(16, 1e-3, fast=False))
    with pytest.raises(ValueError, match=r"needs a model with a bilinear form.*use SpinDynamics"):
        MonteCarlo(atoms, temperature_K=T)
    SpinDynamics(atoms, 1.0, temperature_K=T, damping=0.1, rng=1, progress=False).run(2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature_K": 0.0}, "temperature_K must be a positive number in kelvin.*got 0.0"),
        ({"temperature_K": -1}, "temperature_K must be a positive number"),
        ({"method": "wolff"}, "method 'wolff' is unknown: use one of heat bath, metropolis"),
        ({"measure": 3}, "measure is 3; allowed are 0, 1 and 2"),
        ({"over_relaxation": -1}, "over_relaxation must be an integer >= 0, got -1"),
        ({"field": lambda time: (0, 0, 1)}, "Monte Carlo has no time: give three numbers"),
        ({"tuning": 0.5}, "tuning must be an integer >= 0, got 0.5"),
        ({"lengths": True}, "nothing bounds the moment of atom .*models.Landau"),
    ],
    ids=lambda value: "".join(value) if isinstance(value, dict) else "",
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        MonteCarlo(alloy(2), **({"temperature_K": T} | options))


def test_a_calculator_is_needed():
    atoms = alloy(1)
    atoms.calc = None
    with pytest.raises(ValueError, match="atoms have no calculator"):
        MonteCarlo(atoms, temperature_K=T)


@pytest.mark.parametrize("method", ["heat bath", "metropolis"])
def test_exact_restart(tmp_path, method):
    def make(**options):
        atoms = alloy(2)
        options = {"method": method, "tuning": 60, "rng": 7, "progress": False} | options
        return MonteCarlo(atoms, temperature_K=T, **options)

    whole = make()
    whole.run(100)
    first = make(checkpoint=tmp_path / "mc.npz", checkpoint_interval=40)
    first.run(50)
    second = make(checkpoint=tmp_path / "mc.npz", checkpoint_interval=40, restart=True)
    assert second.nsteps == 40
    second.run_to(100)
    np.testing.assert_array_equal(second.state.moments, whole.state.moments)
    np.testing.assert_array_equal(second.sampler.widths, whole.sampler.widths)
    with pytest.raises(ValueError, match=r"was written with other settings.*tuning 60 -> 61"):
        make(checkpoint=tmp_path / "mc.npz", restart=True, tuning=61)
