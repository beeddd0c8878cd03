"""Active learning: dynamics, the reference where the potential extrapolates, a new fit, and on."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import numpy as np

from ase_mag.calculators import MagneticCalculator
from ase_mag.fitting.active_folder import Found, LoopFolder, Visit
from ase_mag.fitting.extrapolation import ActiveSet
from ase_mag.fitting.fit import fit as fit_potential
from ase_mag.fitting.frame import structure_digest
from ase_mag.fitting.metrics import compare
from ase_mag.fitting.readers import read
from ase_mag.reference import campaign


@dataclass(frozen=True)
class ActiveResult:
    """What active learning has come to.

    Attributes
    ----------
    finished : bool; True: the last round made all its steps without an uncertain frame.
    steps : int, steps of dynamics that count, of all rounds.
    visits : list of Visit
    data : Dataset, the training data with all frames that were labelled.
    path : Path, the folder.
    """

    finished: bool
    steps: int
    visits: list
    data: object
    path: Path

    def __str__(self):
        lines = ["round   steps  uncertainty  candidates  labelled  frames"]
        lines += [
            f"{v.round:5d} {v.steps:7d} {v.uncertainty:12.3g} {v.candidates:11d} "
            f"{v.labelled:9d} {v.frames:7d}"
            for v in self.visits
        ]
        what = "finished" if self.finished else "not finished"
        return "\n".join([*lines, f"{what} after {self.steps} steps; {len(self.data)} frames"])


def active_loop(
    dynamics,
    reference,
    potential,
    data,
    start,
    steps,
    path,
    *,
    uncertainty=ActiveSet,
    select=2.0,
    stop=10.0,
    interval=10,
    per_round=10,
    rounds=50,
    fit=None,
    executor=None,
    retry_failed=False,
    progress=True,
):
    """Run dynamics with a potential, and teach it wherever it extrapolates.

    Each round runs the dynamics from the last frame that could be trusted. Every ``interval`` steps
    the uncertainty of all atoms is computed. Frames with an atom above ``select`` are candidates;
    above ``stop`` the run ends. The candidates that bring most (at most ``per_round``) are labelled
    by the reference, the potential is fitted to all frames, and the next round begins, until all
    steps have been made.

    Everything is kept in the folder ``path``: labels (a campaign: no frame is ever computed twice),
    fitted potentials, starting frames, the list of rounds. A loop that was stopped in any way goes
    on when it is called again; rounds that depend on ``dynamics`` and its seeds only come out the
    same.

    Parameters
    ----------
    dynamics : callable, ``dynamics(atoms, round)`` returns an ASE dynamics of ``atoms``, which have
        positions, momenta, moments and a :class:`MagneticCalculator` of the potential. Give it a
        seed that depends on ``round``.
    reference : ASE calculator, see :func:`ase_mag.reference.campaign`.
    potential : Trainable or a sum with trainable terms, fitted in place; first to ``data``, from
        its parameters of now.
    data : Dataset, what is known at the beginning.
    start : ase.Atoms with moments, where the dynamics starts.
    steps : int, steps of dynamics in all.
    path : path of the folder.
    uncertainty : callable, ``uncertainty(potential, data)`` is called before each run and returns
        an object with ``uncertainty(atoms)`` -> (N,), and perhaps ``select(candidates)`` -> list of
        int: :class:`ActiveSet`, :class:`Disagreement`, or ``functools.partial`` of them.
    select, stop : float, thresholds of the uncertainty, in its unit; 2 and 10 are usual for the
        extrapolation grades of :class:`ActiveSet`.
    interval : int, steps. per_round : int. rounds : int, bound for the number of rounds.
    fit : callable, ``fit(potential, data)`` fits in place; default :func:`fit` with its defaults.
    executor : see :func:`ase_mag.reference.campaign`.
    retry_failed : bool; frames of the round that was not completed, on which the reference has
        failed in an earlier call, are tried again.
    progress : bool

    Returns
    -------
    ActiveResult

    Raises
    ------
    ValueError
        For thresholds or counts out of range, and a folder of another loop.
    RuntimeError
        If the reference could label none of the frames of a round, or the dynamics failed before
        any frame was uncertain.

    Warns
    -----
    UserWarning
        If the rounds were used up before all steps were made, and if the dynamics failed (the
        potential refused a step, or did not let it converge) after frames that were uncertain,
        which are then labelled.
    """
    _check(steps, select, stop, interval, per_round, rounds)
    fit = _DefaultFit(progress) if fit is None else fit
    folder = LoopFolder(path, start, data)
    visits = folder.visits()
    data = _joined(data, [frame for visit in visits for frame in folder.labelled(visit.round)])
    if not folder.restore(potential, len(visits)):
        fit(potential, data)
        folder.keep(potential, len(visits))
    done = sum(visit.steps for visit in visits)
    while done < steps and len(visits) < rounds:
        begin, number = monotonic(), len(visits)
        found = folder.found(number)
        if found is None:
            measure = uncertainty(potential, data)
            atoms = folder.start(number)
            atoms.calc = MagneticCalculator(potential)
            run = dynamics(atoms, number)
            found = _explore(run, measure, steps - done, select, stop, interval, per_round)
            folder.keep_found(number, found)
        new, failed, errors = [], 0, {}
        found.chosen = [frame for frame in found.chosen if _unknown(frame, data)]
        if found.chosen:
            labels = folder.labels(number)
            options = {"retry_failed": retry_failed, "progress": progress}
            result = campaign(found.chosen, reference, labels, executor, **options)
            failed = len(result.failures)
            if not result.frames:
                raise RuntimeError(
                    f"the reference labelled none of the {failed} frames of round {number}, the "
                    f"first because of {result.failures[0].reason}: call active_loop again with "
                    f"retry_failed=True; or remove found_{number:03d}.* and labels_{number:03d}.* "
                    f"from {folder.path}, and let the dynamics run with another seed"
                )
            new = [frame for frame in folder.labelled(number) if _unknown(frame, data)]
            errors = {k: e.rmse for k, e in compare(potential, _joined(data[:0], new)).items()}
            data = _joined(data, new)
            fit(potential, data)
        folder.keep(potential, number + 1)
        visit = Visit(
            round=number,
            steps=found.steps,
            uncertainty=found.uncertainty,
            stopped=found.stopped,
            candidates=found.candidates,
            labelled=len(new),
            failed=failed,
            frames=len(data),
            error_before=errors,
            seconds=monotonic() - begin,
        )
        visits.append(visit)
        done += visit.steps
        folder.add(visits, found.last)
    if done < steps:
        warnings.warn(
            f"{rounds} rounds were used up after {done} of {steps} steps: call active_loop again "
            "with more rounds to go on",
            UserWarning,
            stacklevel=2,
        )
    return ActiveResult(done >= steps, done, visits, data, folder.path)


def _explore(run, measure, steps, select, stop, interval, per_round):
    """Run the dynamics until it extrapolates, and choose the frames to be labelled."""
    candidates, sizes, largest, stopped = [], [], 0.0, False
    last, trusted = _plain(run.atoms), 0
    begin = run.nsteps
    for _ in _guarded(run.irun(steps), candidates):
        now = run.nsteps - begin
        if now % interval and now < steps:
            continue
        size = float(np.max(measure.uncertainty(run.atoms)))
        if not np.isfinite(size):
            raise ValueError(f"the uncertainty after {now} steps is not finite: {size}")
        largest = max(largest, size)
        if size > select:
            candidates.append(_plain(run.atoms))
            sizes.append(size)
        if size > stop:
            stopped = True
            break
        last, trusted = _plain(run.atoms), now
    stopped = stopped or run.nsteps - begin < steps
    chosen = candidates
    if hasattr(measure, "select"):
        chosen = [candidates[k] for k in measure.select(candidates)] or candidates[-1:]
    if len(chosen) > per_round:
        order = {id(frame): size for frame, size in zip(candidates, sizes, strict=True)}
        chosen = sorted(chosen, key=lambda frame: -order[id(frame)])[:per_round]
    return Found(trusted, largest, stopped, len(candidates), chosen, last)


def _guarded(steps, candidates):
    """Yield steps until one fails; that ends a run which has candidates."""
    try:
        yield from steps
    except (ValueError, ArithmeticError, RuntimeError) as error:
        if not candidates:
            raise RuntimeError(
                f"the run failed before any frame was found uncertain ({error}): look more often "
                "(interval) or lower the threshold select"
            ) from error
        warnings.warn(
            f"the run ended early, after {len(candidates)} uncertain frames: {error}",
            UserWarning,
            stacklevel=2,
        )


def _plain(atoms):
    frame = atoms.copy()
    frame.calc = None
    return frame


def _unknown(frame, data):
    """Return whether the data have no labels of this structure with these moments yet."""
    return structure_digest(frame) not in {known.digest for known in data}


def _joined(data, frames):
    """Return the data with labelled frames, relative to the atomic references of the data."""
    if not frames:
        return data
    new = read(frames, duplicates="drop")
    if data.references:
        new = new.relative_to(data.references)
    return (data + new).without_duplicates("drop")


class _DefaultFit:
    def __init__(self, progress):
        self.progress = progress

    def __call__(self, potential, data):
        return fit_potential(potential, data, progress=self.progress)


def _check(steps, select, stop, interval, per_round, rounds):
    counts = {"steps": steps, "interval": interval, "per_round": per_round, "rounds": rounds}
    for name, value in counts.items():
        if int(value) != value or value < 1:
            raise ValueError(f"{name} must be a positive integer, got {value}")
    if not 0 < select <= stop:
        raise ValueError(
            f"the thresholds must obey 0 < select <= stop, got select={select} and stop={stop}"
        )
