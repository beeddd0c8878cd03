"""Learning while running: the reference computes landscapes where the predictor is unsure."""

import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from sklearn.base import clone

from ase_mag.core import set_moments, storage
from ase_mag.dynamics.base import check_count, check_not_negative, check_positive
from ase_mag.lsf import LandscapeTable, SizeRelaxation, bounded, fit_landscapes, mean_moment
from ase_mag.lsf.ideal import IDEAL, ideal_lattice, set_ideal_lattice

_BACKGROUNDS = ("relaxed", "zero")
#: Step of the differences d<m>/da and d<m>/db, relative to |a| and b.
_STEP = 1e-4


@dataclass(frozen=True)
class Lesson:
    """What one visit of the reference brought.

    Attributes
    ----------
    step : int, step of the run.
    atoms : list of int, whose landscapes were computed.
    uncertainty : float, the largest expected error of a moment in this frame before, mu_B.
    error : float, mean absolute error of <m> of the computed atoms as predicted before, mu_B (NaN
        where no prediction was bounded).
    uncertainty_after : float, as ``uncertainty``, after learning.
    landscapes : int, all rows of the table after this visit.
    seconds : float
    """

    step: int
    atoms: list
    uncertainty: float
    error: float
    uncertainty_after: float
    landscapes: int
    seconds: float


