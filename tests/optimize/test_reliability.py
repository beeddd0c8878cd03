"""Counted relaxations: successes, reasons of failures, intervals, executors."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import CalculationFailed

import ase_mag
from ase_mag import models
from ase_mag.optimize import (
    Limits,
    equilibration_reliability,
    relaxation_reliability,
)


def wilson(k, n, z):
    center = (k + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(k * (n - k) / n + z**2 / 4)
    return center - half, center + half


def single_moments(sizes):
    frames = []
    for size in sizes:
        frames.append(Atoms("Fe", cell=[9] * 3, pbc=True))
        ase_mag.set_moments(frames[-1], size)
    return frames


#: a m^2 + b m^4 + c m^6 with c < 0: a minimum at 2.09 mu_B and a barrier at 5.25 mu_B.
FALLING = models.Landau("Fe", a=-0.15, b=0.0192, c=-0.0004, allow_unbounded=True)


def barrier():
    """The size beyond which the energy falls without end: the larger root of the slope."""
    roots = np.roots([6 * -0.0004, 4 * 0.0192, 2 * -0.15])
    return np.sqrt(roots.real.max())


def test_exactly_the_moments_beyond_the_barrier_fail():
    sizes = np.linspace(0.5, 7.5, 29)
    report = equilibration_reliability(
        single_moments(sizes), ase_mag.MagneticCalculator(FALLING), limits=Limits(max_moment=8.0)
    )
    failed = {failure.index for failure in report.failures}
    assert failed == set(np.flatnonzero(sizes > barrier()))
    assert report.n == 29
    assert report.successes == 29 - len(failed)
    assert report.reasons == {"moment too large": len(failed)}
    assert all("beyond max_moment = 8" in failure.message for failure in report.failures)
    low, high = wilson(report.successes, 29, 1.959963984540054)
    assert report.interval == (pytest.approx(low, abs=1e-12), pytest.approx(high, abs=1e-12))
    assert report.fraction == report.successes / 29
    text = str(report)
    assert f"{report.successes} of 29 succeeded" in text
    assert f"{len(failed)} moment too large" in text
    # A moment that comes to rest beyond the range of the training data is a failure too.
    narrow = equilibration_reliability(
        single_moments([1.0]), ase_mag.MagneticCalculator(FALLING), limits=Limits(max_moment=2.0)
    )
    assert narrow.reasons == {"moment too large": 1}


@pytest.mark.parametrize("executor", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_executors_give_the_same(executor, iron):
    frames = [iron(seed=seed, repeat=1) for seed in range(4)]
    frames[2].positions[1] = frames[2].positions[0] + [0, 0, 1.0]
    before = [frame.copy() for frame in frames]
    calculator = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    alone = relaxation_reliability(frames, calculator)
    with executor(2) as pool:
        report = relaxation_reliability(frames, calculator, executor=pool)
    assert report.failures == alone.failures
    assert [failure.index for failure in report.failures] == [2]
    assert report.reasons == {"atoms too close": 1}
    for a, b, frame, start in zip(report.frames, alone.frames, frames, before, strict=True):
        np.testing.assert_array_equal(a.positions, b.positions)
        np.testing.assert_array_equal(ase_mag.get_moments(a), ase_mag.get_moments(b))
        np.testing.assert_array_equal(frame.positions, start.positions)
        assert a.calc is None
    sizes = [np.linalg.norm(ase_mag.get_moments(a), axis=1) for a in report.frames]
    np.testing.assert_allclose([sizes[i] for i in (0, 1, 3)], 2.145, atol=1e-3)
    assert report.results[0].converged
    assert report.results[2].reason == "atoms too close"


def test_wilson_interval_at_the_ends(iron):
    calculator = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    report = equilibration_reliability(
        [iron(seed=seed, repeat=1) for seed in range(5)], calculator, confidence=0.9
    )
    assert (report.successes, report.failures) == (5, [])
    z = 1.6448536269514722
    assert report.interval[1] == pytest.approx(1.0, abs=1e-12)
    assert report.interval[0] == pytest.approx(5 / (5 + z**2), abs=1e-12)
    assert "90 % interval" in str(report)


def test_falsely_driven_volumes_count_as_failures(iron):
    calculator = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    frames = [iron(repeat=1), iron(repeat=1)]
    frames[1].set_cell(1.06 * frames[1].cell.array, scale_atoms=True)
    report = relaxation_reliability(frames, calculator, limits=Limits(max_volume_change=0.1))
    assert [failure.index for failure in report.failures] == [1]
    assert report.reasons == {"volume": 1}


def test_saddle_points_count_if_they_are_looked_for():
    calculator = ase_mag.MagneticCalculator(models.Landau("Fe", a=-0.15, b=0.0192))
    frames = single_moments([0.0, 1.0])
    assert equilibration_reliability(frames, calculator).successes == 2
    with pytest.warns(UserWarning, match="saddle point"):
        report = equilibration_reliability(frames, calculator, check_minimum=True)
    assert report.reasons == {"saddle point": 1}
    assert report.failures[0].index == 0


def test_failures_of_the_calculator_are_counted(quartic):
    class Narrow(quartic):
        """Refuses moments beyond 3 mu_B, and fails on the first geometry beyond 5."""

        def calculate(self, atoms=None, *args, **kwargs):
            size = np.abs(ase_mag.get_moments(atoms)).max()
            if size > 5:
                raise CalculationFailed("did not finish")
            if size > 3:
                raise ValueError("outside of the training range")
            super().calculate(atoms, *args, **kwargs)

    report = equilibration_reliability(single_moments([1.0, 6.0]), Narrow())
    assert report.reasons == {"calculator failed": 1}
    assert "did not finish" in report.failures[0].message
    assert report.results[1] is None
    report = equilibration_reliability(single_moments([1.0]), Narrow(a=-1.0))
    assert report.reasons == {"calculator failed": 1}
    message = report.failures[0].message
    assert "refused 31 trial moments on the way" in message
    assert "outside of the training range" in message
    # What is wrong from the start is not a matter of reliability.
    with pytest.raises(ValueError, match="outside of the training range"):
        equilibration_reliability(single_moments([4.0]), Narrow())


def test_bad_input(iron):
    calculator = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    with pytest.raises(ValueError, match="there are no frames"):
        equilibration_reliability([], calculator)
    with pytest.raises(TypeError, match=r"got the model .* pass ase_mag.MagneticCalculator\(model"):
        relaxation_reliability([iron()], models.named("FeHL-1"))
    with pytest.raises(ValueError, match="confidence must be between 0 and 1, got 95"):
        relaxation_reliability([iron()], calculator, confidence=95)
    with pytest.raises(TypeError, match="frame 0 is not an "):
        relaxation_reliability(["iron.traj"], calculator)
    without = iron()
    without.set_initial_magnetic_moments(None)
    with pytest.raises(ValueError, match="frame 1 has no moments"):
        relaxation_reliability([iron(), without], calculator)
    with pytest.raises(ValueError, match="fmax must be a positive number"):
        relaxation_reliability([iron()], calculator, fmax=-1.0)
    film = iron()
    film.pbc = [True, True, False]
    with pytest.raises(ValueError, match="periodic in three directions"):
        relaxation_reliability([iron(), film], calculator)
    with pytest.raises(ValueError, match="the atoms have no calculator"):
        equilibration_reliability([iron()], None)


def test_a_start_that_is_refused_names_its_frame(iron):
    """Bad input is no failed relaxation."""
    potential = models.NoncollinearMomentTensorPotential("Fe", 4, 2, 4.0, max_moment=2.5)
    frames = [iron(repeat=1) for _ in range(3)]
    for frame, size in zip(frames, (2.0, 2.1, 2.6), strict=True):
        ase_mag.set_moments(frame, size)
    message = r"frame 2: the moment of atom \d is 2.6 mu_B, but the potential is made for moments"
    for count in (equilibration_reliability, relaxation_reliability):
        with pytest.raises(ValueError, match=message):
            count(frames, ase_mag.MagneticCalculator(potential))
