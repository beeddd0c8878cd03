"""Campaigns: labels, and nothing lost or done twice whatever stops them."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.calculator import CalculationFailed, Calculator
from ase.calculators.emt import EMT
from ase.io import read

import ase_mag
from ase_mag import lsf, models
from ase_mag.core.jobs import run_jobs
from ase_mag.reference import ConstrainedModel, campaign


def iron_frames(count, repeat=1):
    atoms = bulk("Fe", a=2.87, cubic=True) * repeat
    ase_mag.set_moments(atoms, 2.2)
    return lsf.snapshots(atoms, 0.1, count=count, rng=1)


@pytest.fixture
def frames():
    return iron_frames(5)


@pytest.fixture
def model():
    return ConstrainedModel(models.named("FeHL-1"))


def assert_same_labels(first, second, atol=0.0):
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a.positions, b.positions, rtol=0, atol=atol)
        np.testing.assert_allclose(
            ase_mag.get_moments(a), ase_mag.get_moments(b), rtol=0, atol=atol
        )
        for name in ("energy", "forces", "stress", "magmoms", "magforces"):
            np.testing.assert_allclose(
                a.calc.results[name], b.calc.results[name], rtol=0, atol=atol, err_msg=name
            )


def test_labels_are_those_of_the_reference(frames, model, tmp_path):
    result = campaign(frames, model, tmp_path / "labels.extxyz", progress=False)
    assert result.computed == 5 and result.indices == [0, 1, 2, 3, 4] and result.failures == []
    for frame, labelled in zip(frames, result.frames, strict=True):
        frame.calc = model
        assert labelled.get_potential_energy() == frame.get_potential_energy()
        np.testing.assert_array_equal(labelled.get_forces(), frame.get_forces())
        np.testing.assert_array_equal(labelled.get_stress(), frame.get_stress())
        magforces = model.get_property("magforces", frame)
        np.testing.assert_array_equal(labelled.calc.results["magforces"], magforces)
        np.testing.assert_array_equal(labelled.get_magnetic_moments(), ase_mag.get_moments(frame))
        np.testing.assert_array_equal(labelled.arrays["moment_error"], np.zeros(2))
        assert labelled.info["reference"] == labelled.calc.name == "FeHL-1 (synthetic)"
    # What ASE reads from the file: the same to its eight decimals.
    assert_same_labels(read(tmp_path / "labels.extxyz", ":"), result.frames, atol=5.1e-9)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["labels.extxyz", "labels.extxyz.jobs"]
    assert list((tmp_path / "labels.extxyz.jobs" / "run").iterdir()) == []


def test_a_second_call_computes_nothing_and_more_frames_go_on(frames, model, tmp_path):
    path = tmp_path / "labels.extxyz"
    first = campaign(frames[:3], model, path, progress=False)
    text = path.read_bytes()
    again = campaign(frames[:3], model, path, progress=False)
    assert again.computed == 0 and path.read_bytes() == text
    assert_same_labels(first.frames, again.frames)
    more = campaign([*frames, frames[0]], model, path, progress=False)
    assert more.computed == 2 and len(more.frames) == 6  # the repeated frame costs nothing
    assert_same_labels(more.frames[:1], more.frames[5:])
    assert len(read(path, ":")) == 6


def test_more_properties_than_before_are_computed(frames, model, tmp_path):
    path, reference = tmp_path / "a.extxyz", model
    first = campaign(frames[:2], reference, path, properties=["energy"], progress=False)
    assert first.computed == 2 and set(first.frames[0].calc.results) == {"energy"}
    more = campaign(frames[:2], reference, path, properties=["forces", "magforces"], progress=False)
    assert more.computed == 2
    assert set(more.frames[0].calc.results) == {"energy", "forces", "magforces"}
    fewer = campaign(frames[:2], reference, path, properties=["forces"], progress=False)
    assert fewer.computed == 0 and "energy" in fewer.frames[0].calc.results


def test_processes_give_the_same(frames, model, tmp_path):
    serial = campaign(frames, model, tmp_path / "serial.extxyz", progress=False)
    with ProcessPoolExecutor(2) as executor:
        parallel = campaign(frames, model, tmp_path / "a.extxyz", executor, progress=False)
    assert parallel.computed == 5
    assert_same_labels(parallel.frames, serial.frames, atol=1e-12)


@pytest.mark.parametrize(
    "processes", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["threads", "processes"]
)
def test_dask_gives_the_same(frames, model, tmp_path, processes):
    distributed = pytest.importorskip("distributed")
    serial = campaign(frames, model, tmp_path / "serial.extxyz", progress=False)
    with (
        distributed.LocalCluster(
            n_workers=2 if processes else 1,
            threads_per_worker=1 if processes else 2,
            processes=processes,
            dashboard_address=None,
            local_directory=str(tmp_path / "dask"),
        ) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor() as executor,
    ):
        path = tmp_path / "dask.extxyz"
        result = campaign(frames, model, path, executor, max_concurrent=2, progress=False)
    assert result.computed == 5
    assert_same_labels(result.frames, serial.frames, atol=1e-12)


@pytest.mark.slow
def test_executorlib_gives_the_same(frames, model, tmp_path):
    executorlib = pytest.importorskip("executorlib")
    serial = campaign(frames, model, tmp_path / "serial.extxyz", progress=False)
    with executorlib.SingleNodeExecutor(max_workers=2) as executor:
        result = campaign(frames, model, tmp_path / "e.extxyz", executor, progress=False)
    assert_same_labels(result.frames, serial.frames, atol=1e-12)


class Failing(ConstrainedModel):
    """Fails for frames whose first moment is in ``bad`` (a dict that tests change)."""

    bad = {}  # noqa: RUF012
    calls = []  # noqa: RUF012

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        mark = round(float(atoms.positions[0, 0]), 8)
        self.calls.append(mark)
        if mark in self.bad:
            self.bad[mark](self)
        super().calculate(atoms, properties, system_changes)


def marks(frames):
    return [round(float(frame.positions[0, 0]), 8) for frame in frames]


@pytest.fixture
def failing(monkeypatch):
    monkeypatch.setattr(Failing, "bad", {})
    monkeypatch.setattr(Failing, "calls", [])
    return Failing(models.named("FeHL-1"))


def test_failures_are_recorded_and_tried_again_when_asked(frames, failing, tmp_path):
    path = tmp_path / "labels.extxyz"

    def fail(calc):
        Path(calc.directory, "scf.log").write_text("oscillates")
        raise CalculationFailed("no convergence in 90 cycles")

    failing.bad[marks(frames)[2]] = fail
    with pytest.warns(UserWarning, match=r"1 of 5 frames have no labels.*no convergence in 90"):
        result = campaign(frames, failing, path, progress=False)
    assert result.indices == [0, 1, 3, 4] and result.computed == 5
    [failure] = result.failures
    assert (failure.index, failure.attempts) == (2, 1)
    assert failure.reason == "CalculationFailed: no convergence in 90 cycles"
    assert "frame 2 failed 1 times, last: CalculationFailed: no conv" in str(result)
    folder = tmp_path / "labels.extxyz.jobs"
    record = json.loads((folder / "records" / f"{failure.job}.json").read_text())
    assert "test_campaign.py" in record["traceback"]
    assert Path(record["directory"], "scf.log").read_text() == "oscillates"
    assert len(read(path, ":")) == 4

    failing.calls.clear()
    with pytest.warns(UserWarning, match="1 of 5 frames have no labels"):
        again = campaign(frames, failing, path, progress=False)
    assert failing.calls == [] and again.computed == 0 and len(again.failures) == 1
    with pytest.warns(UserWarning, match="1 of 5 frames have no labels"):
        again = campaign(frames, failing, path, retry_failed=True, progress=False)
    assert again.computed == 1 and again.failures[0].attempts == 2
    failing.bad.clear()
    healed = campaign(frames, failing, path, retry_failed=True, progress=False)
    assert healed.computed == 1 and healed.failures == [] and len(read(path, ":")) == 5


def test_an_interruption_leaves_a_file(frames, failing, tmp_path):
    def stop(calc):
        raise KeyboardInterrupt

    failing.bad[marks(frames)[3]] = stop
    with pytest.raises(KeyboardInterrupt):
        campaign(frames, failing, tmp_path / "labels.extxyz", progress=False)
    assert len(read(tmp_path / "labels.extxyz", ":")) == 3
    failing.bad.clear()
    assert campaign(frames, failing, tmp_path / "labels.extxyz", progress=False).computed == 2


class Deadly(ConstrainedModel):
    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        if Path("armed").exists() and len(list(Path().glob("*.jobs/records/*"))) >= 2:
            Path("armed").unlink(missing_ok=True)
            os._exit(1)
        super().calculate(atoms, properties, system_changes)


def test_a_dead_worker_is_explained(frames, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("armed").touch()
    calc = Deadly(models.named("FeHL-1"))
    context = __import__("multiprocessing").get_context("fork")
    with (
        ProcessPoolExecutor(1, mp_context=context) as executor,
        pytest.raises(RuntimeError, match=r"a worker died.*2 of 5 results are kept in .*call camp"),
    ):
        campaign(frames, calc, "labels.extxyz", executor, progress=False)
    result = campaign(frames, calc, "labels.extxyz", progress=False)
    assert result.computed == 3 and len(result.frames) == 5


class Waiting(ConstrainedModel):
    lock = threading.Lock()
    running, most = 0, 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        cls = type(self)
        with cls.lock:
            cls.running += 1
            cls.most = max(cls.most, cls.running)
        time.sleep(0.05)
        super().calculate(atoms, properties, system_changes)
        with cls.lock:
            cls.running -= 1


def test_licenses_are_not_exceeded(tmp_path, monkeypatch):
    frames, calc = iron_frames(8), Waiting(models.named("FeHL-1"))
    for limit, most in ((2, 2), (None, 4)):
        monkeypatch.setattr(Waiting, "most", 0)
        with ThreadPoolExecutor(4) as executor:
            path = tmp_path / f"{limit}.extxyz"
            campaign(frames, calc, path, executor, max_concurrent=limit, progress=False)
        assert Waiting.most == most
    for bad in (0, 1.5):
        with pytest.raises(ValueError, match=f"max_concurrent must be a positive.*got {bad}"):
            campaign(frames, calc, tmp_path / "x.extxyz", max_concurrent=bad, progress=False)


def test_every_job_has_a_directory_of_its_own(frames, tmp_path):
    class Writing(ConstrainedModel):
        def calculate(self, atoms=None, properties=("energy",), system_changes=()):
            Path(self.directory, "output").write_text(str(atoms.positions[0, 0]))
            super().calculate(atoms, properties, system_changes)

    calc = Writing(models.named("FeHL-1"))
    calc.directory = str(tmp_path / "mine")
    path = tmp_path / "labels.extxyz"
    result = campaign(frames, calc, path, keep_files=True, progress=False)
    run = tmp_path / "labels.extxyz.jobs" / "run"
    for atoms in result.frames:
        assert (run / atoms.info["job"] / "output").read_text() == str(atoms.positions[0, 0])
    assert calc.directory == str(tmp_path / "mine")


FULL = """
mount -t tmpfs -o size=500k tmpfs disk && cd disk && PYTHONPATH=$TREE exec $PYTHON - <<'END'
import errno
from pathlib import Path
from ase.build import bulk
import ase_mag
from ase_mag import lsf, models
from ase_mag.reference import ConstrainedModel, campaign
atoms = bulk("Fe", a=2.87, cubic=True)
ase_mag.set_moments(atoms, 2.2)
frames = lsf.snapshots(atoms, 0.1, count=40, rng=1)
calc = ConstrainedModel(models.named("FeHL-1"))
Path("ballast").write_bytes(bytes(400_000))
try:
    campaign(frames, calc, "labels.extxyz", progress=False)
