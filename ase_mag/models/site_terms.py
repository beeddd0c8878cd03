"""Linear terms of a site that do not depend on its neighbors."""

import numpy as np

from ase_mag.core.response import Gradients


class SiteTerms:
    """E_i = a_0 + sum_k a_k (m_i/m_max)^(2 k), k = 1 ... order, for each species.

    Parameters
    ----------
    max_moment : (n_species,) float array, mu_B.
    order : int; 0: only the constants.
    """

    def __init__(self, max_moment, order):
        self.max_moment = max_moment
        self.order = order

    def add(self, kinds, moments, coefficients, energies, slopes):
        """Add the energies (n_sites,) and dE/dM (n_atoms, 3).

        Parameters
        ----------
        kinds : (n_atoms,) int array, -1: not described.
        coefficients : ((1 + order) n_species,) float array, eV, all a_0 first.
        """
        sites = np.flatnonzero(kinds[: len(energies)] >= 0)
        terms = coefficients.reshape(1 + self.order, -1)[:, kinds[sites]]
        energies[sites] += terms[0]
        if not self.order:
            return
        m, x = self._scaled(kinds[sites], moments[sites])
        power = np.ones(len(sites))
        for k, term in enumerate(terms[1:], start=1):
            factor = 2 * k * term * power / self.max_moment[kinds[sites]]
            slopes[sites] += factor[:, None] * m
            power = power * x
            energies[sites] += term * power

    def cotangent(self, kinds, moments, weights, turns):
        """Return d[sum_i weights_i E_i + dE(turns)]/d(coefficients), turns: tangents of M."""
        sites = np.flatnonzero(kinds[: len(weights)] >= 0)
        m, x = self._scaled(kinds[sites], moments[sites])
        dx = 2 * (m * turns[sites]).sum(axis=1) / self.max_moment[kinds[sites]]
        power, rows = np.ones(len(sites)), [weights[sites]]
        for k in range(1, 1 + self.order):
            rows.append(weights[sites] * power * x + k * power * dx)
            power = power * x
        n = len(self.max_moment)
        return np.concatenate([np.bincount(kinds[sites], row, minlength=n) for row in rows])

    def design(self, kinds, moments, n_sites):
        """Yield the Gradients of every term."""
        for k in range(1 + self.order):
            for kind, largest in enumerate(self.max_moment):
                sites = np.flatnonzero(kinds[:n_sites] == kind)
                energies, slopes = np.zeros(n_sites), np.zeros((len(kinds), 3))
                m, x = self._scaled(kinds[sites], moments[sites])
                energies[sites] = x**k
                if k:
                    slopes[sites] = (2 * k * x ** (k - 1) / largest)[:, None] * m
                yield Gradients(energies, slopes)

    def _scaled(self, kinds, moments):
        m = moments / self.max_moment[kinds][:, None]
        return m, (m**2).sum(axis=1)
