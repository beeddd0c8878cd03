"""The four stages: what each may change, what they find, how they go on."""

import json
import sys
from itertools import pairwise

import numpy as np
import pytest
from ase.build import bulk

from ase_mag import fitting, models
from ase_mag.core import PairGraph, set_moments
from ase_mag.descriptors import RadialSpinDescriptor
from ase_mag.fitting import Dataset, Frame
from ase_mag.fitting.minimize import FitRun
from ase_mag.models import DescriptorModel, SpinLatticePotential
from ase_mag.regressors import Perceptron

ITERATIONS = {"nonmagnetic": 3, "bulk": 3, "network": 6, "together": 2}


def reference():
    """Return an MSLP without network plus what only a network can learn."""
    return SpinLatticePotential("Fe") + models.ThreeSiteExchange("Fe", models.cubic(1.0, 3.75), 0.1)


def dataset(seed, count, moments=2.5, displacement=0.1, smallest=0.97):
    rng, model, frames = np.random.default_rng(seed), reference(), []
    for k in range(count):
        atoms = bulk("Fe", a=2.86 * rng.uniform(smallest, 1.03), cubic=True) * 2
        atoms.positions += rng.normal(scale=displacement, size=(16, 3))
        vectors = rng.normal(size=(16, 3))
        vectors *= moments * rng.uniform(0.3, 1, (16, 1)) / np.linalg.norm(vectors, axis=1)[:, None]
        graph = PairGraph.build(atoms.positions, atoms.cell.array, True, atoms.numbers, 5.3)
        found = model.evaluate(graph, vectors)
        set_moments(atoms, vectors)
        labels = {
            "energy": np.array(found.energy),
            "forces": found.forces,
            "magforces": found.magforces,
        }
        frames.append(Frame(atoms, labels, source=f"set {seed}", index=k))
    return Dataset(frames)


@pytest.fixture(scope="module")
def data():
    return {
        "nonmagnetic": dataset(1, 6, moments=0.0, smallest=0.72),
        "bulk": dataset(2, 6, displacement=0.05),
        "train": dataset(3, 12),
    }


def potential():
    """Return a potential off the reference in every term, with a small network."""
    descriptor = RadialSpinDescriptor("Fe", 5.3, 5)
    network = DescriptorModel(descriptor, Perceptron(20, (6,), "tanh"))
    model = SpinLatticePotential("Fe", network=network)
    rng = np.random.default_rng(0)
    for term in (model.lattice, model.moments):
        term.parameters = term.parameters * (1 + 0.02 * rng.normal(size=len(term.parameters)))
    return model


def options(data, **changed):
    return {**data, "iterations": ITERATIONS, "progress": False} | changed


def test_every_stage_changes_its_own_term(data):
    def terms(model):
        return [term.parameters for term in (model.lattice, model.moments, model.network)]

    kept = [terms(potential())]
    for n in range(1, 5):
        first = dict.fromkeys(ITERATIONS, 0) | dict(list(ITERATIONS.items())[:n])
        model = potential()
        fitting.fit_stages(model, **options(data, iterations=first))
        kept.append(terms(model))
    changed = [
        [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
        for before, after in pairwise(kept)
    ]
    assert changed == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
        [True, True, True],
    ]


def test_errors_fall_stage_by_stage(data):
    """The network lowers what is beyond pairs, magnetic forces on other frames too.

    Rounding alone decides between paths of the fit: starts that differ by 1e-15 end with errors of
    the energy of 1.5 to 1.8 meV/atom (network) and 0.76 to 1.04 (together; 1.2 to 1.6 after 10
    iterations instead of 30).
    """
    test = dataset(9, 6)
    many = ITERATIONS | {"network": 60, "together": 30}
    report = fitting.fit_stages(potential(), test=test, **options(data, iterations=many))
    assert [stage.name for stage in report.stages] == list(ITERATIONS)
    bulk, network, last = (report[name] for name in ("bulk", "network", "together"))
    for label in ("energy", "forces", "magforces"):
        assert last.train[label].rmse < network.train[label].rmse < bulk.train[label].rmse
    for part in ("train", "test"):
        before, after = (getattr(stage, part)["magforces"].rmse for stage in (bulk, network))
        assert after < 0.65 * before
    text = str(report)
    assert "energy (meV/atom)" in text
    assert "RMSE, test" in text
    assert text.count("together") == 3


def test_interrupted_stages_go_on(data, tmp_path):
    whole = potential()
    fitting.fit_stages(whole, **options(data))
    few = dict.fromkeys(ITERATIONS, 0) | {"nonmagnetic": 3, "bulk": 3}
    fitting.fit_stages(potential(), folder=tmp_path, **options(data, iterations=few))
    again = potential()
    report = fitting.fit_stages(again, folder=tmp_path, restart=True, **options(data))
    np.testing.assert_array_equal(again.parameters, whole.parameters)
    assert report["bulk"].report is None
    assert report["network"].report is not None
    json.dumps(report["bulk"].summary)