except OSError as error:
    assert error.errno == errno.ENOSPC, error
    assert "no space left on the disk" in str(error) and "call campaign again" in str(error)
else:
    raise AssertionError("40 records fit on a disk that is full")
some = len(list(Path("labels.extxyz.jobs/records").glob("*.json")))
assert 0 < some < 40 and not list(Path(".").rglob("*.part")), some
Path("ballast").unlink()
result = campaign(frames, calc, "labels.extxyz", properties=["energy"], progress=False)
print(some, len(result.frames), result.computed)
END
"""


def test_a_full_disk_is_explained_and_loses_nothing(tmp_path, tree_environment):
    """On a real file system of 500 kB."""
    if not shutil.which("unshare"):
        pytest.skip("needs unshare of util-linux")
    (tmp_path / "disk").mkdir()
    tree = {"TREE": tree_environment["PYTHONPATH"], "PYTHON": sys.executable}
    command = ["unshare", "--mount", "--user", "--map-root-user", "sh", "-c"]
    if subprocess.run(
        [*command, "mount -t tmpfs x ."], cwd=tmp_path, capture_output=True
    ).returncode:
        pytest.skip("this machine does not let users mount")
    done = subprocess.run(
        [*command, FULL], cwd=tmp_path, env=tree_environment | tree, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    some, frames, computed_later = map(int, done.stdout.split())
    assert frames == 40 and some + computed_later == 40


def test_progress_and_time_left_are_shown(frames, model, tmp_path, capfd):
    campaign(frames[:2], model, tmp_path / "labels.extxyz", progress=False)
    assert capfd.readouterr().err == ""
    campaign(frames, model, tmp_path / "labels.extxyz")
    shown = capfd.readouterr().err
    assert "2/5" in shown and "5/5" in shown and "<00:00" in shown


def test_any_calculator_of_ase(tmp_path):
    atoms = bulk("Cu", cubic=True)
    result = campaign(atoms, EMT(), tmp_path / "cu.extxyz", progress=False)
    atoms.calc = EMT()
    assert result.frames[0].get_potential_energy() == atoms.get_potential_energy()
    assert result.frames[0].info["reference"] == "emt"


def test_another_reference_is_refused(frames, model, tmp_path):
    path = tmp_path / "labels.extxyz"
    campaign(frames[:1], model, path, progress=False)
    other = ConstrainedModel(models.Landau("Fe", -0.15, 0.02))
    with pytest.raises(ValueError, match=r"holds results of the reference FeHL-1.*not of Landau"):
        campaign(frames[:1], other, path, progress=False)
    with pytest.raises(ValueError, match=r"holds results of the reference FeHL-1.* 10\.2"):
        campaign(frames[:1], model, path, tag="10.2", progress=False)
    shutil.rmtree(tmp_path / "labels.extxyz.jobs")
    with pytest.raises(ValueError, match=r"labels\.extxyz exists, but the folder .* does not"):
        campaign(frames[:1], model, path, progress=False)
    (tmp_path / "mine.extxyz.jobs").mkdir()
    (tmp_path / "mine.extxyz.jobs" / "notes").touch()
    with pytest.raises(ValueError, match="not empty and not the folder of a campaign"):
        campaign(frames[:1], model, tmp_path / "mine.extxyz", progress=False)


class Unbounded(Calculator):
    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        self.results = {"energy": -1.0, "forces": np.full((len(atoms), 3), np.nan)}


def test_bad_input_is_explained(frames, model, tmp_path):
    path = tmp_path / "labels.extxyz"
    with pytest.raises(ValueError, match=r"\(\.db\), got 'labels\.traj'"):
        campaign(frames, model, tmp_path / "labels.traj")
    with pytest.raises(ValueError, match="no frames to label"):
        campaign([], model, path)
    with pytest.raises(TypeError, match=r"frame 1 is a str, not an ase\.Atoms"):
        campaign([frames[0], "b"], model, path)
    with pytest.raises(TypeError, match="reference must be an ASE calculator, got str"):
        campaign(frames, "FeHL-1", path)
    with pytest.raises(ValueError, match="ConstrainedModel has no dipole; it has energy"):
        campaign(frames, model, path, properties=["energy", "dipole"])
    frames[1].arrays["initial_magmoms"][0] = np.nan
    with pytest.raises(ValueError, match="the moment of atom 0 is not a finite number"):
        campaign(frames, model, path)
    local = type("Local", (ConstrainedModel,), {})(models.named("FeHL-1"))
    with ThreadPoolExecutor(1) as executor, pytest.raises(TypeError, match="cannot be pickled"):
        campaign(frames[:1], local, path, executor)
    with pytest.warns(UserWarning, match="forces is not finite"):
        campaign(frames[:1], Unbounded(), tmp_path / "nan.extxyz", progress=False)
    assert not (tmp_path / "nan.extxyz").exists()


def test_a_damaged_record_is_named(frames, model, tmp_path):
    path = tmp_path / "labels.extxyz"
    campaign(frames[:1], model, path, progress=False)
    [record] = (tmp_path / "labels.extxyz.jobs" / "records").iterdir()
    record.write_text(record.read_text()[:50])
    with pytest.raises(ValueError, match=rf"{record.name} is damaged.*remove this file"):
        campaign(frames[:1], model, path, progress=False)


def test_jobs_run_in_order_without_an_executor():
    jobs = {k: (k,) for k in "abc"}
    assert list(run_jobs(str.upper, jobs)) == [("a", "A"), ("b", "B"), ("c", "C")]
