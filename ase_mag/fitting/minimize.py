"""The course of one fit: start, steps, reasons to stop, checkpoints."""

from pathlib import Path
from time import monotonic

import numpy as np
from tqdm import tqdm

from ase_mag.fitting.gauss_newton import damped_inverse, eliminated, sketched
from ase_mag.fitting.linear import solve_linear
from ase_mag.fitting.quasi_newton import DENSE, QuasiNewton

#: Iterations over which the loss must go down.
WINDOW = 20
#: The curvature is taken anew after this many iterations, later after a quarter of all.
AGAIN = 10
METHODS = ("auto", "linear", "projection", "bfgs")


def method_for(name, parts):
    """Return the method that 'auto' stands for, or the named one if the model allows it."""
    if name not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {name!r}")
    if name == "auto":
        if not len(parts.nonlinear):
            return "linear"
        return "bfgs"
    if name in ("linear", "projection") and not len(parts.linear):
        raise ValueError(
            f"method={name!r} needs linear parameters, but {parts.potential!r} has none: use "
            "method='bfgs'"
        )
    if name == "projection" and not len(parts.nonlinear):
        return "linear"
    return name


class FitRun:
    """Brings the parameters of a loss to its minimum.

    Parameters
    ----------
    loss : Loss; test_loss : Loss or None.
    method : 'linear', 'projection' or 'bfgs'.
    ridge : float
    checkpoint : FitCheckpoint or None; interval : float, seconds.

    Attributes
    ----------
    history : list of [loss, test loss], one more than iterations.
    stopped : str. linear : LinearSolution or None. seconds : float, of earlier parts.
    """

    def __init__(self, loss, test_loss, method, ridge=0.0, checkpoint=None, interval=60.0):
        self.loss, self.test_loss, self.parts = loss, test_loss, loss.parts
        self.method, self.ridge = method, ridge
        self.checkpoint, self.interval = checkpoint, interval
        self.history, self.stopped, self.linear = [], "", None
        self.seconds, self._start = 0.0, monotonic()
        self.newton = None
        self._solutions, self._best, self._settled = {}, None, True
        self._refresh, self._zero = 0, loss.rounding()

    @property
    def iteration(self):
        return 0 if self.newton is None else self.newton.iteration

    @property
    def evaluations(self):
        return 0 if self.newton is None else self.newton.evaluations

    def run(self, *, max_iterations, tolerance, patience=None, restart=False, progress=True):
        """Make steps until there is a reason to stop."""
        if self.method == "linear":
            self.linear = solve_linear(self.loss, self.ridge)
            self.history.append(self._losses())
            self.stopped = "linear least squares, solved"
            return
        if not (restart and self.checkpoint.path.exists()):
            self._begin()
        else:
            self._continue()
        if patience is not None and self._best is None:
            self._best = self.parts.parameters
        written, accepted = monotonic(), self.parts.parameters
        bar = tqdm(
            total=max_iterations,
            initial=self.iteration,
            disable=None if progress else True,
            unit="step",
        )
        try:
            with bar:
                while not (reason := self._reason(max_iterations, tolerance, patience)):
                    self._settled = False
                    fresh = self.iteration == self._refresh
                    if fresh:
                        self._start_again()
                    moved = self.newton.step()
                    if not moved and not fresh:
                        self._start_again()
                        moved = self.newton.step()
                    self._restore()
                    if moved:
                        self.history.append(self._losses(self.newton.value))
                        if patience is not None and self._lowest() == len(self.history) - 1:
                            self._best = self.parts.parameters
                    self._settled, accepted = True, self.parts.parameters
                    if not moved:
                        reason = "the loss goes down no further in floating-point numbers"
                        break
                    bar.update()
                    bar.set_postfix(loss=f"{self.newton.value:.4g}", refresh=False)
                    if self.checkpoint is not None and monotonic() - written > self.interval:
                        self._write()
                        written = monotonic()
        except BaseException:  # not at a point that was only tried
            self.parts.parameters = accepted
            raise
        finally:
            if self.checkpoint is not None and self._settled:
                self._write()
        self.stopped = reason
        if self._best is not None:
            # The solution that is known belongs to other parameters than these.
            self.parts.parameters, self.linear = self._best, None
        elif len(self.parts.linear):
            self.linear = solve_linear(self.loss, self.ridge)

    def _start_again(self):
        """Solve for the linear parameters, and take the curvature of the loss at this point."""
        if self.method == "bfgs" and len(self.parts.linear) and self.iteration:
            solve_linear(self.loss, self.ridge, refine=False)
        parameters, matrix = self.parts.parameters, None
        if len(self.newton.x) < DENSE:
            matrix = sketched(self.loss, self.iteration)
            if self.method == "projection":
                matrix = eliminated(matrix, self.parts.nonlinear, self.parts.linear)
            matrix = damped_inverse(matrix)
        self.newton.start_from(self._variables(parameters), matrix)
        self._restore()
        self._refresh = self.iteration + max(AGAIN, self.iteration // 4)

    def _begin(self):
        if len(self.parts.linear):
            self.linear = solve_linear(self.loss, self.ridge)
        start = self.parts.parameters
        self.newton = QuasiNewton(self._value_and_gradient, self._variables(start))
        self._restore()
        self.history = [self._losses(self.newton.value)]

    def _continue(self):
        numbers, arrays = self.checkpoint.read()
        self.parts.parameters = arrays.pop("parameters")
        self.history = arrays.pop("history").tolist()
        self._best = arrays.pop("best", None)
        self.seconds, self._refresh = numbers.pop("seconds"), numbers.pop("refresh")
        self.newton = QuasiNewton.from_state(self._value_and_gradient, numbers, arrays)
        self._solutions = {self.newton.x.tobytes(): self.parts.parameters}

    def _write(self):
        numbers, arrays = self.newton.get_state()
        arrays |= {"parameters": self.parts.parameters, "history": np.array(self.history)}
        if self._best is not None:
            arrays["best"] = self._best
        seconds = self.seconds + monotonic() - self._start
        self.checkpoint.write(numbers | {"seconds": seconds, "refresh": self._refresh}, arrays)

    def _variables(self, parameters):
        return parameters[self.parts.nonlinear] if self.method == "projection" else parameters

    def _value_and_gradient(self, x):
        if self.method == "bfgs":
            self.parts.parameters = x
            return self.loss.value_and_gradient()
        parameters = self.parts.parameters
        parameters[self.parts.nonlinear] = x
        self.parts.parameters = parameters
        solve_linear(self.loss, self.ridge, refine=False)
        self._solutions[x.tobytes()] = self.parts.parameters
        value, gradient = self.loss.value_and_gradient()
        return value, gradient[self.parts.nonlinear]

    def _restore(self):
        """Put the present point of the minimizer into the model."""
        x = self.newton.x
        if self.method == "bfgs":
            self.parts.parameters = x
            return
        self.parts.parameters = self._solutions[x.tobytes()]
        self._solutions = {x.tobytes(): self.parts.parameters}

    def _losses(self, value=None):
        value = self.loss.value() if value is None else value
        return [value, float("nan") if self.test_loss is None else self.test_loss.value()]

    def _lowest(self):
        return int(np.argmin([row[1] for row in self.history]))

    def _reason(self, max_iterations, tolerance, patience):
        losses = [row[0] for row in self.history]
        if losses[-1] <= self._zero:
            return "the loss is zero to rounding"
        if len(losses) > WINDOW and losses[-1] > (1 - tolerance) * losses[-1 - WINDOW]:
            return f"{WINDOW} iterations lowered the loss by less than {tolerance:g} of it"
        if patience is not None and len(losses) - 1 - self._lowest() >= patience:
            return f"the test loss was lowest {patience} iterations before (patience)"
        if self.iteration >= max_iterations:
            return f"max_iterations ({max_iterations})"
        return ""


def check_course(max_iterations, tolerance, patience, checkpoint, restart, has_test):
    """Raise ValueError for arguments of a fit that have no meaning."""
    if int(max_iterations) != max_iterations or max_iterations < 0:
        raise ValueError(f"max_iterations must be a whole number, got {max_iterations!r}")
    if not 0 <= tolerance < 1:
        raise ValueError(f"tolerance must be a fraction from 0 to below 1, got {tolerance!r}")
    if patience is not None:
        if int(patience) != patience or patience < 1:
            raise ValueError(f"patience must be a positive integer or None, got {patience!r}")
        if not has_test:
            raise ValueError("patience looks at the test loss: give test=...")
    if restart and checkpoint is None:
        raise ValueError("restart needs the file of the checkpoint: checkpoint='fit.npz'")
    if checkpoint is not None and not Path(checkpoint).parent.is_dir():
        raise ValueError(f"the folder of the checkpoint {str(checkpoint)!r} does not exist")