def small(**changed):
    """Return the arguments of a fit of the first stage that takes a moment."""
    sets = {
        "nonmagnetic": dataset(1, 2, moments=0.0, smallest=0.72),
        "bulk": dataset(2, 2, displacement=0.05),
        "train": dataset(3, 2),
    }
    only = dict.fromkeys(ITERATIONS, 0) | {"nonmagnetic": 1}
    return options(sets, iterations=only) | changed


def test_interruptions_within_stages(tmp_path, monkeypatch):
    """Ctrl-C in the second and third stage; what goes on has other parameters at first."""
    many = {"nonmagnetic": 2, "bulk": 3, "network": 5, "together": 1}
    arguments = small(iterations=many, tolerance=0.0)
    whole = potential()
    expected = fitting.fit_stages(whole, **arguments)
    reason, ends = FitRun._reason, [(many["bulk"], 2), (many["network"], 3)]

    def interrupted(run, most, *rest):
        if ends and (most, run.iteration) == ends[0]:
            del ends[0]
            raise KeyboardInterrupt
        return reason(run, most, *rest)

    monkeypatch.setattr(FitRun, "_reason", interrupted)
    for last in (False, False, True):
        again = potential()
        if len(ends) < 2:
            again.parameters = 1.01 * again.parameters
        goes_on = {"folder": tmp_path, "restart": True}
        if last:
            found = fitting.fit_stages(again, **arguments, **goes_on)
        else:
            with pytest.raises(KeyboardInterrupt):
                fitting.fit_stages(again, **arguments, **goes_on)
    np.testing.assert_array_equal(again.parameters, whole.parameters)
    assert found["network"].summary["iterations"] == 5
    assert found["together"].train["forces"].rmse == expected["together"].train["forces"].rmse


def other(hyper=None, **function):
    """Return the potential of this file with other hyperparameters."""
    model = potential()
    descriptor = RadialSpinDescriptor("Fe", **{"cutoff": 5.3, "n_functions": 5} | (hyper or {}))
    arguments = {"hidden": (6,), "activation": "tanh"} | function
    network = DescriptorModel(descriptor, Perceptron(20, **arguments))
    return SpinLatticePotential("Fe", moments=model.moments, network=network)


