"""Fits with non-linear parameters: what they find, when they stop, how they go on."""

import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest

from ase_mag import fitting, models
from ase_mag.core.storage import load
from ase_mag.fitting.loss import DEFAULT_WEIGHTS, Loss
from ase_mag.fitting.trainable import TrainableParts

from .conftest import labelled, structures
from .screened_model import ScreenedModel

TRUE = ScreenedModel().parameters
START = (0.0, 0.0, 0.1, 0.0, 0.2, 1.5)


@pytest.mark.parametrize("method", ["projection", "bfgs"])
def test_own_data_give_the_parameters_back(screened_data, method):
    model = ScreenedModel(START)
    report = fitting.fit(model, screened_data, method=method, tolerance=1e-6, progress=False)
    np.testing.assert_allclose(model.parameters, TRUE, rtol=1e-8)
    assert report.loss < 1e-18 and report.iterations == len(report.history) - 1
    assert report.stopped == "the loss is zero to rounding"
    assert (np.diff(report.history[:, 0]) < 0).all()
    assert report.history[-1, 0] >= report.loss * (1 - 1e-6)
    assert report.train["forces"].rmse < 1e-6 and report.train["forces"].unit == "meV/angstrom"


def test_projection_needs_fewer_evaluations(screened_data):
    counts = {
        method: fitting.fit(
            ScreenedModel(START), screened_data, method=method, tolerance=1e-6
        ).evaluations
        for method in ("projection", "bfgs")
    }
    assert counts["projection"] < 0.7 * counts["bfgs"]


def test_the_minimum_with_noise_is_a_minimum():
    """No gradient at the solution, and both methods find the same one."""
    data = fitting.read(labelled(structures(12), ScreenedModel(), noise=0.002))
    found = []
    for method in ("projection", "bfgs"):
        model = ScreenedModel(START)
        report = fitting.fit(model, data, method=method, tolerance=1e-8)
        found.append(model.parameters)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)
    np.testing.assert_allclose(found[0], TRUE, rtol=0.1)
    assert report.linear.orthogonality < 1e-10  # the linear part is solved exactly at the end
    assert np.abs(found[0] / TRUE - 1).max() > 1e-4


def test_linear_method_leaves_the_others(screened_data):
    model = ScreenedModel((0, 0, 0, 0, 1.0, 0.5))
    report = fitting.fit(model, screened_data, method="linear")
    np.testing.assert_allclose(model.parameters, TRUE, rtol=1e-9)
    assert report.stopped == "linear least squares, solved"


def test_sum_of_linear_and_nonlinear_models(screened_data):
    shifted = ScreenedModel() + models.AtomicEnergies({"Fe": -8.0})
    data = fitting.read(labelled(structures(), shifted))
    potential = ScreenedModel(START) + models.AtomicEnergies({"Fe": 0.0})
    fitting.fit(potential, data, tolerance=1e-6)
    np.testing.assert_allclose(potential.terms[0].parameters, TRUE, rtol=1e-7)
    assert abs(potential.terms[1].parameters[0] + 8.0) < 1e-8


def test_stops(screened_data, monkeypatch):
    train, test = screened_data[:9], screened_data[9:]
    report = fitting.fit(ScreenedModel(START), train, test=test, max_iterations=3)
    assert report.stopped == "max_iterations (3)" and report.iterations == 3
    noisy = fitting.read(labelled(structures(12), ScreenedModel(), noise=0.02))
    report = fitting.fit(ScreenedModel(START), noisy, tolerance=0.0)
    assert report.stopped == "the loss goes down no further in floating-point numbers"
    monkeypatch.setattr("ase_mag.fitting.minimize.WINDOW", 3)
    report = fitting.fit(ScreenedModel(START), noisy)
    assert report.stopped == "3 iterations lowered the loss by less than 0.001 of it"
    losses = report.history[:, 0]
    assert losses[-1] > 0.999 * losses[-4] and losses[-2] <= 0.999 * losses[-5]


