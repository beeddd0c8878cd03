"""Active learning: it learns what the run meets, and nothing is lost or computed twice."""

import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.md.langevin import Langevin

import ase_mag
from ase_mag import fitting, models
from ase_mag.fitting.trainable import TrainableParts
from ase_mag.reference import ConstrainedModel


def truth():
    """A magnetic iron that the potential below can describe exactly."""
    return (
        models.named("Fe-Mendelev2003")
        + models.Landau("Fe", a=-0.15, b=0.0192)
        + models.SeriesExchange("Fe", 4.0, 3, start=2.0, coefficients=[[0.1, 0.02, -0.03]])
    )


def potential():
    return (
        models.named("Fe-Mendelev2003")
        + models.Landau("Fe", a=-0.1, b=0.01)
        + models.SeriesExchange("Fe", 4.0, 3, start=2.0)
    )


def crystal(seed=0, scale=0.01, moments=(2.15, 2.25)):
    rng = np.random.default_rng(seed)
    atoms = bulk("Fe", a=2.87, cubic=True) * 2
    atoms.positions += rng.normal(scale=scale, size=(16, 3))
    ase_mag.set_moments(atoms, rng.uniform(*moments, size=16))
    return atoms


class CountingReference(ConstrainedModel):
    """The truth; leaves a file for each frame that it computes."""

    def __init__(self, folder):
        super().__init__(truth())
        self.folder = folder

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        if system_changes:
            name = f"{np.abs(atoms.positions).sum():.10f}"
            with open(Path(self.folder) / name, "a") as file:
                file.write("x")


def hot(atoms, number, kind=Langevin):
    """Lattice dynamics at 800 K from a cold start, another noise in each round."""
    return kind(
        atoms,
        2 * units.fs,
        temperature_K=800,
        friction=0.05 / units.fs,
        fixcm=False,
        rng=np.random.default_rng([7, number]),
    )


def labelled(atoms):
    atoms.calc = ConstrainedModel(truth())
    atoms.get_stress()
    return atoms


def known():
    """Two nearly ideal frames: nothing is known of displaced atoms."""
    return fitting.read([labelled(crystal(seed)) for seed in range(2)])


def least_squares(model, data):
    fitting.fit(model, data, progress=False)


def loop(folder, count, **options):
    model = potential()
    result = fitting.active_loop(
        hot,
        CountingReference(count),
        model,
        known(),
        crystal(5),
        120,
        folder,
        fit=least_squares,
        progress=False,
        **options,
    )
    return model, result


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("active")
    (folder / "count").mkdir()
    return folder, *loop(folder / "loop", folder / "count")


def test_it_learns_where_the_run_extrapolates(learned):
    _, model, result = learned
    assert result.finished and result.steps == 120
    first, last = result.visits[0], result.visits[-1]
    assert first.stopped and first.uncertainty > 10 > last.uncertainty
    assert sum(visit.steps for visit in result.visits) == 120
    assert len(result.data) == 2 + sum(visit.labelled for visit in result.visits)
    found = np.concatenate([term.parameters for term in model.terms[1:]])
    expected = np.concatenate([term.parameters for term in truth().terms[1:]])
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    # Every frame that it has learned from interpolates now.
    active = fitting.ActiveSet(model, [frame.atoms for frame in result.data])
    assert max(active.grades(frame.atoms).max() for frame in result.data) < 1.01
    assert "finished after 120 steps" in str(result)


def test_no_frame_is_computed_twice(learned):
    folder, _, result = learned
    counts = [path.stat().st_size for path in (folder / "count").iterdir()]
    assert len(counts) == sum(visit.labelled for visit in result.visits)
    assert set(counts) == {1}


def test_called_again_it_does_nothing_and_knows_everything(learned):
    folder, model, result = learned
    before = sorted((folder / "count").iterdir())
    again, second = loop(folder / "loop", folder / "count")
    assert second.visits == result.visits and sorted((folder / "count").iterdir()) == before
    np.testing.assert_array_equal(
        TrainableParts(again).parameters, TrainableParts(model).parameters
    )
    assert len(second.data) == len(result.data)


_SCRIPT = """
import sys
from tests.fitting.test_active import loop
loop(sys.argv[1] + "/loop", sys.argv[1] + "/count")
"""


