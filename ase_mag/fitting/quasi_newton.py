"""BFGS whose whole state can be written down, so that a stopped minimization goes on exactly.

``scipy.optimize.minimize`` cannot be stopped and continued, and its BFGS multiplies matrices in
each iteration (n^3 operations); the update here takes n^2. The line search is scipy's.
"""

import warnings

import numpy as np
from scipy.optimize import line_search

#: From this many parameters on the inverse Hessian is kept as pairs, not as a matrix.
DENSE = 4000
#: Pairs that are kept then.
MEMORY = 100


class DenseInverse:
    """The inverse Hessian as a matrix.

    H' = (1 - rho s y^T) H (1 - rho y s^T) + rho s s^T with rho = 1/(s.y), scaled by s.y/y.y before
    the first update (Nocedal and Wright, Numerical Optimization, 2nd ed., eqs. 6.17 and 6.20).
    """

    def __init__(self, matrix=None):
        self.matrix = matrix

    def times(self, vector):
        return vector.copy() if self.matrix is None else self.matrix @ vector

    def update(self, s, y):
        if self.matrix is None:
            self.matrix = np.eye(len(s)) * ((s @ y) / (y @ y))
        rho = 1.0 / (s @ y)
        hy = self.matrix @ y
        both = np.outer(s, hy)
        both += both.T
        self.matrix -= rho * both
        self.matrix += np.outer((rho * (1.0 + rho * (y @ hy))) * s, s)

    def get_state(self):
        return {} if self.matrix is None else {"matrix": self.matrix}

    @classmethod
    def from_state(cls, state):
        return cls(state.get("matrix"))


class LimitedInverse:
    """The inverse Hessian of the last ``MEMORY`` pairs (two-loop recursion, ibid., alg. 7.4)."""

    def __init__(self, steps=(), slopes=()):
        self.steps, self.slopes = list(steps), list(slopes)

    def times(self, vector):
        q, factors = vector.copy(), []
        pairs = list(zip(self.steps, self.slopes, strict=True))
        for s, y in reversed(pairs):
            factors.append((s @ q) / (s @ y))
            q -= factors[-1] * y
        if pairs:
            s, y = pairs[-1]
            q *= (s @ y) / (y @ y)
        for (s, y), factor in zip(pairs, reversed(factors), strict=True):
            q += (factor - (y @ q) / (s @ y)) * s
        return q

    def update(self, s, y):
        self.steps, self.slopes = [*self.steps, s][-MEMORY:], [*self.slopes, y][-MEMORY:]

    def get_state(self):
        return {"steps": np.array(self.steps), "slopes": np.array(self.slopes)}

    @classmethod
    def from_state(cls, state):
        return cls(state["steps"], state["slopes"])


class QuasiNewton:
    """Minimizes a function step by step.

    Parameters
    ----------
    function : callable, x -> (value, gradient); a value that is not finite, or an exception of
        floating-point arithmetic, ends a step earlier.
    x : (n,) float array, start.

    Attributes
    ----------
    x, value, gradient : the present point. iteration : int. evaluations : int.
    """

    def __init__(self, function, x):
        self.function = function
        self.iteration = self.evaluations = 0
        self.x, self.previous = np.array(x, dtype=float), None
        self._kind = DenseInverse if len(self.x) < DENSE else LimitedInverse
        self.inverse = self._kind()
        self._memo = {}
        self.value, self.gradient = self._evaluate(self.x)
        if not (np.isfinite(self.value) and np.isfinite(self.gradient).all()):
            raise ValueError(
                f"the loss of the first parameters is {self.value}, and its gradient is finite: "
                f"{bool(np.isfinite(self.gradient).all())}; start from other parameters"
            )

    def start_from(self, x, matrix=None):
        """Go to another point, with an inverse Hessian (n, n), or with none.

        The first step is then the whole Newton step, if that goes down.
        """
        self.x = np.array(x, dtype=float)
        self._memo = {}
        self.value, self.gradient = self._evaluate(self.x)
        self.inverse, self.previous = self._kind(), None
        if matrix is not None:
            self.inverse = DenseInverse(matrix)
            self.previous = self.value + 0.5 * (self.gradient @ matrix @ self.gradient)

    def step(self):
        """Make one step and return whether the value has gone down."""
        if not self.gradient.any():
            return False
        found = self._search(-self.inverse.times(self.gradient))
        if found is None:  # once more, downhill
            self.inverse, self.previous = self._kind(), None
            found = self._search(-self.gradient)
            if found is None:
                return False
        x, value, gradient = found
        s, y = x - self.x, gradient - self.gradient
        if s @ y > 1e-12 * np.sqrt((s @ s) * (y @ y)):
            self.inverse.update(s, y)
        self.previous = self.value
        self.x, self.value, self.gradient = x, value, gradient
        self.iteration += 1
        self._memo = {x.tobytes(): (value, gradient)}
        return True

    def _search(self, direction):
        """Return (x, value, gradient) of a point of strong Wolfe conditions, or None."""
        slope = self.gradient @ direction
        if not slope < 0:
            return None
        previous = self.previous
        if previous is None:  # a first step of about the size of one percent of the parameters
            size = 0.01 * max(np.linalg.norm(self.x), 1.0)
            previous = self.value - 0.5 * slope * size / np.linalg.norm(direction)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The line search algorithm")
            warnings.filterwarnings("ignore", message="Rounding errors prevent")
            length = line_search(
                lambda x: self._evaluate(x)[0],
                lambda x: self._evaluate(x)[1],
                self.x,
                direction,
                self.gradient,
                self.value,
                previous,
                maxiter=20,
            )[0]
        if length is None:
            return self._best()
        x = self.x + length * direction
        value, gradient = self._evaluate(x)
        return (x, value, gradient) if value < self.value else None

    def _best(self):
        """Return the lowest point that the failed search has seen, if it is lower."""
        finite = [(value, key) for key, (value, g) in self._memo.items() if np.isfinite(g).all()]
        value, key = min(finite, default=(np.inf, b""))
        if not value < self.value:
            return None
        return np.frombuffer(key).copy(), value, self._memo[key][1]

    def _evaluate(self, x):
        key = x.tobytes()
        if key not in self._memo:
            self.evaluations += 1
            try:
                value, gradient = self.function(x)
            except FloatingPointError:
                value, gradient = np.inf, np.full(len(x), np.inf)
            if not np.isfinite(value):
                value = np.inf
            self._memo[key] = (float(value), np.array(gradient, dtype=float))
        return self._memo[key]

    def get_state(self):
        """Return (numbers, arrays), two dicts, from which :meth:`from_state` goes on exactly."""
        numbers = {
            "iteration": self.iteration,
            "evaluations": self.evaluations,
            "value": self.value,
            "previous": self.previous,
        }
        arrays = {"x": self.x, "gradient": self.gradient}
        return numbers, arrays | {f"H/{k}": v for k, v in self.inverse.get_state().items()}

    @classmethod
    def from_state(cls, function, numbers, arrays):
        """Return a minimizer that continues from a state of :meth:`get_state`."""
        new = cls.__new__(cls)
        new.function = function
        for name, value in numbers.items():
            setattr(new, name, value)
        new.x, new.gradient = arrays["x"], arrays["gradient"]
        new._kind = DenseInverse if len(new.x) < DENSE else LimitedInverse
        inverse = {k[2:]: v for k, v in arrays.items() if k.startswith("H/")}
        new.inverse = new._kind.from_state(inverse)
        new._memo = {new.x.tobytes(): (new.value, new.gradient)}
        return new