def test_early_stopping_keeps_the_lowest_test_loss():
    """Two training frames with much noise: the test loss rises again, and its minimum is kept."""
    data = fitting.read(labelled(structures(14), ScreenedModel(), noise=0.3))
    train, test = data[:2].without("forces"), data[2:]
    weights = {"energy": 1.0, "magforces": 0.1, "stress": 0.001}
    options = {"test": test, "method": "bfgs", "tolerance": 0.0}
    model = ScreenedModel((0.0, 0.0, 0.0, 0.0, 1.0, 0.5))
    free = fitting.fit(model, train, weights, **options)
    lowest = int(free.history[:, 1].argmin())
    assert lowest < free.iterations - 4
    stopped = ScreenedModel((0.0, 0.0, 0.0, 0.0, 1.0, 0.5))
    report = fitting.fit(stopped, train, weights, patience=4, **options)
    assert "patience" in report.stopped and report.iterations < free.iterations
    assert report.test_loss == report.history[:, 1].min()
    assert report.iterations - report.history[:, 1].argmin() == 4


@pytest.mark.parametrize("method", ["projection", "bfgs"])
def test_interrupted_and_continued_is_the_same_to_the_bit(screened_data, method, tmp_path):
    options = {"method": method, "tolerance": 1e-6, "progress": False}
    whole = ScreenedModel(START)
    expected = fitting.fit(whole, screened_data, **options)
    path = tmp_path / "fit.npz"
    for steps in (2, 5, 6, 1000):
        model = ScreenedModel(START)
        options |= {"max_iterations": steps, "checkpoint": path, "restart": True}
        report = fitting.fit(model, screened_data, **options)
    np.testing.assert_array_equal(model.parameters, whole.parameters)
    np.testing.assert_array_equal(report.history, expected.history)
    assert report.evaluations == expected.evaluations and report.stopped == expected.stopped


def test_ctrl_c(screened_data, tmp_path):
    """The model is left at the last accepted point, and the fit goes on to the same bits."""

    class Stopping(ScreenedModel):
        calls = 0

        def parameter_vjp(self, *arguments):
            Stopping.calls += 1
            if Stopping.calls == 300:
                raise KeyboardInterrupt
            return super().parameter_vjp(*arguments)

    options = {"tolerance": 1e-6, "progress": False}
    whole = ScreenedModel(START)
    expected = fitting.fit(whole, screened_data, **options)
    options |= {"checkpoint": tmp_path / "fit.npz", "checkpoint_interval": 0.0, "restart": True}
    model = Stopping(START)
    with pytest.raises(KeyboardInterrupt):
        fitting.fit(model, screened_data, **options)
    loss = Loss(TrainableParts(model), screened_data, DEFAULT_WEIGHTS).value()
    assert loss in expected.history[1:-1, 0]
    fitting.fit(model, screened_data, **options)
    np.testing.assert_array_equal(model.parameters, whole.parameters)


SCRIPT = """
    import sys, time
    import numpy as np
    sys.path.insert(0, {folder!r})
    from screened_model import ScreenedModel
    from ase_mag import fitting

    class Slow(ScreenedModel):
        def parameter_vjp(self, *arguments):
            time.sleep(0.0004)
            return super().parameter_vjp(*arguments)

    data = fitting.read({data!r})
    model = Slow({start!r})
    fitting.fit(model, data, method="bfgs", tolerance=1e-6, checkpoint={path!r}, restart=True,
                checkpoint_interval=0.0)
    np.save({out!r}, model.parameters)
"""


def test_killed_and_continued_is_the_same_to_the_bit(screened_data, tmp_path, tree_environment):
    """SIGKILL in the middle, at a moment of no choice, twice."""
    from ase.io import write

    frames = tmp_path / "frames.traj"
    write(frames, [f.to_atoms() for f in screened_data])
    names = {"data": str(frames), "start": START, "folder": str(Path(__file__).parent)}
    code = textwrap.dedent(SCRIPT)

    def start(name):
        names.update(path=str(tmp_path / f"{name}.fit"), out=str(tmp_path / f"{name}.npy"))
        script = tmp_path / f"{name}.py"
        script.write_text(code.format(**names))
        return subprocess.Popen([sys.executable, str(script)], env=tree_environment)

    assert start("whole").wait(60) == 0
    for pause in (0.2, 0.35):
        process = start("killed")
        end = monotonic() + 30
        while not (tmp_path / "killed.fit").exists() and monotonic() < end:
            sleep(0.01)
        sleep(pause)
        process.send_signal(signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL
    assert start("killed").wait(60) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "killed.npy"), np.load(tmp_path / "whole.npy"))