class OnTheFlyLearning:
    """Improves the predictor of the landscapes while the dynamics runs.

    Every ``interval`` steps the expected error of the mean moments is computed,

        s_i^2 = (d<m>/da s_a,i)^2 + (d<m>/db s_b,i)^2,

    with s_a,i and s_b,i the standard errors of the prediction for atom i, those of the Gaussian
    process whose mean is the kernel ridge regression (:class:`ase_mag.regressors.Posterior`).
    Errors of a and b count as independent, which overestimates s: they are anticorrelated.

    The reference, which is the calculator of the dynamics, then computes the landscapes of the
    most uncertain atoms with s_i > ``threshold`` in this frame, as :func:`ase_mag.lsf.landscapes`
    does; they are added to the table, and a new predictor is fitted to all of it. A predicted
    landscape that is unbounded or out of range counts as infinitely uncertain: whenever there is
    one, it is computed instead of ending the run. Bad fits (b <= 0) are left out.

    Parameters
    ----------
    table : LandscapeTable, what the predictor was trained on; new rows are added to a copy.
    threshold : float, mu_B.
    budget : int, how many landscapes may be computed in all. When they are used up, the run warns
        and goes on with what it has learned.
    per_frame : int, how many landscapes at most in one frame.
    interval : int, steps between two looks at the uncertainty.
    sizes : int or array, window : two floats; the scan, see :func:`ase_mag.lsf.landscapes`.
    background : ``"relaxed"``, the other moments have minimal energy at their directions, or
        ``"zero"``, they are zero. It should be that of ``table``.
    log : path or None; a text file with one line per visit.

    Given to a second dynamics, it starts with all that it has learned, and with what is left of the
    budget.

    Raises
    ------
    ValueError
        For numbers that are not positive or an unknown background.

    Attributes
    ----------
    predictor : the LsfPredictor at present (None before the run).
    table : LandscapeTable, everything learned from.
    history : list of :class:`Lesson`.
    computed : int, landscapes computed so far, bad fits included.
    seconds : float, spent with uncertainties, the reference and fits.
    """

    def __init__(
        self,
        table,
        *,
        threshold=0.05,
        budget=500,
        per_frame=6,
        interval=10,
        sizes=7,
        window=(0.5, 2.9),
        background="relaxed",
        log=None,
    ):
        check_positive("threshold", threshold, "mu_B")
        check_not_negative("budget", budget, "landscapes")
        for name, value in (("per_frame", per_frame), ("interval", interval)):
            if check_count(name, value) < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if background not in _BACKGROUNDS:
            raise ValueError(f"background must be 'relaxed' or 'zero', got {background!r}")
        self.table = table
        self.threshold = threshold
        self.budget = check_count("budget", budget)
        self.per_frame = per_frame
        self.interval = interval
        self.sizes = np.linspace(*window, sizes) if np.ndim(sizes) == 0 else np.array(sizes)
        self.background = background
        self.log = None if log is None else Path(log)
        self.predictor = None
        self.history = []
        self.computed = 0
        self.seconds = 0.0

    def settings(self):
        """Return the parameters as a JSON-able dict."""
        names = ("threshold", "budget", "per_frame", "interval", "background")
        return {name: getattr(self, name) for name in names} | {"sizes": self.sizes.tolist()}

    def prepare(self, predictor, atoms, conditions, clock):
        """Return a callable (positions, cell, moments) -> (a, b) that learns; made by AsdAimd.

        Parameters
        ----------
        predictor : LsfPredictor, fitted; it is not changed.
        atoms : ase.Atoms with the reference as calculator, near their ideal sites.
        conditions : (temperature_K, measure)
        clock : callable () -> int, the step of the run.

        Raises
        ------
        ValueError
            As :meth:`LsfPredictor.prepare`.
        TypeError
            If the calculator cannot relax sizes but ``background`` asks for it, or the regressor
            of the predictor has no standard errors.
        """
        if self.background == "relaxed" and not hasattr(atoms.calc, "relax_sizes"):
            raise TypeError(
                f"{type(atoms.calc).__name__} has no relax_sizes(atoms), which landscapes with a "
                "relaxed background need: use background='zero', or a reference such as "
                "ase_mag.reference.ConstrainedModel(model)"
            )
        self._relax = None
        if getattr(predictor, "needs_relaxed", False):
            if self.background != "relaxed":
                raise ValueError(
                    f"background is {self.background!r}, but descriptor 4 learns from the sizes "
                    "relaxed at fixed directions: use background='relaxed', or another descriptor"
                )
            self._relax = SizeRelaxation(atoms)
        self.predictor = predictor
        self._atoms, self._conditions, self._clock = atoms, conditions, clock
        self._start = atoms.copy()
        # Descriptors that need no ideal lattice may have none.
        lattice = predictor.reference_ is not None or IDEAL in atoms.arrays
        self._ideal = ideal_lattice(atoms, predictor.reference_) if lattice else None
        self._step = self._prepared(predictor)
        if self.history:  # of an earlier run
            self._learn()
        self._seen, self._warned = -1, False
        return self._landscapes

    def get_state(self):
        """Return what has been learned, for checkpoints."""
        arrays = {}
        return {
            "table": storage.encode(self.table, arrays),
            "history": [asdict(lesson) for lesson in self.history],
            "computed": self.computed,
            "step": storage.encode(self._step.get_state(), arrays),
            **arrays,
        }

    def set_state(self, state):
        """Learn what another run has learned, and go on from there."""
        self.table = storage.decode(state["table"], state)
        self.history = [Lesson(**values) for values in state["history"]]
        self.computed = int(state["computed"])
        if self.history:
            self._learn()
        self._step.set_state(storage.decode(state["step"], state))
        self._write_log()

    def _landscapes(self, positions, cell, moments):
        step = self._clock()
        if step % self.interval == 0 and step != self._seen:
            self._look(positions, cell, moments)
        self._seen = step
        a, b = self._step(positions, cell, moments, check=False)
        if self._step.in_range(a, b).all():
            return a, b
        self._look(positions, cell, moments)
        return self._step(positions, cell, moments)

    def _look(self, positions, cell, moments):
        """Compute and learn landscapes of this frame where the predictor is too uncertain."""
        again = not self._warned
        while again:
            start = perf_counter()
            again = self._visit(positions, cell, moments, start)
            self.seconds += perf_counter() - start

    def _visit(self, positions, cell, moments, start):
        """Learn from a few atoms; return whether predictions without a minimum are left."""
        guess, uncertainty = self._expected(positions, cell, moments)
        wanted = np.flatnonzero(uncertainty > self.threshold)
        if len(wanted) == 0:
            return False
        left = self.budget - self.computed
        if left <= 0:
            self._warn(uncertainty, len(wanted))
            return False
        # Stable, so that a resumed run picks the same atoms.
        order = np.argsort(-uncertainty[wanted], kind="stable")
        atoms = np.sort(wanted[order][: min(self.per_frame, left)])
        rows = self._compute(positions, cell, moments, atoms)
        self.computed += len(atoms)
        good = rows[rows.bounded]
        if len(good):
            self.table = self.table + good
            self._learn()
        errors = np.abs(guess[good.atom] - mean_moment(good.a, good.b, *self._conditions))
        errors = errors[np.isfinite(errors)]
        after = self._expected(positions, cell, moments)[1]
        self.history.append(
            Lesson(
                step=self._clock(),
                atoms=atoms.tolist(),
                uncertainty=float(uncertainty.max()),
                error=float(errors.mean()) if len(errors) else float("nan"),
                uncertainty_after=float(after.max()),
                landscapes=len(self.table),
                seconds=perf_counter() - start,
            )
        )
        self._write_log()
        return bool(np.isinf(after).any() and len(good))

    def _expected(self, positions, cell, moments):
        """Return <m> (NaN where unbounded) and its standard error (then infinite), mu_B."""
        a, b, error_a, error_b = self._step(positions, cell, moments, uncertainty=True, check=False)
        good = bounded(a, b) & self._step.in_range(a, b)
        size, uncertainty = np.full(len(a), np.nan), np.full(len(a), np.inf)
        a, b = a[good], b[good]
        steps = _STEP * max(np.abs(a).max(initial=0.0), 1e-6), _STEP * b
        slope_a, slope_b = (
            (mean_moment(*plus, *self._conditions) - mean_moment(*minus, *self._conditions))
            / (2 * step)
            for plus, minus, step in (
                ((a + steps[0], b), (a - steps[0], b), steps[0]),
                ((a, b + steps[1]), (a, b - steps[1]), steps[1]),
            )
        )
        size[good] = mean_moment(a, b, *self._conditions)
        uncertainty[good] = np.hypot(slope_a * error_a[good], slope_b * error_b[good])
        return size, uncertainty

    def _compute(self, positions, cell, moments, which):
        """Return the landscapes of some atoms, a LandscapeTable of one frame."""
        frame = self._start.copy()
        frame.set_cell(cell)
        frame.positions[:] = positions
        if self._ideal is not None:
            set_ideal_lattice(frame, self._ideal)
        set_moments(frame, moments)
        directions = moments / np.linalg.norm(moments, axis=1)[:, None]
        scan = frame.copy()
        scan.calc = self._atoms.calc
        around = np.zeros_like(moments)
        if self.background == "relaxed":
            around = scan.calc.relax_sizes(scan)
        energies = np.empty((len(which), len(self.sizes)))
        for row, atom in enumerate(which):
            for column, size in enumerate(self.sizes):
                changed = around.copy()
                changed[atom] = size * directions[atom]
                set_moments(scan, changed)
                energies[row, column] = scan.get_potential_energy()
        a, b, constant, error = fit_landscapes(self.sizes, energies)
        background = np.linalg.norm(around[which], axis=1)
        relaxed = background if self.background == "relaxed" else np.full(len(which), np.nan)
        return LandscapeTable(
            [frame],
            frame=np.zeros(len(which), dtype=int),
            atom=which,
            a=a,
            b=b,
            constant=constant,
            error=error,
            relaxed=relaxed,
            background=background,
            sizes=np.tile(self.sizes, (len(which), 1)),
            energies=energies,
        )

    def _learn(self):
        predictor = clone(self.predictor)
        if predictor.reference is None:
            predictor.set_params(reference=self._ideal)
        self.predictor = predictor.fit(self.table)
        self._step = self._prepared(self.predictor)

    def _prepared(self, predictor):
        options = {} if self._relax is None else {"relax": self._relax}
        return predictor.prepare(self._start, **options)

    def _warn(self, uncertainty, count):
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"all {self.budget} landscapes of the budget are used up at step {self._clock()}, "
                f"but {count} moments are uncertain by more than {self.threshold:g} mu_B (up to "
                f"{uncertainty.max():.3g}): the run goes on with the predictor as it is; give a "
                "larger budget or threshold",
                UserWarning,
                stacklevel=2,
            )

    def _write_log(self):
        """Write the whole history, so that it is right after a restart too."""
        if self.log is None:
            return
        lines = [
            f"{'step':>9} {'computed':>9} {'rows':>7} {'uncertain[mu_B]':>16} {'error[mu_B]':>12} "
            f"{'after[mu_B]':>12} {'seconds':>8}  atoms\n"
        ]
        for lesson in self.history:
            lines.append(
                f"{lesson.step:9d} {len(lesson.atoms):9d} {lesson.landscapes:7d} "
                f"{lesson.uncertainty:16.4f} {lesson.error:12.4f} {lesson.uncertainty_after:12.4f} "
                f"{lesson.seconds:8.2f}  {' '.join(map(str, lesson.atoms))}\n"
            )
        self.log.write_text("".join(lines))
