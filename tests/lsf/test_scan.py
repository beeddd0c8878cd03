"""Computed landscapes: scans, fits, executors, and runs that continue."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import ase_mag
from ase_mag import lsf, models, reference

from .quartic_calculator import QuarticCalculator


def assert_same(first, second, **tolerance):
    for name in ("frame", "atom", "a", "b", "constant", "error", "relaxed", "sizes", "energies"):
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), **tolerance)


def test_known_landscapes_are_found(frames, quartic, table):
    assert len(table) == 64
    for k, frame in enumerate(frames):
        rows = table[table.frame == k]
        a, b = quartic.landscapes(frame)
        np.testing.assert_array_equal(rows.atom, np.arange(16))
        np.testing.assert_allclose(rows.a, a, atol=1e-13)
        np.testing.assert_allclose(rows.b, b, atol=1e-13)
        np.testing.assert_allclose(rows.relaxed, np.sqrt(-a / (2 * b)), rtol=1e-13)
        np.testing.assert_allclose(rows.minimum, rows.relaxed, rtol=1e-10)
        others = (a * rows.relaxed**2 + b * rows.relaxed**4).sum() + a**2 / (4 * b)
        np.testing.assert_allclose(rows.constant, others, rtol=1e-12)
    assert np.abs(table.error).max() < 1e-14
    np.testing.assert_allclose(table.sizes[3], np.linspace(0.5, 2.9, 7))
    assert quartic.n_relaxations == 4
    assert quartic.n_energies == 4 * 16 * 7


def test_energies_are_scans_of_one_moment_in_relaxed_surroundings(iron):
    calc = reference.ConstrainedModel(models.named("FeHL-1"))
    frame = lsf.snapshots(iron, 0.1, rng=1)[0]
    table = lsf.landscapes(frame, calc, sizes=[0.7, 1.4, 2.1, 2.8], progress=False)
    moments = calc.relax_sizes(frame)
    np.testing.assert_allclose(table.relaxed, np.linalg.norm(moments, axis=1), rtol=1e-7)
    atoms = frame.copy()
    atoms.calc = calc
    for k, size in enumerate([0.7, 1.4, 2.1, 2.8]):
        scanned = moments.copy()
        scanned[5] *= size / np.linalg.norm(scanned[5])
        ase_mag.set_moments(atoms, scanned)
        assert abs(table.energies[5, k] - atoms.get_potential_energy()) < 1e-9


def test_fit_is_least_squares():
    rng = np.random.default_rng(0)
    sizes = np.linspace(0.5, 2.9, 7)
    energies = rng.normal(size=(5, 7)) - 6000.0
    a, b, constant, error = lsf.fit_landscapes(sizes, energies)
    for k in range(5):
        expected = np.polynomial.Polynomial.fit(sizes**2, energies[k], 2).convert().coef
        np.testing.assert_allclose([constant[k], a[k], b[k]], expected, rtol=1e-8)
        residuals = constant[k] + a[k] * sizes**2 + b[k] * sizes**4 - energies[k]
        assert abs(error[k] - np.sqrt((residuals**2).mean())) < 1e-9


@pytest.mark.parametrize("workers", [1, 3])
def test_threads_give_the_same(frames, table, workers):
    with ThreadPoolExecutor(workers) as executor:
        parallel = lsf.landscapes(frames, QuarticCalculator(), executor=executor, progress=False)
    assert_same(parallel, table, rtol=0)


def test_processes_give_the_same(iron):
    frames = lsf.snapshots(iron, 0.1, count=2, rng=1)
    calc = reference.ConstrainedModel(models.named("FeHL-1"))
    serial = lsf.landscapes(frames, calc, sizes=4, progress=False)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        parallel = lsf.landscapes(frames, calc, sizes=4, executor=executor, progress=False)
    assert_same(parallel, serial, rtol=1e-9, atol=1e-12)


def test_a_stopped_run_continues(frames, table, tmp_path):
    path = tmp_path / "landscapes.npz"
    with pytest.raises(RuntimeError, match="stopped"):
        failing = QuarticCalculator(fail_after=250)
        lsf.landscapes(frames, failing, path=path, progress=False)
    assert len(lsf.LandscapeTable.load(path)) == 32
    calc = QuarticCalculator()
    whole = lsf.landscapes(frames, calc, path=path, progress=False)
    assert calc.n_relaxations == 2
    assert_same(whole, table, rtol=0)
    assert_same(lsf.LandscapeTable.load(path), table, rtol=0)
    idle = QuarticCalculator()
    assert_same(lsf.landscapes(frames, idle, path=path, progress=False), table, rtol=0)
    assert idle.n_energies == 0
    assert [p.name for p in tmp_path.iterdir()] == ["landscapes.npz"]


def test_a_failing_executor_keeps_finished_frames(frames, tmp_path):
    path = tmp_path / "landscapes.npz"
    with ThreadPoolExecutor(1) as executor, pytest.raises(RuntimeError, match="stopped"):
        # Each job gets a copy of the calculator, so only a frame with many sizes fails.
        lsf.landscapes(frames[:1], QuarticCalculator(), path=path, progress=False)
        failing = QuarticCalculator(fail_after=10)
        lsf.landscapes(frames, failing, path=path, executor=executor, progress=False)
    assert len(lsf.LandscapeTable.load(path)) == 16


def test_a_file_of_something_else_is_refused(frames, quartic, table, tmp_path):
    path = tmp_path / "landscapes.npz"
    lsf.landscapes(frames[:2], quartic, path=path, progress=False)
    more = lsf.landscapes(frames, quartic, path=path, progress=False)
    assert len(more) == 64  # more frames continue
    with pytest.raises(ValueError, match="landscapes of 3 frames that are not among the 1 given"):
        lsf.landscapes(frames[:1], quartic, path=path, progress=False)
    with pytest.raises(ValueError, match=r"run with sizes = \[0\.5.*not \[0\.5, 1\.7, 2\.9\]"):
        lsf.landscapes(frames, quartic, sizes=3, path=path, progress=False)
    other = reference.ConstrainedModel(models.named("FeHL-1"))
    with pytest.raises(ValueError, match=r"run with calculator = quartic.*not FeHL-1"):
        lsf.landscapes(frames, other, path=path, progress=False)
    table.save(tmp_path / "plain.npz")
    with pytest.raises(ValueError, match=r"landscapes\(\) did not write"):
        lsf.landscapes(frames, quartic, path=tmp_path / "plain.npz", progress=False)
    (tmp_path / "broken.npz").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="damaged"):
        lsf.landscapes(frames, quartic, path=tmp_path / "broken.npz", progress=False)


def test_unbounded_fits_stay_in_the_table(frames):
    table = lsf.landscapes(frames[0], QuarticCalculator(a0=0.1, b=-0.01), progress=False, sizes=5)
    assert not table.bounded.any()
    assert "16 unbounded landscapes are left out" in str(table)


def test_bad_input_is_explained(frames, quartic, iron):
    with pytest.raises(ValueError, match=r"2 sizes are too few for the fit.*at least 3"):
        lsf.landscapes(frames, quartic, sizes=2)
    with pytest.raises(ValueError, match=r"sizes \[1\.0, 2\.0, 2\.0\] mu_B are too few"):
        lsf.landscapes(frames, quartic, sizes=[1, 2, 2])
    with pytest.raises(ValueError, match="must be finite and not negative"):
        lsf.landscapes(frames, quartic, sizes=[-1, 1, 2])
    with pytest.raises(ValueError, match=r"energy of scan 1 at 2 mu_B is nan"):
        lsf.fit_landscapes([1, 2, 3], [[1, 2, 3], [1, np.nan, 3]])
    moments = ase_mag.get_moments(frames[1])
    moments[3] = 0.0
    ase_mag.set_moments(frames[1], moments)
    with pytest.raises(ValueError, match=r"atom 3 of frame 1 has no moment.*snapshots"):
        lsf.landscapes(frames, quartic)
    from ase.calculators.singlepoint import SinglePointCalculator

    plain = SinglePointCalculator(iron, energy=0.0)
    with pytest.raises(TypeError, match=r"SinglePointCalculator has no relax_sizes.*Constrained"):
        lsf.landscapes(frames[0], plain)


def test_progress_is_shown_when_asked_for(frames, quartic, capfd):
    lsf.landscapes(frames[0], quartic)
    assert "1/1" in capfd.readouterr().err
    lsf.landscapes(frames[0], quartic, progress=False)
    assert capfd.readouterr().err == ""


def test_a_file_of_another_model_is_not_continued(tmp_path):
    """Parameters of the model count, not only its name."""
    from ase.build import bulk

    atoms = bulk("Fe", a=2.87, cubic=True)
    ase_mag.set_moments(atoms, 2.0)
    frames = lsf.snapshots(atoms, 0.05, rng=1)
    path = tmp_path / "landscapes.npz"

    def table(a):
        calc = reference.ConstrainedModel(models.Landau("Fe", a, 0.02))
        return lsf.landscapes(frames, calc, path=path, progress=False)

    first = table(-0.15)
    np.testing.assert_array_equal(table(-0.15).a, first.a)
    with pytest.raises(ValueError, match="belongs to a run with calculator"):
        table(-0.30)
