"""Gaussian processes on few reference points: the regressor of GAP."""

import numpy as np
from scipy.linalg import solve_triangular

from ase_mag.core.storage import storable
from ase_mag.regressors.basis_function import BasisFunction
from ase_mag.regressors.smooth_kernels import GaussianKernel, PolynomialKernel

KERNELS = ("polynomial", "gaussian")
#: Rows whose kernel is evaluated at a time, so that results depend on no number of rows or threads.
CHUNK = 32
#: No point is added whose variance, given the others, is below this fraction of the largest one.
_RESOLVED = 1e-8


@storable
class SparseGaussianProcess(BasisFunction):
    """e(x) = c_0 + sum_s alpha_s k(x, x_s), a Gaussian process on sparse points x_s.

    The regressor of Gaussian approximation potentials (Bartok et al., Phys. Rev. Lett. 104, 136403
    (2010)). Kernels of sites:

    * 'polynomial': k = (x.x'/c^2)^power, c^2 = mean |x|^2; power 1 is the similarity of eq 27 of
      Gao et al. (2024), with which e is a linear function,
    * 'gaussian': k = exp(-|x - x'|^2 / (2 width^2 c^2)), c^2 = sum of the variances of all
      features.

    The parameters are c_0 and beta with K_ss = L L^T and alpha = L^-T beta, so that the prior
    alpha^T K_ss alpha of the process is |beta|^2, and everything that fits linear parameters fits
    it: site energies need not be known, their sums and all derivatives will do.

    :meth:`prepare` chooses the points from the training rows, one after the other, each time the
    row whose energy is the least certain given those at the points before (the pivot of a Cholesky
    decomposition; no random numbers). It ends early where the remaining variance is 1e-8 of the
    largest one: polynomial kernels of few features need few points.

    Parameters
    ----------
    n_features : int
    n_sparse : int, the most points.
    kernel : 'polynomial' or 'gaussian'; power : int; width : float.
    intercept : bool, whether there is a constant c_0 (the first parameter), else 0.
    regularization : float, lambda relative to the variance of the training rows, see
        :class:`BasisFunction`.
    parameters, points, scale, precision : what has been learned, of saved functions: c_0 and beta,
        x_s (m, n_features), c, and lambda.

    Attributes
    ----------
    points : (m, n_features) float array, x_s; None before :meth:`prepare`. scale : float, c.

    Raises
    ------
    ValueError
        For an unknown kernel, and numbers out of range.
    """

    def __init__(
        self,
        n_features,
        n_sparse=100,
        kernel="polynomial",
        power=2,
        width=1.0,
        intercept=True,
        regularization=1e-6,
        parameters=None,
        points=None,
        scale=None,
        precision=None,
    ):
        super().__init__(n_features, intercept, regularization, precision)
        if kernel not in KERNELS:
            raise ValueError(f"kernel must be {' or '.join(map(repr, KERNELS))}, got {kernel!r}")
        for name, value in (("n_sparse", n_sparse), ("power", power)):
            if int(value) != value or value < 1:
                raise ValueError(f"{name} must be a positive integer, got {value!r}")
        if not (np.isfinite(width) and width > 0):
            raise ValueError(f"width must be positive, got {width!r}")
        self.n_sparse, self.kernel = int(n_sparse), kernel
        self.power, self.width = int(power), float(width)
        self.points, self.scale = None, None
        if points is not None:
            self._place(self._rows(points), float(scale))
        else:
            self._values = np.zeros(self.n_basis + self.intercept)
        if parameters is not None:
            self.parameters = parameters

    @property
    def n_basis(self):
        return self.n_sparse if self.points is None else len(self.points)

    @property
    def prepared(self):
        return self.points is not None

    def _kernel(self, points, scale):
        if self.kernel == "polynomial":
            return PolynomialKernel(self.power, scale)
        return GaussianKernel(self.width, scale, points.mean(axis=0))

    def _place(self, points, scale):
        """Take sparse points; the parameters are zero then."""
        self.points, self.scale = points, scale
        self._k = self._kernel(points, scale)
        self._lower = np.linalg.cholesky(self._k.matrix(points, points))
        self.parameters = np.zeros(len(points) + self.intercept)

    def _changed(self):
        self._alpha = None
        if self.points is not None:
            self._alpha = solve_triangular(self._lower, self._coefficients, lower=True, trans="T")

    def prepare(self, X, rng=0):
        """Choose the sparse points from the rows X (n, n_features), and learn lambda."""
        X = self._rows(X)
        kind = {"polynomial": PolynomialKernel, "gaussian": GaussianKernel}[self.kernel]
        scale = kind.learned_scale(X)
        if not (np.isfinite(scale) and scale > 0):
            raise ValueError(
                f"the {len(X)} training rows are "
                + ("all zero" if self.kernel == "polynomial" else "all equal or not finite")
                + ", so that no kernel can tell them apart: add other structures"
            )
        self._place(X[pivots(self._kernel(X, scale), X, self.n_sparse)], scale)
        super().prepare(X, rng)

    def basis(self, X):
        if self.points is None:
            return np.zeros((len(X), self.n_basis))
        out = np.empty((len(X), self.n_basis))
        for rows, block in _blocks(X):
            matrix = self._k.matrix(block, self.points)
            solved = solve_triangular(self._lower, matrix.T, lower=True).T
            out[rows] = solved[: rows.stop - rows.start]
        return out

    def unresolved(self, X):
        if self.points is None:
            return np.zeros(len(X))
        rows = self.basis(X)
        return np.maximum(self._k.diagonal(X) - np.einsum("ij,ij->i", rows, rows), 0.0)

    def unresolved_sum(self, X):
        if self.points is None:
            return 0.0
        sums = self.basis(X).sum(axis=0)
        both = sum(float(self._k.matrix(block, X).sum()) for block in _plain_blocks(X))
        return max(both - float(sums @ sums), 0.0)

    def evaluate(self, X, *, slopes=True):
        values = np.full(len(X), float(self._constant))
        gradients = np.zeros_like(X) if slopes else None
        if self.points is None:
            return values, gradients
        for rows, block in _blocks(X):
            count = rows.stop - rows.start
            values[rows] += (self._k.matrix(block, self.points) @ self._alpha)[:count]
            if slopes:
                factors = np.tile(self._alpha, (len(block), 1))
                gradients[rows] = self._k.slopes(block, self.points, factors)[:count]
        return values, gradients

    def parameter_gradient(self, X, weights, tangents):
        gradient = np.zeros(self.n_basis)
        if self.points is not None:
            sums = weights @ self._k.matrix(X, self.points)
            sums += self._k.along(X, self.points, tangents).sum(axis=0)
            gradient = solve_triangular(self._lower, sums, lower=True)
        return np.append(weights.sum(), gradient) if self.intercept else gradient

    def design(self, X):
        if self.intercept:
            yield np.ones(len(X)), np.zeros_like(X)
        if self.points is None:
            for _ in range(self.n_basis):
                yield np.zeros(len(X)), np.zeros_like(X)
            return
        values = self.basis(X)
        inverse = solve_triangular(self._lower, np.eye(self.n_basis), lower=True)
        for k in range(self.n_basis):
            factors = np.tile(inverse[k], (len(X), 1))
            yield values[:, k].copy(), self._k.slopes(X, self.points, factors)

    def to_dict(self):
        names = ("n_features", "n_sparse", "kernel", "power", "width", "intercept")
        names += ("regularization", "parameters", "points", "scale", "precision")
        return {name: getattr(self, name) for name in names}


