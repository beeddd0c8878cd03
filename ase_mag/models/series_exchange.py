"""Exchange as a series of functions of the distance, to be fitted."""

import numpy as np
from numpy.polynomial import chebyshev

from ase_mag.core.bilinear import BilinearForm
from ase_mag.core.storage import storable
from ase_mag.models.heisenberg import exchange_gradients
from ase_mag.models.linear_model import LinearModel, as_parameters
from ase_mag.models.nonmagnetic import as_species
from ase_mag.models.pair_functions import frozen


@storable
class SeriesExchange(LinearModel):
    """E = -1/2 sum_ij J_ab(r_ij) M_i.M_j, J_ab(r) = (1 - r/rc)^3 sum_k c_ab,k T_k(x), trainable.

    Both orders of a pair are counted, J in eV/mu_B^2, x = 2 (r - r0)/(rc - r0) - 1, T_k the
    Chebyshev polynomials, one series for each unordered pair of species. One function (k = 0) is
    :class:`Heisenberg` with :func:`cubic`. Below r0 the polynomials grow quickly: choose r0 below
    the distances that occur.

    Parameters
    ----------
    species : str or tuple of str
    cutoff : float, rc, angstrom.
    n_functions : int, number of terms per pair of species.
    start : float, r0, angstrom.
    coefficients : (n_pairs_of_species, n_functions) float array, eV/mu_B^2, optional
        Pairs in the order (0, 0), (0, 1), ..., (1, 1), ... of the species; default: zeros.

    Raises
    ------
    ValueError
        For lengths or numbers that are not positive, and coefficients of another shape.
    """

    homogeneous = True

    def __init__(self, species, cutoff, n_functions=8, start=1.5, coefficients=None):
        self.species = as_species(species)
        self.cutoff, self.start = float(cutoff), float(start)
        if not 0 <= self.start < self.cutoff < np.inf:
            raise ValueError(
                f"start and cutoff must be distances with 0 <= start < cutoff, got {start} and "
                f"{cutoff} angstrom"
            )
        if int(n_functions) != n_functions or n_functions < 1:
            raise ValueError(f"n_functions must be a positive integer, got {n_functions!r}")
        n = len(self.species)
        # (a, b) and (b, a) are one row; the last row, zeros, is for species not described.
        rows = np.full((n + 1, n + 1), n * (n + 1) // 2)
        rows[np.triu_indices(n)] = np.arange(n * (n + 1) // 2)
        self._rows = np.minimum(rows, rows.T)
        shape = (n * (n + 1) // 2, int(n_functions))
        values = np.zeros(shape) if coefficients is None else np.array(coefficients, dtype=float)
        if values.shape != shape or not np.isfinite(values).all():
            raise ValueError(
                f"coefficients must be finite and have shape {shape}, got {values.shape}: one row "
                f"per pair of {', '.join(self.species)}"
            )
        self.coefficients = values

    @property
    def parameters(self):
        return self.coefficients.ravel().copy()

    @parameters.setter
    def parameters(self, values):
        flat = as_parameters(values, self.coefficients.size)
        self.coefficients = flat.reshape(self.coefficients.shape)

    def functions(self, r):
        """Return the functions of the series and their derivatives at distances r.

        Returns
        -------
        two (n_functions, n) float arrays, 1 and 1/angstrom.
        """
        r = np.asarray(r, dtype=float)
        n = self.coefficients.shape[1]
        width = self.cutoff - self.start
        x = 2.0 * (r - self.start) / width - 1.0
        polynomials = chebyshev.chebvander(x, n - 1).T
        slopes = np.zeros_like(polynomials)
        for k in range(1, n):
            unit = np.eye(n)[k]
            slopes[k] = chebyshev.chebval(x, chebyshev.chebder(unit)) * 2.0 / width
        u = np.clip(1.0 - r / self.cutoff, 0.0, None)
        return (
            u**3 * polynomials,
            u**3 * slopes - 3.0 * u**2 / self.cutoff * polynomials,
        )

    def exchange(self, r, pair=None):
        """Return J(r), eV/mu_B^2, an array of the shape of r.

        Parameters
        ----------
        r : float array, angstrom. pair : two symbols; default: the first species with itself.
        """
        first, second = (self.species[0],) * 2 if pair is None else pair
        row = self._rows[self.species.index(first), self.species.index(second)]
        r = np.asarray(r, dtype=float)
        return (self.coefficients[row] @ self.functions(r.ravel())[0]).reshape(r.shape)

    def _functions(self, graph):
        """Return functions, their slopes, and the row of coefficients of every pair."""
        key = ("series", self.species, self.cutoff, self.start, self.coefficients.shape[1])
        return graph.cached(key, lambda: self._evaluate(graph))

    def _evaluate(self, graph):
        values, slopes = self.functions(graph.distances)
        kinds = self.kinds(graph)
        rows = self._rows[kinds[graph.centers], kinds[graph.neighbors]]
        return frozen(values), frozen(slopes), frozen(rows)

    def couplings(self, graph):
        """Return J and dJ/dr of every pair, two (n_pairs,) float arrays."""
        values, slopes, rows = self._functions(graph)
        factors = np.vstack([self.coefficients, np.zeros(values.shape[0])])[rows]
        return np.einsum("pk,kp->p", factors, values), np.einsum("pk,kp->p", factors, slopes)

    def gradients(self, graph, moments, *, lattice=True):
        return exchange_gradients(graph, *self.couplings(graph), moments, moments, lattice)

    def basis(self, graph, moments, *, lattice=True):
        values, slopes, rows = self._functions(graph)
        for row in range(len(self.coefficients)):
            here = rows == row
            for value, slope in zip(values, slopes, strict=True):
                couplings = np.where(here, value, 0.0), np.where(here, slope, 0.0)
                yield exchange_gradients(graph, *couplings, moments, moments, lattice)

    def bilinear(self, graph):
        return BilinearForm.on(graph, exchange=self.couplings(graph)[0])

    def to_dict(self):
        return {
            "species": list(self.species),
            "cutoff": self.cutoff,
            "n_functions": self.coefficients.shape[1],
            "start": self.start,
            "coefficients": self.coefficients,
        }
