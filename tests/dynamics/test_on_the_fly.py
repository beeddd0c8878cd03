"""Learning while running: errors go down, the budget holds, a resumed run is the same run."""

import numpy as np
import pytest
from ase import units as ase_units
from ase.build import bulk

import ase_mag
from ase_mag import lsf, models, reference, units
from ase_mag.dynamics import AsdAimd, OnTheFlyLearning

fs = ase_units.fs
EXCHANGE = models.Heisenberg("Fe", models.cubic(0.191248, cutoff=3.75))


def crystal():
    atoms = bulk("Fe", a=2.877, cubic=True) * 2
    ase_mag.set_moments(atoms, 2.0)
    return atoms


def calculator():
    return reference.ConstrainedModel(models.named("FeHL-1"))


@pytest.fixture(scope="module")
def table():
    """32 landscapes of frames that are too cold for the runs."""
    frames = lsf.snapshots(crystal(), 0.08, directions="random", count=2, rng=1)
    return lsf.landscapes(frames, calculator(), progress=False)


@pytest.fixture(scope="module")
def predictor(table):
    return lsf.LsfPredictor().fit(table)


def dynamics(predictor, learning, seed=1, **options):
    rng = np.random.default_rng(seed)
    atoms = crystal()
    directions = rng.normal(size=(len(atoms), 3))
    ase_mag.set_moments(atoms, 2 * directions / np.linalg.norm(directions, axis=1)[:, None])
    widths = np.sqrt(2 * units.kB * 1043 * atoms.get_masses())
    atoms.set_momenta(widths[:, None] * rng.normal(size=(len(atoms), 3)))
    atoms.calc = calculator()
    defaults = {
        "exchange": EXCHANGE,
        "temperature_K": 1043,
        "spin_timestep": 0.1 * fs,
        "friction": 0.02 / fs,
        "rng": seed,
    }
    return AsdAimd(atoms, fs, lsf=predictor, learning=learning, **(defaults | options))


def frames_of_another_run(table):
    """Ten frames of a run with another seed and a good predictor, and their landscapes."""
    frames = lsf.snapshots(crystal(), 0.17, directions="random", count=12, rng=5)
    frames += lsf.snapshots(crystal(), 0.17, directions="ferro", count=2, rng=6)
    good = lsf.LsfPredictor().fit(lsf.landscapes(frames, calculator(), progress=False))
    dyn = dynamics(good, None, seed=7)
    held = []
    for _ in range(10):
        dyn.run(40)
        held.append(dyn.atoms.copy())
        held[-1].set_array("ideal_positions", crystal().positions)
    return held, lsf.landscapes(held, calculator(), progress=False)


def moment_errors(predictor, frames, truth):
    """Mean absolute error of <m> per frame, mu_B."""
    true = lsf.mean_moment(truth.a, truth.b, 1043)
    return np.array(
        [
            np.abs(predictor.moments(frame, 1043) - true[truth.frame == k]).mean()
            for k, frame in enumerate(frames)
        ]
    )


@pytest.mark.filterwarnings("ignore:the predictor extrapolates")
def test_errors_on_held_out_frames_go_down_within_the_budget(table, predictor, tmp_path):
    """Frames of a run with other seeds, which were not learned from."""
    learning = OnTheFlyLearning(
        table, threshold=0.06, budget=150, per_frame=6, log=tmp_path / "learned.txt"
    )
    calls = []
    dyn = dynamics(predictor, learning)
    energy = dyn.atoms.calc.get_potential_energy
    dyn.atoms.calc.get_potential_energy = lambda *args: calls.append(1) or energy(*args)
    first = learning.computed  # the first frame was looked at when the dynamics was made
    dyn.run(400)
    assert len(calls) == 7 * (learning.computed - first) > 0
    assert 0 < learning.computed <= 150
    assert len(learning.table) == len(table) + learning.computed
    frames, truth = frames_of_another_run(table)
    before = moment_errors(predictor, frames, truth)
    after = moment_errors(learning.predictor, frames, truth)
    gain = before - after
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    assert gain.mean() > 3 * error, (before, after)
    assert after.mean() < 0.7 * before.mean()
    # The expected errors went down at every visit, and the log tells it.
    assert all(x.uncertainty_after < x.uncertainty for x in learning.history)
    lines = (tmp_path / "learned.txt").read_text().splitlines()
    assert len(lines) == 1 + len(learning.history)
    assert int(lines[-1].split()[2]) == len(learning.table)
    assert dyn.timings["learning"] == learning.seconds > 0
    assert dyn.timings["sizes"] > 0
    assert predictor.regressor_.X_fit_.shape[0] == len(table)  # the one that was given is as it was


