"""Multilayer perceptrons: energies of sites from their features."""

from itertools import pairwise

import numpy as np
from scipy.optimize import minimize

from ase_mag.core.storage import storable
from ase_mag.regressors.activations import ACTIVATIONS
from ase_mag.regressors.site_function import SiteFunction

#: Multiplications of one matrix product, at most: OpenBLAS runs it in one thread, always the same.
_PRODUCT = 1 << 17
#: A feature whose spread is below this part of its size is constant.
_CONSTANT = 1e-10


@storable
class Perceptron(SiteFunction):
    """e(x) = V0 [w.x^n + b], x^k = f(W^k x^(k-1) + b^k), x^0 = (x - shift)/spread.

    f(z) = z/(1 + |z|) + a z by default; eqs 15-20 of J. B. J. Chapman and P.-W. Ma (2022). Its
    second derivative jumps at z = 0 (from 2 to -2): forces are continuous, their derivatives are
    not, and a loss with forces has kinks wherever a neuron of some atom is at z = 0, where
    quasi-Newton steps end. 'algebraic', z/sqrt(1 + z^2), is its smooth twin. Shift and spread of
    the features are learned once, by :meth:`prepare` or the first :meth:`fit`, and are no
    parameters. The output weights start from zero: the function is zero until it is trained.

    Rows go through in pieces of a fixed size, each in one thread, so that bits do not depend on the
    number of threads and memory not on the number of rows.

    Parameters
    ----------
    n_features : int
    hidden : tuple of int, neurons of every hidden layer.
    activation : str, 'twisted' (z/(1 + |z|)), 'algebraic' (z/sqrt(1 + z^2)), 'tanh', 'softplus',
        'silu' or 'gaussian', to which ``twist`` z is added.
    twist : float, a.
    seed : int, of the first weights.
    ridge : float, of :meth:`fit` only: the squares of the weights (not biases and V0) times this
        are added to the mean squared difference, in the units of normalized targets.
    max_iterations : int, of :meth:`fit`.
    parameters : (n_parameters,) float array, optional: for every layer the rows of W, then b;
        w, b, and V0 (eV) at the end.
    shift, spread : (n_features,) float arrays, optional (not prepared: 0 and 1).

    Attributes
    ----------
    n_iterations_ : int, of the last :meth:`fit`.

    Raises
    ------
    ValueError
        For sizes that are no positive integers, an unknown activation, and arrays of the wrong
        shape or with numbers that are not finite.
    """

    def __init__(
        self,
        n_features,
        hidden=(16, 16),
        activation="twisted",
        twist=0.1,
        seed=0,
        *,
        ridge=1e-6,
        max_iterations=500,
        parameters=None,
        shift=None,
        spread=None,
    ):
        sizes = (n_features, *hidden)
        if not hidden or any(int(size) != size or size < 1 for size in sizes):
            raise ValueError(
                "n_features and the hidden layers must be positive integers, at least one layer, "
                f"got {n_features!r} and {hidden!r}"
            )
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"activation must be one of {', '.join(ACTIVATIONS)}, got {activation!r}"
            )
        if not np.isfinite(twist):
            raise ValueError(f"twist must be a finite number, got {twist!r}")
        self.n_features, self.hidden = int(n_features), tuple(int(size) for size in hidden)
        self.activation, self.twist, self.seed = activation, float(twist), seed
        self.ridge, self.max_iterations = float(ridge), int(max_iterations)
        if (shift is None) != (spread is None):
            raise ValueError("shift and spread belong together: give both or none")
        self.shift = None if shift is None else self._checked("shift", shift, self.n_features)
        self.spread = None if spread is None else self._checked("spread", spread, self.n_features)
        if self.spread is not None and (self.spread <= 0).any():
            raise ValueError(f"the spread of features must be positive, got {self.spread.min():g}")
        sizes = (self.n_features, *self.hidden, 1)
        self._shapes = [(m, n) for n, m in pairwise(sizes)]
        self.n_parameters = sum(m * n + m for m, n in self._shapes) + 1
        self._rows_at_once = max(1, _PRODUCT // max(m * n for m, n in self._shapes))
        self.parameters = self.initial_parameters(seed) if parameters is None else parameters

    @staticmethod
    def _checked(name, values, count):
        values = np.array(values, dtype=float)
        if values.shape != (count,) or not np.isfinite(values).all():
            raise ValueError(
                f"{name} must be {count} finite numbers, got an array of shape {values.shape}"
            )
        return values

    @property
    def parameters(self):
        return self._values.copy()

    @parameters.setter
    def parameters(self, values):
        self._values = self._checked("parameters", values, self.n_parameters)
        self._layers, start = [], 0
        for m, n in self._shapes:
            weights = self._values[start : start + m * n].reshape(m, n)
            self._layers.append((weights, self._values[start + m * n : start + m * n + m]))
            start += m * n + m
        self._first = self._layers[0][0]
        if self.prepared:
            self._first = self._first / self.spread

    @property
    def linear(self):
        """The output weights and their bias (V0 is not among them: it multiplies them)."""
        n = self.hidden[-1] + 1
        return np.arange(self.n_parameters - 1 - n, self.n_parameters - 1, dtype=np.intp)

    @property
    def prepared(self):
        return self.shift is not None

    def prepare(self, X, rng=0):
        """Learn shift and spread, the mean and standard deviation of every feature.

        A feature that is constant in X gets its own size as spread (1 if it is zero).
        """
        X = self._rows(X)
        if not len(X):
            raise ValueError("no features to learn the scales from: give at least one row")
        shift, spread = X.mean(axis=0), X.std(axis=0)
        size = np.abs(X).max(axis=0)
        constant = spread <= _CONSTANT * size
        self.shift = shift
        self.spread = np.where(constant, np.where(size > 0, size, 1.0), spread)
        self.parameters = self._values

    def initial_parameters(self, rng=0):
        """Return normal random weights of width 1/sqrt(inputs), small biases, zero output."""
        rng, parts = np.random.default_rng(rng), []
        for m, n in self._shapes[:-1]:
            parts += [rng.normal(size=m * n) / np.sqrt(n), 0.5 * rng.normal(size=m)]
        return np.concatenate([*parts, np.zeros(self.hidden[-1] + 1), [1.0]])

    def _pieces(self, X):
        for start in range(0, len(X), self._rows_at_once):
            yield slice(start, start + self._rows_at_once)

    def _activated(self, z, bend=True):
        value, slope, bend = ACTIVATIONS[self.activation](z, bend)
        value += self.twist * z
        slope += self.twist
        return value, slope, bend

    def _centered(self, X):
        return X - self.shift if self.prepared else X

    def _forward(self, X):
        """Return the last hidden layer, and the slopes of all."""
        x, slopes = self._centered(X), []
        for k, (weights, bias) in enumerate(self._layers[:-1]):
            z = x @ (weights if k else self._first).T
            z += bias
            x, slope, _ = self._activated(z, bend=False)
            slopes.append(slope)
        return x, slopes

    def _backward(self, change, slopes):
        """Return de/dx of de/dx^n, (rows, n_features)."""
        for k in range(len(slopes) - 1, -1, -1):
            change = (change * slopes[k]) @ (self._layers[k][0] if k else self._first)
        return change

    def evaluate(self, X, *, slopes=True):
        energies = np.empty(len(X))
        gradient = np.empty_like(X) if slopes else None
        (weights, bias), scale = self._layers[-1], self._values[-1]
        for piece in self._pieces(X):
            x, all_slopes = self._forward(X[piece])
            energies[piece] = scale * (_dot(x, weights[0]) + bias[0])
            if slopes:
                gradient[piece] = self._backward(scale * weights, all_slopes)
        return energies, gradient

    def parameter_gradient(self, X, weights, tangents):
        total = np.zeros(self.n_parameters)
        for piece in self._pieces(X):
            total += self._piece_gradient(X[piece], weights[piece], tangents[piece])
        return total

    def _piece_gradient(self, X, w, t):
        """Reverse mode through the forward-mode tangent of a piece: both x and dx have adjoints."""
        spread = self.spread if self.prepared else 1.0
        x, dx, records = self._centered(X) / spread, t / spread, []
        for weights, bias in self._layers[:-1]:
            z, dz = x @ weights.T + bias, dx @ weights.T
            value, slope, bend = self._activated(z)
            records.append((x, dx, slope, bend * dz))
            x, dx = value, slope * dz
        (weights, bias), scale = self._layers[-1], self._values[-1]
        energies, changes = _dot(x, weights[0]) + bias[0], _dot(dx, weights[0])
        blocks = [
            [_dot(w[None], energies)[0] + changes.sum()],
            [scale * w.sum()],
            scale * (_dot(x.T, w) + dx.sum(axis=0)),
        ]
        both = np.repeat(scale * weights, len(X), axis=0)
        adjoint, tangent = both * w[:, None], both
        for (x, dx, slope, bend), (weights, _) in zip(
            reversed(records), reversed(self._layers[:-1]), strict=True
        ):
            adjoint, tangent = adjoint * slope + tangent * bend, tangent * slope
            blocks += [adjoint.sum(axis=0), (adjoint.T @ x + tangent.T @ dx).ravel()]
            adjoint, tangent = adjoint @ weights, tangent @ weights
        return np.concatenate(blocks[::-1])

    def design(self, X):
        n, scale = self.hidden[-1], self._values[-1]
        values, gradients = np.empty((n, len(X))), np.empty((n, *X.shape))
        for piece in self._pieces(X):
            x, slopes = self._forward(X[piece])
            values[:, piece] = scale * x.T
            for k, unit in enumerate(np.eye(n)):
                gradients[k, piece] = self._backward(scale * unit[None], slopes)
        yield from zip(values, gradients, strict=True)
        yield np.full(len(X), scale), np.zeros_like(X)

    def fit(self, X, y):
        """Learn from X (n, n_features) and y (n,), always from the first weights (L-BFGS)."""
        X, y = self._rows(X), np.asarray(y, dtype=float)
        if y.shape != (len(X),) or not np.isfinite(y).all():
            raise ValueError(f"y must be {len(X)} finite numbers, got shape {y.shape}")
        self.prepare(X)
        scale = float(y.std()) or 1.0
        start = self.initial_parameters(self.seed)
        self.parameters = np.append(start[:-1], scale)
        x = np.vstack([self._forward(X[piece])[0] for piece in self._pieces(X)])
        columns = np.column_stack([x, np.ones(len(x))])
        penalty = np.sqrt(self.ridge * len(X)) * np.eye(len(columns.T))[:-1]
        first = np.linalg.lstsq(
            np.vstack([columns, penalty]), np.append(y / scale, np.zeros(len(penalty))), rcond=None
        )[0]
        start = np.concatenate([start[: -len(first) - 1], first])
        weighted = np.concatenate(
            [np.repeat([1.0, 0.0], [m * n, m]) for m, n in self._shapes]
        ).astype(bool)
        none = np.zeros_like(X)

        def loss(free):
            self.parameters = np.append(free, scale)
            difference = (self.evaluate(X, slopes=False)[0] - y) / scale
            slope = self.parameter_gradient(X, 2.0 * difference / (scale * len(X)), none)[:-1]
            slope[weighted] += 2.0 * self.ridge * free[weighted]
            return np.mean(difference**2) + self.ridge * np.sum(free[weighted] ** 2), slope

        n = self.max_iterations
        options = {"maxiter": n, "maxfun": 20 * n, "maxcor": 30, "ftol": 1e-13, "gtol": 1e-9}
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
        self.parameters = np.append(found.x, scale)
        self.n_iterations_ = int(found.nit)
        return self

    def to_dict(self):
        return {
            "n_features": self.n_features,
            "hidden": list(self.hidden),
            "activation": self.activation,
            "twist": self.twist,
            "seed": self.seed,
            "ridge": self.ridge,
            "max_iterations": self.max_iterations,
            "parameters": self.parameters,
            "shift": self.shift,
            "spread": self.spread,
        }


def _dot(matrix, vector):
    # einsum: the order of the sum does not depend on threads.
    return np.einsum("ik,k->i", matrix, vector)