def test_checkpoint_of_another_fit(screened_data, tmp_path):
    path = tmp_path / "fit.npz"
    options = {"checkpoint": path, "max_iterations": 2, "method": "bfgs"}
    fitting.fit(ScreenedModel(START), screened_data, **options)
    message = "of another fit: .*scaling was 'configuration' and is 'atom'.*Go on with the"
    with pytest.raises(ValueError, match=message):
        fitting.fit(ScreenedModel(START), screened_data, scaling="atom", restart=True, **options)
    with pytest.raises(ValueError, match=r"of another fit: train was '\w+' and is '\w+'\. Go"):
        fitting.fit(ScreenedModel(START), screened_data[:5], restart=True, **options)
    other = ScreenedModel(START)
    other.cutoff = 3.9
    with pytest.raises(ValueError, match=r"another fit: model was 'Scr.*cutoff 4 .*cutoff 3.9 an"):
        fitting.fit(other, screened_data, restart=True, **options)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="is not the checkpoint of a fit, or it is damaged"):
        fitting.fit(ScreenedModel(START), screened_data, restart=True, **options)


def test_checkpoint_of_a_potential_of_another_form(screened_data, tmp_path):
    """As many parameters, but for other distances, moments or species."""

    def potential(rng, **options):
        arguments = {"n_radial_basis": 3, "r_min": 1.5, "max_moment": 4.0} | options
        return models.MomentTensorPotential(
            ("Fe", "Al"), 4, 1, cutoff=4.0, rng=rng, **arguments
        ) + models.Landau("Fe", a=-0.1, b=0.02)

    options = {"checkpoint": tmp_path / "fit.npz", "max_iterations": 2, "progress": False}
    # There is no aluminum in these data.
    with pytest.warns(UserWarning, match="linear parameters"):
        fitting.fit(potential(1), screened_data, **options)
    for other in ({"r_min": 1.4}, {"cutoff_power": 3}, {"scaling": 0.1}):
        with pytest.raises(ValueError, match="is the checkpoint of another fit: "):
            fitting.fit(potential(1, **other), screened_data, restart=True, **options)
    # Other first values are no other potential: those of the checkpoint take their place.
    with pytest.warns(UserWarning, match="linear parameters"):
        again = fitting.fit(potential(2), screened_data, restart=True, **options)
    assert again.iterations == 2


def test_report(screened_data, tmp_path):
    train, test = screened_data[:8], screened_data[8:]
    model = ScreenedModel(START)
    report = fitting.fit(model, train, {"energy": 1.0, "forces": 0.01}, test=test, max_iterations=4)
    text = str(report)
    assert "6 parameters, 8 training frames, 4 test frames; 4 iterations" in text
    assert "weights energy 1, forces 0.01; energy and virial (stress x volume, eV) of" in text
    rows = {tuple(line.split()[:2]): line for line in text.splitlines()}
    assert "(not fitted)" in rows["test", "magforces"] and "meV/mu_B" in rows["test", "magforces"]
    assert "(not fitted)" not in rows["train", "forces"]
    # The table against a calculator.
    import ase_mag

    calc = ase_mag.MagneticCalculator(model)
    errors = []
    for frame in test:
        atoms = frame.atoms.copy()
        atoms.calc = calc
        errors.append((atoms.get_potential_energy() - frame.labels["energy"]) / len(atoms))
    rmse = 1e3 * np.sqrt(np.mean(np.square(errors)))
    assert abs(report.test["energy"].rmse / rmse - 1) < 1e-10
    assert report.test["energy"].largest == pytest.approx(1e3 * np.abs(errors).max(), rel=1e-10)
    worst = test[int(np.abs(errors).argmax())]
    assert report.test["energy"].worst == worst.where == f"frame {worst.index} of memory"
    report.save(tmp_path / "report.json")
    saved = json.loads((tmp_path / "report.json").read_text())
    assert saved["train"]["stress"]["unit"] == "GPa" and len(saved["history"]) == 5
    assert saved["test"]["energy"]["rmse"] == report.test["energy"].rmse
    pytest.importorskip("matplotlib")
    figure = report.parity_plot(tmp_path / "parity.png")
    assert (tmp_path / "parity.png").stat().st_size > 10_000
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["energy relative to the mean", "forces", "stress", "magforces"]