def test_budget_is_never_exceeded_and_its_end_is_told_once(table, predictor):
    learning = OnTheFlyLearning(table, threshold=0.001, budget=10, per_frame=4, interval=5)
    with pytest.warns(UserWarning, match="all 10 landscapes of the budget are used up") as caught:
        dynamics(predictor, learning).run(60)
    assert learning.computed == 10
    assert [len(lesson.atoms) for lesson in learning.history] == [4, 4, 2]
    assert [lesson.step for lesson in learning.history] == [0, 5, 10]
    assert sum("budget" in str(warning.message) for warning in caught) == 1


def test_a_second_run_starts_with_what_the_first_has_learned(table, predictor):
    learning = OnTheFlyLearning(table, threshold=0.001, budget=8, per_frame=4, interval=5)
    dynamics(predictor, learning).run(4)
    assert learning.computed == 4
    second = dynamics(predictor, learning, seed=2)
    assert learning.computed == 8
    assert len(learning.predictor.regressor_.X_fit_) == len(table) + 8
    assert second.timings["sizes"] == 0


def test_a_high_threshold_leaves_the_run_as_it_is(table, predictor):
    learning = OnTheFlyLearning(table, threshold=100.0)
    one, two = dynamics(predictor, learning), dynamics(predictor, None)
    one.run(30)
    two.run(30)
    assert learning.computed == 0
    assert learning.predictor is predictor
    assert np.array_equal(one.atoms.positions, two.atoms.positions)
    assert np.array_equal(ase_mag.get_moments(one.atoms), ase_mag.get_moments(two.atoms))


def test_computed_landscapes_are_those_of_the_frame(table, predictor):
    learning = OnTheFlyLearning(table, threshold=0.001, budget=3, per_frame=3)
    dynamics(predictor, learning)
    new = learning.table[len(table) :]
    exact = lsf.landscapes(new.frames[-1], calculator(), progress=False)
    np.testing.assert_allclose(new.a, exact.a[new.atom], rtol=1e-9)
    np.testing.assert_allclose(new.b, exact.b[new.atom], rtol=1e-9)
    np.testing.assert_allclose(new.relaxed, exact.relaxed[new.atom], rtol=1e-6)


def test_landscapes_without_a_minimum_are_computed_not_fatal(table):
    """A predictor of very cold frames with narrow kernels fails at once in a hot crystal."""
    cold = lsf.LsfPredictor(width=0.3).fit(table)
    dyn = dynamics(lsf.LsfPredictor().fit(table), None)
    dyn.run(50)
    hot = dyn.atoms
    with pytest.raises(ValueError, match="is unbounded or out of range"):
        AsdAimd(hot, fs, lsf=cold, temperature_K=1043)
    learning = OnTheFlyLearning(table, threshold=10.0, budget=16, per_frame=2)
    AsdAimd(hot, fs, lsf=cold, temperature_K=1043, learning=learning)
    assert np.isinf(learning.history[0].uncertainty)
    assert np.isfinite(learning.history[-1].uncertainty_after)
    assert len(learning.history) > 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"threshold": 0.0}, r"threshold must be a positive number in mu_B, got 0\.0"),
        ({"budget": -1}, "budget must be finite and not negative"),
        ({"per_frame": 0}, "per_frame must be at least 1, got 0"),
        ({"background": "thermal"}, "background must be 'relaxed' or 'zero', got 'thermal'"),
    ],
)
def test_bad_input(arguments, message, table):
    with pytest.raises(ValueError, match=message):
        OnTheFlyLearning(table, **arguments)


def test_a_calculator_without_relaxation_is_refused(table, predictor):
    atoms = crystal()
    atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    with pytest.raises(TypeError, match=r"has no relax_sizes\(atoms\).*background='zero'"):
        AsdAimd(atoms, fs, lsf=predictor, temperature_K=1043, learning=OnTheFlyLearning(table))