def pivots(kernel, X, count):
    """Return the rows of X that a pivoted Cholesky decomposition of the kernel matrix takes.

    Each is the row of largest variance k(x, x) - k_s^T K_ss^-1 k_s given the ones before; of equal
    ones the first. Cost: count^2 len(X) operations.

    Parameters
    ----------
    kernel : object with ``diagonal(X)`` and ``matrix(X, Y)``; X : (n, n_features); count : int.

    Returns
    -------
    (m,) int array, m <= count.
    """
    variance = kernel.diagonal(X)
    largest = variance.max()
    chosen, rows = [], np.empty((min(count, len(X)), len(X)))
    for k in range(len(rows)):
        place = int(variance.argmax())
        if not variance[place] > _RESOLVED * largest:
            break
        row = kernel.matrix(X[place : place + 1], X)[0] - rows[:k, place] @ rows[:k]
        rows[k] = row / np.sqrt(variance[place])
        variance = variance - rows[k] ** 2
        variance[place] = 0.0
        chosen.append(place)
    return np.array(chosen, dtype=np.intp)


def _plain_blocks(X):
    """Yield some rows at a time, against large matrices."""
    for start in range(0, len(X), 512):
        yield X[start : start + 512]


def _blocks(X):
    """Yield (slice, rows) of CHUNK rows, the last ones filled up with zeros."""
    for start in range(0, len(X), CHUNK):
        block = X[start : start + CHUNK]
        rows = slice(start, start + len(block))
        if len(block) < CHUNK:
            block = np.concatenate([block, np.zeros((CHUNK - len(block), X.shape[1]))])
        yield rows, block