def test_a_fitted_model_is_saved_with_its_bits(screened_data, tmp_path):
    model = ScreenedModel(START)
    fitting.fit(model, screened_data, max_iterations=4)
    model.save(tmp_path / "model.npz")
    np.testing.assert_array_equal(load(tmp_path / "model.npz")[0].parameters, model.parameters)


def test_a_result_that_is_no_legal_model(linear_data):
    """Data that ask for an unbounded Landau energy: the fit says so."""
    falling = models.Landau("Fe", a=0.1, b=-0.01, allow_unbounded=True)
    data = fitting.read(labelled(structures(), falling))
    with pytest.warns(UserWarning, match="is not one that can be made.* not bounded below"):
        fitting.fit(models.Landau("Fe", a=1.0, b=1.0), data)
    allowed = models.Landau("Fe", a=1.0, b=1.0, allow_unbounded=True)
    fitting.fit(allowed, data)
    np.testing.assert_allclose(allowed.parameters, [0.1, -0.01], rtol=1e-10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "adam"}, "method must be one of auto, linear, projection, bfgs, got 'adam'"),
        ({"max_iterations": -1}, "max_iterations must be a whole number, got -1"),
        ({"tolerance": 1.0}, "tolerance must be a fraction from 0 to below 1, got 1.0"),
        ({"patience": 3}, "patience looks at the test loss: give test="),
        ({"patience": 0}, "patience must be a positive integer or None, got 0"),
        ({"restart": True}, "restart needs the file of the checkpoint"),
        ({"checkpoint": "no/where/fit.npz"}, "the folder of the checkpoint 'no/where/fit.npz' doe"),
    ],
)
def test_bad_options(screened_data, options, message):
    with pytest.raises(ValueError, match=message):
        fitting.fit(ScreenedModel(), screened_data, **options)


def test_bad_data(screened_data):
    with pytest.raises(ValueError, match="training data are empty"):
        fitting.fit(ScreenedModel(), screened_data[:0])
    with pytest.raises(TypeError, match=r"train must be a Dataset, got list: use fitting\.read"):
        fitting.fit(ScreenedModel(), [1])
    message = "2 test frames are in the training data too, the first is frame 3 of memory = frame 3"
    with pytest.raises(ValueError, match=message):
        fitting.fit(ScreenedModel(), screened_data[:5], test=screened_data[3:])
    train, test = screened_data[:5].relative_to(), screened_data[5:]
    message = r"other atomic references .*: subtract the same, test.relative_to.train.references."
    with pytest.raises(ValueError, match=message):
        fitting.fit(ScreenedModel(), train, test=test)
    same = test.relative_to(train.references)
    fitting.fit(ScreenedModel(), train, test=same, max_iterations=1, progress=False)
    with pytest.raises(TypeError, match=r"has no parameters to fit: give a trainable model"):
        fitting.fit(models.NonMagnetic("Fe"), screened_data)


def test_method_that_needs_linear_parameters(screened_data):
    class AllCurved(ScreenedModel):
        linear = np.array([], dtype=np.intp)

    model = AllCurved(START)
    report = fitting.fit(model, screened_data, tolerance=1e-6)
    np.testing.assert_allclose(model.parameters, TRUE, rtol=1e-6)
    assert report.linear is None
    with pytest.raises(ValueError, match="method='projection' needs linear parameters, but"):
        fitting.fit(model, screened_data, method="projection")


def test_a_start_without_a_loss(screened_data):
    class Linearless(ScreenedModel):
        linear = np.array([], dtype=np.intp)

    start = (0.0, 0.0, 1.0, 0.0, 1e6, 0.0)
    message = "frame 0 of memory: the potential gives a .* not finite; start from other parameters"
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=message):
        fitting.fit(ScreenedModel(start), screened_data)
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="the loss of the first param"):
        fitting.fit(Linearless(start), screened_data)
