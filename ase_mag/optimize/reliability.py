"""How often do relaxations with a potential succeed?"""

import copy
from collections import Counter
from dataclasses import dataclass, replace

from ase import Atoms
from ase.calculators.calculator import CalculationFailed
from scipy.stats import binomtest

from ase_mag.core import Model
from ase_mag.core.jobs import run_jobs
from ase_mag.optimize.limits import Limits
from ase_mag.optimize.moments import relax_moments
from ase_mag.optimize.two_stage import EQUILIBRATED, relax


@dataclass(frozen=True)
class Failure:
    """A frame that was not relaxed.

    Attributes
    ----------
    index : int, of the frame.
    reason : str, a key of :data:`REASONS`.
    message : str, a sentence.
    """

    index: int
    reason: str
    message: str


@dataclass
class Reliability:
    """Counted relaxations.

    Attributes
    ----------
    n : int, number of frames; successes : int.
    confidence : float, of ``interval``.
    failures : list of Failure, by index.
    frames : list of ase.Atoms, where each relaxation ended (with moments, without calculator).
    results : list of RelaxedMoments or Relaxed, None where the calculator failed.
    """

    n: int
    successes: int
    confidence: float
    failures: list
    frames: list
    results: list

    @property
    def fraction(self):
        """successes / n."""
        return self.successes / self.n

    @property
    def interval(self):
        """The Wilson interval of the probability of success, (low, high)."""
        found = binomtest(self.successes, self.n).proportion_ci(self.confidence, method="wilson")
        return float(found.low), float(found.high)

    @property
    def reasons(self):
        """How many frames failed for which reason, a dict."""
        return dict(Counter(failure.reason for failure in self.failures))

    def __str__(self):
        low, high = (100 * bound for bound in self.interval)
        lines = [
            f"{self.successes} of {self.n} succeeded: {100 * self.fraction:.1f} % "
            f"({100 * self.confidence:g} % interval {low:.1f} to {high:.1f} %)"
        ]
        lines += [f"{count} {reason}" for reason, count in self.reasons.items()]
        return "\n".join(lines)


def equilibration_reliability(
    frames,
    calculator,
    *,
    fmax=EQUILIBRATED,
    limits=None,
    executor=None,
    confidence=0.95,
    check_minimum=False,
    **parameters,
):
    """Count the frames whose moments relax at fixed geometry.

    A success (Kotykhov 2024, section 2.4) is max |dE/dM_i| < 5e-3 meV/mu_B, here without a moment
    beyond ``limits``: a model that drives moments away from what it has learned fails.

    Parameters
    ----------
    frames : sequence of ase.Atoms with moments; not changed.
    calculator : ASE calculator with ``magforces``; every frame gets a copy.
    fmax : float, eV/mu_B.
    limits : Limits, optional.
    executor : concurrent.futures.Executor, optional; see :func:`ase_mag.core.jobs.run_jobs`.
    confidence : float, of the Wilson interval.
    check_minimum : bool; whether saddle points count as failures.
    parameters : of :func:`relax_moments`.

    Returns
    -------
    Reliability

    Raises
    ------
    TypeError, ValueError
        For bad input: no frames, no calculator, frames without moments, bad parameters. Failures
        of the calculator in a relaxation are counted instead.
    """
    limits = Limits() if limits is None else limits
    settings = {"fmax": fmax, "check_minimum": check_minimum, **parameters}
    return _count(_equilibrate, frames, calculator, limits, settings, executor, confidence)


def relaxation_reliability(
    frames,
    calculator,
    *,
    fmax=1e-3,
    limits=None,
    executor=None,
    confidence=0.95,
    check_minimum=False,
    **parameters,
):
    """Count the frames that relax completely: :func:`relax` converges within ``limits``.

    A success (Kotykhov 2024, section 2.5) has "almost zero forces, stresses and magnetic forces";
    the defaults are those of :func:`relax`. A structure that was driven away falsely (atoms too
    close, volume, size of a moment) fails.

    Parameters
    ----------
    frames, calculator, limits, executor, confidence, check_minimum : as for
        :func:`equilibration_reliability`.
    fmax : float, eV/angstrom.
    parameters : of :func:`relax`.

    Returns
    -------
    Reliability

    Raises
    ------
    TypeError, ValueError
        As :func:`equilibration_reliability`.
    """
    limits = Limits() if limits is None else limits
    settings = {"fmax": fmax, "check_minimum": check_minimum, **parameters}
    return _count(_relax, frames, calculator, limits, settings, executor, confidence)


def _count(function, frames, calculator, limits, settings, executor, confidence):
    frames = [frames] if isinstance(frames, Atoms) else list(frames)
    _check(frames, calculator, confidence)
    jobs = {
        index: (function, index, frame, calculator, limits, settings)
        for index, frame in enumerate(frames)
    }
    done = dict(run_jobs(_attempt, jobs, executor))
    outcomes = [done[index] for index in range(len(frames))]
    failures = [
        Failure(index, reason, message)
        for index, (reason, message, _, _) in enumerate(outcomes)
        if reason
    ]
    return Reliability(
        n=len(frames),
        successes=len(frames) - len(failures),
        confidence=confidence,
        failures=failures,
        frames=[atoms for _, _, atoms, _ in outcomes],
        results=[result for _, _, _, result in outcomes],
    )


def _check(frames, calculator, confidence):
    if not frames:
        raise ValueError("there are no frames to relax")
    if isinstance(calculator, Model):
        raise TypeError(
            f"a calculator is needed, got the model {calculator!r}: pass "
            "ase_mag.MagneticCalculator(model)"
        )
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence!r}")
    for index, frame in enumerate(frames):
        if not isinstance(frame, Atoms):
            raise TypeError(f"frame {index} is not an ase.Atoms object: {frame!r}")
        if "initial_magmoms" not in frame.arrays:
            raise ValueError(
                f"frame {index} has no moments: call ase_mag.set_moments(atoms, 2.2) before"
            )


def _attempt(function, index, frame, calculator, limits, settings):
    """Relax a copy of a frame; return (reason, message, atoms, result)."""
    atoms = frame.copy()
    atoms.calc = copy.deepcopy(calculator)
    try:
        reason, message, result = function(atoms, limits, settings)
    except CalculationFailed as error:
        reason, message, result = "calculator failed", str(error), None
    except ValueError as error:
        raise ValueError(f"frame {index}: {error}") from error
    atoms.calc = None
    return reason, message, atoms, result


def _equilibrate(atoms, limits, settings):
    result = relax_moments(atoms, max_moment=limits.max_moment, **settings)
    return _judged(result)


def _relax(atoms, limits, settings):
    return _judged(relax(atoms, limits=limits, **settings))


def _judged(result):
    if result.minimum is False:
        result = replace(result, reason="saddle point")
    return result.reason, result.message if result.reason else "", result