@pytest.mark.slow
def test_killed_at_random_instants_it_ends_the_same(learned, tmp_path, tree_environment):
    _, model, result = learned
    (tmp_path / "count").mkdir()
    rng = np.random.default_rng(3)

    def start(*code):
        command = [sys.executable, "-c", *code]
        return subprocess.Popen(command, env=tree_environment, cwd=Path(__file__).parents[2])

    def files():
        return {str(path) for path in tmp_path.rglob("*")}

    kills = 0
    while True:
        before, process = files(), start(_SCRIPT, str(tmp_path))
        # Each process gets as far as a new file, and a random instant further.
        while process.poll() is None and kills < 8 and files() == before:
            time.sleep(0.002)
        if process.poll() is None and kills < 8:
            time.sleep(rng.uniform(0.0, 0.1))
            process.kill()
        if process.wait() == 0:
            break
        kills += 1
    assert kills >= 4
    assert {path.stat().st_size for path in (tmp_path / "count").iterdir()} == {1}
    known_visits = json.loads((tmp_path / "loop" / "loop.json").read_text())["visits"]
    assert [v["labelled"] for v in known_visits] == [v.labelled for v in result.visits]
    again, second = loop(tmp_path / "loop", tmp_path / "count")
    assert second.steps == 120
    np.testing.assert_allclose(
        TrainableParts(again).parameters,
        TrainableParts(model).parameters,
        rtol=1e-12,
    )


class Distances:
    """Any measure will do; here how far atoms are from their places."""

    def uncertainty(self, atoms):
        return np.linalg.norm(atoms.positions - crystal(scale=0.0).positions, axis=1)


def test_other_uncertainties(tmp_path):
    """Any object with uncertainty(atoms) will do; here displacements."""

    (tmp_path / "count").mkdir()
    _, result = loop(
        tmp_path / "loop",
        tmp_path / "count",
        uncertainty=lambda model, frames: Distances(),
        select=0.15,
        stop=5.0,
        per_round=3,
    )
    assert result.finished and len(result.visits) == 1
    assert result.visits[0].labelled == 3 < result.visits[0].candidates
    assert not result.visits[0].stopped


class Breaking(Langevin):
    """A dynamics that fails in its 50th step, as where a potential leaves what it knows."""

    def step(self, forces=None):
        if self.nsteps == 50:
            raise RuntimeError("the implicit midpoint did not converge")
        return super().step(forces)


def test_dynamics_that_fails(tmp_path):
    """Frames that were uncertain before are labelled, so that a new potential can go on."""
    (tmp_path / "count").mkdir()

    def run(atoms, number):
        return hot(atoms, number, Breaking if number == 0 else Langevin)

    def start(folder, **options):
        reference = CountingReference(tmp_path / "count")
        arguments = (run, reference, potential(), known(), crystal(5), 120, tmp_path / folder)
        return fitting.active_loop(*arguments, fit=least_squares, progress=False, **options)

    with pytest.warns(UserWarning, match=r"ended early, after \d+ uncertain .*did not converge"):
        result = start("loop", stop=1e9)
    assert result.finished and len(result.visits) == 2
    assert result.visits[0].stopped and result.visits[0].steps == 50
    assert result.visits[0].labelled > 0
    with pytest.raises(RuntimeError, match=r"failed before any frame was found uncertain \(the i"):
        start("another", select=1e8, stop=1e9)


class Visiting(Langevin):
    """Goes to a frame whose labels are known after 10 steps, and to a new one after 20."""

    def step(self, forces=None):
        frame = crystal(0) if self.nsteps < 15 else crystal(8, 0.1)
        self.atoms.positions = frame.positions
        ase_mag.set_moments(self.atoms, ase_mag.get_moments(frame))


def test_known_frames_are_not_labelled_again(tmp_path):
    """A reference whose labels are noisy would contradict itself."""
    (tmp_path / "count").mkdir()

    def run(atoms, number):
        return hot(atoms, number, Visiting)

    measure = SimpleNamespace(uncertainty=lambda atoms: np.full(len(atoms), 3.0))
    reference = CountingReference(tmp_path / "count")
    arguments = (run, reference, potential(), known(), crystal(1), 20, tmp_path / "loop")
    result = fitting.active_loop(
        *arguments, uncertainty=lambda *_: measure, fit=least_squares, progress=False
    )
    assert result.finished
    # The start and the first stop are known.
    assert result.visits[0].candidates == 3 and result.visits[0].labelled == 1
    assert len(list((tmp_path / "count").iterdir())) == 1 and len(result.data) == 3


def test_disagreement_of_an_ensemble(tmp_path):
    """Members of an ensemble agree where they were fitted, and not where atoms are displaced."""
    (tmp_path / "count").mkdir()
    # One function is too little for the exchange of the truth: what it becomes depends on the data.
    model = models.named("Fe-Mendelev2003") + models.Landau("Fe", a=-0.1, b=0.01)
    model += models.SeriesExchange("Fe", 4.0, 1, start=2.0)
    measure = partial(fitting.Disagreement, label="forces", size=3, rng=1, progress=False)
    data = known() + fitting.read([labelled(crystal(k, 0.05)) for k in (10, 11)])
    first = measure(model, data)
    near, far = crystal(3), crystal(9, scale=0.15)
    assert first.uncertainty(far).shape == (16,)
    assert first.uncertainty(far).max() > 2 * first.uncertainty(near).max() > 0
    with pytest.raises(ValueError, match="'energies', 'forces' or 'magforces', got 'stress'"):
        measure(model, data, label="stress")
    result = fitting.active_loop(
        hot,
        CountingReference(tmp_path / "count"),
        model,
        data,
        crystal(5),
        40,
        tmp_path / "loop",
        uncertainty=measure,
        select=1.5 * first.uncertainty(near).max(),
        stop=1.0,
        per_round=4,
        fit=least_squares,
        progress=False,
    )
    assert result.finished and 1 <= result.visits[0].labelled <= 4


