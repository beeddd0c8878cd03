"""Kernels of features that can be differentiated, for potentials."""

import numpy as np


class PolynomialKernel:
    """k(x, y) = (x.y / c^2)^power, with the mean c^2 of |x|^2 over the training rows.

    Parameters
    ----------
    power : int, at least 1; scale : float, c.
    """

    def __init__(self, power, scale):
        self.power, self.scale = power, scale

    @staticmethod
    def learned_scale(X):
        """Return c for training rows (n, n_features)."""
        return float(np.sqrt(np.mean(np.einsum("ij,ij->i", X, X))))

    def diagonal(self, X):
        """Return k(x, x) of every row, (n,)."""
        return (np.einsum("ij,ij->i", X, X) / self.scale**2) ** self.power

    def matrix(self, X, Y):
        """Return k(x_i, y_s), (n, m)."""
        return (X @ Y.T / self.scale**2) ** self.power

    def _first(self, X, Y):
        """Return the derivative of k by x.y, (n, m)."""
        return self.power / self.scale**2 * (X @ Y.T / self.scale**2) ** (self.power - 1)

    def slopes(self, X, Y, factors):
        """Return sum_s factors_is dk(x_i, y_s)/dx_i, (n, n_features)."""
        return (factors * self._first(X, Y)) @ Y

    def along(self, X, Y, tangents):
        """Return t_i.dk(x_i, y_s)/dx_i, (n, m)."""
        return self._first(X, Y) * (tangents @ Y.T)


class GaussianKernel:
    """k(x, y) = exp(-|x - y|^2 / (2 width^2 c^2)), with the variance c^2 of the training rows.

    c^2 is summed over the features, which are not scaled one by one: their relative sizes are the
    metric of the descriptor. Two training rows are typically sqrt(2) c apart.

    Parameters
    ----------
    width : float; scale : float, c; center : (n_features,) float array, from where rows are
        measured, against cancellation.
    """

    def __init__(self, width, scale, center):
        self.rate, self.center = 1.0 / (width * scale) ** 2, center

    @staticmethod
    def learned_scale(X):
        """Return c for training rows (n, n_features)."""
        return float(np.sqrt(X.var(axis=0).sum()))

    def diagonal(self, X):
        """Return k(x, x) of every row, (n,)."""
        return np.ones(len(X))

    def matrix(self, X, Y):
        """Return k(x_i, y_s), (n, m)."""
        X, Y = X - self.center, Y - self.center
        squares = np.einsum("ij,ij->i", X, X)[:, None] + np.einsum("ij,ij->i", Y, Y)
        return np.exp(self.rate * (X @ Y.T - 0.5 * squares))

    def slopes(self, X, Y, factors):
        """Return sum_s factors_is dk(x_i, y_s)/dx_i, (n, n_features)."""
        weighted = factors * self.matrix(X, Y)
        sums = weighted.sum(axis=1)[:, None]
        return self.rate * (weighted @ (Y - self.center) - sums * (X - self.center))

    def along(self, X, Y, tangents):
        """Return t_i.dk(x_i, y_s)/dx_i, (n, m)."""
        across = tangents @ (Y - self.center).T
        own = np.einsum("ij,ij->i", tangents, X - self.center)[:, None]
        return self.rate * self.matrix(X, Y) * (across - own)