CHANGES = {
    "activation": (other(activation="softplus"), {}, "network.function.activation was 'tanh' and"),
    "twist": (other(twist=0.2), {}, "network.function.twist was 0.1 and is 0.2"),
    "layers": (other(hidden=(3, 2)), {}, "network.function.hidden was .6. and is .3, 2."),
    "centers": (
        other({"centers": np.linspace(1.2, 5.3, 5)}),
        {},
        r"centers was \[2.0, .* \[1.2,",
    ),
    "widths": (other({"widths": 4.0}), {}, r"network.descriptor.widths was \[5.0, .* is \[4.0,"),
    "cutoff": (other({"cutoff": 5.2}), {}, "network.descriptor.cutoff was 5.3 and is 5.2"),
    "masses": (other({"weights": {"Fe": 1.0}}), {}, "descriptor.weights.Fe was 55.8.* is 1.0"),
    "scaling": (potential(), {"scaling": "configuration"}, "scaling was 'atom' and is 'conf"),
    "ridge": (potential(), {"ridge": 10.0}, "ridge was 0.0 and is 10.0"),
    "tolerance": (potential(), {"tolerance": 0.1}, "tolerance was 0.001 and is 0.1"),
    "weights": (potential(), {"weights": {"energy": 2.0}}, "weights.energy was 1.0 and is 2.0"),
    "iterations": (potential(), {"iterations": {"nonmagnetic": 2}}, "iterations was 1 and is 2"),
    "data": (potential(), {"bulk": dataset(4, 2)}, r"data.bulk was '\w+' and is '\w+'"),
}


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A folder with the first stage."""
    folder = tmp_path_factory.mktemp("stages")
    fitting.fit_stages(potential(), folder=folder, **small())
    return folder


@pytest.mark.parametrize("change", CHANGES)
def test_folders_of_other_fits_are_refused(begun, change):
    model, changed, message = CHANGES[change]
    with pytest.raises(ValueError, match=f"npz belongs to another fit: .*{message}"):
        fitting.fit_stages(model, folder=begun, restart=True, **small(**changed))


def test_stages_after_another_one_are_refused(tmp_path):
    two = dict.fromkeys(ITERATIONS, 0) | {"nonmagnetic": 1, "bulk": 1}
    fitting.fit_stages(potential(), folder=tmp_path, **small(iterations=two))
    (tmp_path / "nonmagnetic.npz").unlink()
    (tmp_path / "nonmagnetic.checkpoint.npz").unlink()
    again = small(iterations=two | {"nonmagnetic": 2})
    with pytest.raises(ValueError, match=r"before.nonmagnetic.iterations was 1 and is 2"):
        fitting.fit_stages(potential(), folder=tmp_path, restart=True, **again)
    # A fit that begins anew from elsewhere does not take the stages of the one before.
    begin, ends = potential(), two | {"bulk": 0}
    begin.parameters = 1.001 * begin.parameters
    fitting.fit_stages(begin, folder=tmp_path, **small(iterations=ends))
    with pytest.raises(ValueError, match=r"bulk.npz belongs to another fit: start was"):
        fitting.fit_stages(begin, folder=tmp_path, restart=True, **small(iterations=two))
    (tmp_path / "start.npz").unlink()
    with pytest.raises(ValueError, match=r"not where they began .start.npz.: it is of an earlier"):
        fitting.fit_stages(begin, folder=tmp_path, restart=True, **small(iterations=two))


def test_torch_computes_the_third_stage(monkeypatch):
    pytest.importorskip("torch")
    used, found = [], []
    module = sys.modules[fitting.fit.__module__]

    class Spied(module.TorchLoss):
        def __init__(self, parts, *arguments, **options):
            used.append((options["device"], parts.n_parameters))
            super().__init__(parts, *arguments, **options)

    monkeypatch.setattr(module, "TorchLoss", Spied)
    few = {"nonmagnetic": 1, "bulk": 1, "network": 4, "together": 1}
    for device in (None, "cpu"):
        model = potential()
        fitting.fit_stages(model, device=device, **small(iterations=few))
        found.append(model.parameters)
    assert used == [("cpu", model.network.n_parameters)]
    np.testing.assert_allclose(found[1], found[0], rtol=1e-6, atol=1e-7)


def test_weighted_labels_that_no_frame_has(data):
    """The words of fit, before any stage has changed anything."""
    model = potential()
    before, bare = model.parameters, small()
    for name in ("nonmagnetic", "bulk", "train"):
        bare[name] = bare[name].without("magforces")
    weights = {"energy": 1.0, "forces": 0.01, "magforces": 0.1}
    message = "the weight of magforces is 0.1, but 6 of 6 frames have no magforces, the first is"
    with pytest.raises(ValueError, match=message):
        fitting.fit_stages(model, **bare | {"weights": weights})
    with pytest.raises(ValueError, match="the weight of stress is 1, but 6 of 6 frames have no"):
        fitting.fit_stages(model, **small(weights={"energy": 1.0, "stress": 1.0}))
    with pytest.raises(ValueError, match="weights name 'magforce'; labels are energy, forces"):
        fitting.fit_stages(model, **small(weights={"energy": 1.0, "magforce": 1.0}))
    every = dict.fromkeys(ITERATIONS, 1)
    lacking = small(iterations=every, weights={"bulk": weights})
    lacking["bulk"] = bare["bulk"]
    with pytest.raises(ValueError, match=r"stage 'bulk': the weight of magforces is 0.1, but 2"):
        fitting.fit_stages(model, **lacking)
    with pytest.raises(ValueError, match=r"stage 'nonmagnetic' name magforces, but V.NM does"):
        fitting.fit_stages(model, **small(weights={"nonmagnetic": weights}))
    with pytest.raises(ValueError, match="weights by stage must all be dicts"):
        fitting.fit_stages(model, **small(weights={"bulk": {"energy": 1.0}, "network": 1.0}))
    np.testing.assert_array_equal(model.parameters, before)
    # A label that some frames have counts where it is.
    report = fitting.fit_stages(model, **small(weights=weights, bulk=bare["bulk"]))
    assert report["nonmagnetic"].summary["weights"]["magforces"] == 0


def test_magnetic_frames_are_not_nonmagnetic(data):
    model, message = potential(), r"frame 0 of set 2 in the data called 'nonmagnetic' is magnetic"
    with pytest.raises(ValueError, match=message + ": the moment of atom .* put this frame into"):
        fitting.fit_stages(model, **small(nonmagnetic=data["nonmagnetic"] + data["bulk"]))


def test_bad_input(data):
    with pytest.raises(TypeError, match="has no term called 'lattice'"):
        fitting.fit_stages(models.Landau("Fe", a=-0.1, b=0.02), **options(data))
    with pytest.raises(ValueError, match="data called 'bulk' are empty"):
        fitting.fit_stages(potential(), **options(data, bulk=Dataset([])))
    with pytest.raises(TypeError, match="train must be a Dataset, got list"):
        fitting.fit_stages(potential(), **options(data, train=[]))
    with pytest.raises(ValueError, match="iterations names 'last'; stages are nonmagnetic, bulk"):
        fitting.fit_stages(potential(), **options(data, iterations={"last": 3}))
    with pytest.raises(ValueError, match="there is no folder"):
        fitting.fit_stages(potential(), folder="nowhere/at/all", **options(data))
    with pytest.raises(ValueError, match="restart needs the folder"):
        fitting.fit_stages(potential(), restart=True, **options(data))