def test_rounds_are_used_up(tmp_path):
    (tmp_path / "count").mkdir()
    with pytest.warns(UserWarning, match="1 rounds were used up after .* of 120 steps"):
        _, result = loop(tmp_path / "loop", tmp_path / "count", rounds=1)
    assert not result.finished and len(result.visits) == 1
    _, result = loop(tmp_path / "loop", tmp_path / "count")
    assert result.finished


def test_bad_input(tmp_path):
    (tmp_path / "count").mkdir()
    for options, message in [
        ({"select": 3.0, "stop": 2.0}, "0 < select <= stop, got select=3.0 and stop=2.0"),
        ({"interval": 0}, "interval must be a positive integer, got 0"),
        ({"rounds": 1.5}, "rounds must be a positive integer, got 1.5"),
    ]:
        with pytest.raises(ValueError, match=message):
            loop(tmp_path / "loop", tmp_path / "count", **options)
    reference = CountingReference(tmp_path / "count")
    path = tmp_path / "other"
    arguments = (hot, reference, potential(), known())
    with pytest.warns(UserWarning, match="used up"):
        fitting.active_loop(*arguments, crystal(5), 20, path, rounds=1, progress=False)
    with pytest.raises(ValueError, match="belongs to a loop that starts from other atoms"):
        fitting.active_loop(*arguments, crystal(6), 20, path, progress=False)
    other = (hot, reference, potential(), known()[:1])
    with pytest.raises(ValueError, match="belongs to a loop that began with other data"):
        fitting.active_loop(*other, crystal(5), 20, path, progress=False)
    series = models.SeriesExchange("Fe", 4.2, 3, start=2.0)
    other = models.named("Fe-Mendelev2003") + models.Landau("Fe", a=-0.1, b=0.01) + series
    for potential_ in (other, models.Landau("Fe", a=-0.1, b=0.01)):
        before = TrainableParts(potential_).parameters
        arguments = (hot, reference, potential_, known())
        with pytest.raises(ValueError, match="belongs to a loop with another potential"):
            fitting.active_loop(*arguments, crystal(5), 20, path, progress=False)
        np.testing.assert_array_equal(TrainableParts(potential_).parameters, before)


def test_a_reference_that_fails(tmp_path):
    class Broken(ConstrainedModel):
        licenses = 0

        def calculate(self, atoms=None, properties=("energy",), system_changes=()):
            if not Broken.licenses:
                raise ValueError("no license")
            super().calculate(atoms, properties, system_changes)

    def start(**options):
        arguments = (hot, Broken(truth()), potential(), known(), crystal(5), 50, tmp_path / "loop")
        return fitting.active_loop(*arguments, fit=least_squares, progress=False, **options)

    message = r"labelled none of the \d+ frames of round 0.*no license.*with retry_failed=True; or"
    for licenses in (0, 1):  # what has failed is not tried again, unless that is asked for
        Broken.licenses = licenses
        with (
            pytest.raises(RuntimeError, match=message),
            pytest.warns(UserWarning, match="frames have no labels"),
        ):
            start()
    result = start(retry_failed=True)
    assert result.finished and result.visits[0].labelled > 0 == result.visits[0].failed


def test_a_reference_that_fails_for_some_frames(tmp_path):
    """The others are enough; the round says how many failed, and goes on."""

    class Flaky(ConstrainedModel):
        calls = 0

        def calculate(self, atoms=None, properties=("energy",), system_changes=()):
            if system_changes:
                Flaky.calls += 1
            if Flaky.calls == 1:
                raise ValueError("not converged")
            super().calculate(atoms, properties, system_changes)

    with pytest.warns(UserWarning, match=r"1 of \d+ frames have no labels"):
        result = fitting.active_loop(
            hot,
            Flaky(truth()),
            potential(),
            known(),
            crystal(5),
            60,
            tmp_path / "loop",
            uncertainty=lambda model, frames: Distances(),
            select=1e-3,
            stop=1e3,
            per_round=4,
            fit=least_squares,
            progress=False,
        )
    assert result.finished and (result.visits[0].labelled, result.visits[0].failed) == (3, 1)
    assert len(result.data) == 2 + 3
