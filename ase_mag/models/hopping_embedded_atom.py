"""Embedded atoms with the density of squared hopping integrals: lattice part of the MSLP."""

from itertools import combinations_with_replacement

import ase.units
import numpy as np
from ase.data import atomic_numbers

from ase_mag.core.bilinear import BilinearForm
from ase_mag.core.model import Trainable
from ase_mag.core.response import Gradients, Response
from ase_mag.core.storage import storable
from ase_mag.core.tangents import tangents
from ase_mag.models.cubes import Knots, cube_terms, joined_terms
from ase_mag.models.eam_parameters import ScreenedNuclei, quintic_join
from ase_mag.models.embedded_atom import radial_gradients
from ase_mag.models.linear_model import as_parameters
from ase_mag.models.nonmagnetic import as_species
from ase_mag.models.pair_functions import PairFunctions, frozen
from ase_mag.models.radial import PiecewisePolynomial
from ase_mag.models.stacked import stacked

#: Where fits start: near the iron of Mendelev et al. (2003), for a cutoff of 5.3 angstrom.
_CUTOFF = 5.3
_HOPPING = {2.5: -0.6145, 3.0: 2.3866, 3.6: -2.0615, 4.2: 0.8024}
_PAIR = {
    1.9: 215.3,
    2.1: -0.1134,
    2.3: 1.736,
    2.5: 4.0576,
    2.7: 1.0599,
    3.0: -2.083,
    3.3: 2.621,
    3.7: -1.0254,
    4.2: 0.327,
    4.7: -0.0389,
    5.2: -0.0104,
}
_SQUARE = -3.5e-4


@storable
class HoppingEmbeddedAtom(Trainable):
    """E = sum_i [F_a(rho_i) + 1/2 sum_j V_ab(r_ij)], F = -sqrt(rho) + phi rho^2, without moments.

    rho_i = sum_j t_ab(r_ij)^2, t(r) = sum_n t_n (R_n - r)^3 theta(R_n - r); V(r) is the screened
    nuclear repulsion (ZBL) for r <= r1, sum_n V_n (R_n - r)^3 theta(R_n - r) for r >= r2, and
    between them the polynomial of fifth degree that joins values and two derivatives; sums over j
    count every pair in both orders. V^NM of J. B. J. Chapman and P.-W. Ma, eqs 4-8 (2022).

    All t_n, V_n, phi and all knots R_n are trainable (``linear``: V_n and phi). Knots stay between
    0 and the cutoff: the parameter is q in R = cutoff/(1 + exp(-q)). Values that depend on the
    geometry are kept on the graph until parameters change.

    Parameters
    ----------
    species : str or tuple of str; a, b are those of i and j.
    cutoff : float, angstrom.
    hopping, pair : dict from R_n (angstrom) to t_n (eV^(1/2)/angstrom^3) and V_n (eV/angstrom^3),
        for all pairs of species, or (n_pairs_of_species, n, 2) arrays with rows (R_n, value), pairs
        in the order aa, ab, ..., bb, ... Default: near the iron of Mendelev et al. (2003), with
        lengths in proportion to the cutoff. A place to start fits from, for every species.
    square : float or (n_species,) float array, phi in eV.
    inner : (r1, r2), angstrom.
    parameters : (n_parameters,) float array, optional: all t_n, q of their knots, V_n, q of their
        knots (pair by pair), phi. They replace the numbers above.

    Raises
    ------
    ValueError
        For knots that are not between 0 and the cutoff, radii that do not increase from 0 to the
        cutoff, arrays of the wrong shape, and numbers that are not finite.
    """

    homogeneous = True

    def __init__(
        self,
        species,
        cutoff=_CUTOFF,
        *,
        hopping=None,
        pair=None,
        square=_SQUARE,
        inner=(1.3, 1.8),
        parameters=None,
    ):
        self.species = as_species(species)
        self.cutoff = float(cutoff)
        self.inner = tuple(float(r) for r in inner)
        if not 0 < self.inner[0] < self.inner[1] < self.cutoff:
            raise ValueError(
                "0 < r1 < r2 < cutoff must hold (angstrom), got inner="
                f"{self.inner} and cutoff {cutoff!r}"
            )
        #: Pairs of species, positions in ``species``, in the order of the parameters.
        self.kinds_of_pairs = tuple(combinations_with_replacement(range(len(self.species)), 2))
        self._knots = Knots(self.cutoff)
        tables = [
            self._table("hopping", _HOPPING if hopping is None else hopping, hopping is None),
            self._table("pair", _PAIR if pair is None else pair, pair is None),
        ]
        self._counts = tuple(table.shape[1] for table in tables)
        self._repulsion = [self._nuclei(*kinds) for kinds in self.kinds_of_pairs]
        if parameters is None:
            phi = np.broadcast_to(np.asarray(square, dtype=float), (len(self.species),))
            blocks = [
                part
                for table in tables
                for part in (table[..., 1], self._knots.coordinates(table[..., 0]))
            ]
            parameters = np.concatenate([*(block.ravel() for block in blocks), phi])
        self.parameters = parameters

    def _table(self, name, values, scaled):
        if isinstance(values, dict):
            values = np.array(list(values.items()), dtype=float)
        values = np.array(values, dtype=float)
        if values.ndim == 2:
            values = np.tile(values, (len(self.kinds_of_pairs), 1, 1))
        if (
            values.ndim != 3
            or values.shape[0] != len(self.kinds_of_pairs)
            or values.shape[1] < 1
            or values.shape[2] != 2
        ):
            raise ValueError(
                f"{name} must be a dict from knots to amplitudes or an array of shape "
                f"({len(self.kinds_of_pairs)}, n, 2), got {values.shape}"
            )
        if scaled:
            values *= [self.cutoff / _CUTOFF, (_CUTOFF / self.cutoff) ** 3]
        inside = (values[..., 0] > 0) & (values[..., 0] < self.cutoff)
        if not (np.isfinite(values).all() and inside.all()):
            raise ValueError(
                f"the knots of {name} must lie between 0 and the cutoff {self.cutoff:g} angstrom "
                f"and all numbers be finite, got {values.tolist()}"
            )
        return values

    def _nuclei(self, a, b):
        first, second = (atomic_numbers[self.species[k]] for k in (a, b))
        length = 0.88534 * ase.units.Bohr / (first**0.23 + second**0.23)
        amplitude = first * second * ase.units.Hartree * ase.units.Bohr
        return ScreenedNuclei(amplitude, length, cutoff=self.inner[0])

    # Parameters ---------------------------------------------------------------------------------

    @property
    def parameters(self):
        return self._values.copy()

    @parameters.setter
    def parameters(self, values):
        pairs, counts = len(self.kinds_of_pairs), self._counts
        sizes = [pairs * counts[k // 2] for k in range(4)] + [len(self.species)]
        values = as_parameters(values, sum(sizes))
        parts = np.split(values, np.cumsum(sizes)[:-1])
        tables = [part.reshape(pairs, -1) for part in parts[:4]]
        self._coordinates = tables[1], tables[3]
        #: t_n, V_n and their knots, (n_pairs_of_species, n) float arrays.
        self.hopping, self.pair = tables[0], tables[2]
        self.hopping_knots, self.pair_knots = map(self._knots.radii, self._coordinates)
        #: phi of every species, (n_species,) float array, eV.
        self.square = parts[4]
        self._starts = np.cumsum([0, *sizes])
        self._make_functions()
        self._values = values

    def _make_functions(self):
        density, pair = {}, {}
        for k, (a, b) in enumerate(self.kinds_of_pairs):
            key = self.species[a], self.species[b]
            density[key] = _squared(self.hopping[k], self.hopping_knots[k])
            pair[key] = self._pair_function(k)
        self._density = PairFunctions.of(self.species, density, "hopping", symmetric=True)
        self._pair = PairFunctions.of(self.species, pair, "pair", symmetric=True)

    def _pair_function(self, k):
        end = self.inner[1]
        outer = _cubes(self.pair[k], self.pair_knots[k], end)
        join = quintic_join(self._repulsion[k], outer)
        return PiecewisePolynomial(outer.knots, outer.coefficients, inner=join)

    @property
    def linear(self):
        start = self._starts
        return np.r_[start[2] : start[3], start[4] : start[5]].astype(np.intp)

    # Values on a graph --------------------------------------------------------------------------

    def _kept(self, graph, name, compute):
        """Return what belongs to the present parameters; older values are given up."""
        made_of, found = graph.cache.get((self, name), (None, None))
        if made_of is not self._values:
            found = compute()
            graph.cache[self, name] = self._values, found
        return found

    @property
    def density_token(self):
        """An object that is another one whenever parameters have been assigned."""
        return self._values

    def densities(self, graph):
        """Return rho_i (n_sites,) and drho_i/dr_ij (n_pairs,), read-only float arrays."""
        return self._kept(graph, "densities", lambda: self._density.fresh_sums(graph))

    def _embedded(self, graph, order=1):
        """Return rho, F and its derivatives up to ``order``, (n_sites,) float arrays."""
        rho = self.densities(graph)[0]
        kinds = self.kinds(graph)[: graph.n_sites]
        phi = np.append(self.square, 0.0)[kinds]
        here = (rho > 0) & (kinds >= 0)
        root = np.sqrt(np.where(here, rho, 1.0))
        out = [rho, phi * rho**2 - np.where(here, root, 0.0)]
        out.append(2.0 * phi * rho - np.where(here, 0.5 / root, 0.0))
        if order > 1:
            out.append(2.0 * phi + np.where(here, 0.25 / root**3, 0.0))
        return out

    def _state(self, graph):
        """Return E_i and, for forces, dE/dr_ij."""
        _, values, slopes = self._embedded(graph)
        sums, pair_slopes = self._pair.fresh_sums(graph)
        radial = radial_gradients(graph, slopes, self.densities(graph)[1], pair_slopes)
        return frozen(values + 0.5 * sums), frozen(radial)

    def gradients(self, graph, moments, *, lattice=True):
        energies, radial = self._kept(graph, "state", lambda: self._state(graph))
        return Gradients(energies.copy(), radial=radial if lattice else None)

    def bilinear(self, graph):
        if graph.fields_only:
            return BilinearForm.on(graph)
        return BilinearForm.on(graph, constant=self.gradients(graph, None).energies)

    # Fits ---------------------------------------------------------------------------------------

    def parameter_vjp(self, graph, moments, weights):
        energies, _, pairs = tangents(graph, moments, weights)
        return self.tangent_gradient(graph, energies, along(graph, pairs))

    def tangent_gradient(self, graph, energies, radial, others=None):
        """Return d/dp [sum_i w_i E_i + sum_ij s_ij dE/d|r_ij|], (n_parameters,).

        Parameters
        ----------
        graph : PairGraph; energies : (n_sites,) float array, w; radial : (n_pairs,) float array, s.
        others : ((n_sites,), (n_pairs,)) float arrays, optional; derivatives of another energy by
            rho_i and by drho_i/dr_ij, whose dependence on the parameters is added.
        """
        rho, _, slope, bend = self._embedded(graph, order=2)
        changes = graph.sum_pairs(radial * self.densities(graph)[1])
        total = np.zeros(len(self._values))
        of_rho, of_slope = energies * slope + bend * changes, slope[graph.centers] * radial
        if others is not None:
            of_rho, of_slope = of_rho + others[0], of_slope + others[1]
        total[: self._starts[2]] = self.density_vjp(graph, of_rho, of_slope)
        half = 0.5 * energies[graph.centers]
        for k, (chosen, r) in self._chosen(graph):
            terms = joined_terms(r, self.pair_knots[k], *self.inner)
            total[self._starts[2] : self._starts[4]] += self._table_vjp(
                k, 1, terms, half[chosen], 0.5 * radial[chosen]
            )
        kinds = self.kinds(graph)[: graph.n_sites]
        values = energies * rho**2 + 2.0 * rho * changes
        here = kinds >= 0
        total[self._starts[4] :] = np.bincount(kinds[here], values[here], len(self.species))
        return total

    def density_vjp(self, graph, values, slopes):
        """Return d/dp [sum_i values_i rho_i + sum_ij slopes_ij drho_i/dr_ij].

        p are the parameters of the density: t_n and the coordinates q of their knots, which are
        the first of ``parameters``.

        Parameters
        ----------
        graph : PairGraph; values : (n_sites,) float array; slopes : (n_pairs,) float array.
        """
        total = np.zeros(self._starts[2])
        for k, (chosen, r) in self._chosen(graph):
            terms = cube_terms(r, self.hopping_knots[k])
            t, dt = (np.einsum("n,np->p", self.hopping[k], term) for term in terms[:2])
            of_slope = 2.0 * slopes[chosen]
            of_value = 2.0 * values[graph.centers[chosen]] * t + of_slope * dt
            total += self._table_vjp(k, 0, terms, of_value, of_slope * t)
        return total

    def _chosen(self, graph):
        """Yield every pair of species with its pairs on the graph and their distances."""
        functions = self._density.functions
        places = self._density.pairs(graph)
        for k, (a, b) in enumerate(self.kinds_of_pairs):
            place = places[functions.index(self._density[a, b])]
            yield k, (place, graph.distances[place])

    def _table_vjp(self, k, which, terms, values, slopes):
        """Return d/d(amplitudes, q) of sum_p [values_p f(r_p) + slopes_p f'(r_p)] of pair k."""
        f, df, by_knot, df_by_knot = terms
        amplitudes = (self.hopping, self.pair)[which]
        out = np.zeros((2, *amplitudes.shape))
        out[0, k] = np.einsum("np,p->n", f, values) + np.einsum("np,p->n", df, slopes)
        out[1, k] = np.einsum("np,p->n", by_knot, values) + np.einsum("np,p->n", df_by_knot, slopes)
        out[1, k] *= amplitudes[k] * self._knots.slopes(self._coordinates[which][k])
        return out.ravel()

    def basis(self, graph, *, lattice=True):
        """Yield the Gradients of the energy by every linear parameter."""
        for k, (chosen, r) in self._chosen(graph):
            values, slopes, _, _ = joined_terms(r, self.pair_knots[k], *self.inner)
            for value, slope in zip(values, slopes, strict=True):
                both = np.zeros((2, graph.n_pairs))
                both[0, chosen], both[1, chosen] = 0.5 * value, 0.5 * slope
                energies = graph.sum_pairs(both[0])
                yield Gradients(energies, radial=both[1] if lattice else None)
        rho, slopes = self.densities(graph)
        kinds = self.kinds(graph)[: graph.n_sites]
        for kind in range(len(self.species)):
            here = np.where(kinds == kind, rho, 0.0)
            radial = radial_gradients(graph, 2.0 * here, slopes) if lattice else None
            yield Gradients(here**2, radial=radial)

    def design(self, graph, moments, *, lattice=True):
        return stacked(
            Response.from_gradients(graph, gradients, lattice=lattice)
            for gradients in self.basis(graph, lattice=lattice)
        )

    def to_dict(self):
        def table(knots, amplitudes):
            # Knots of |q| > 37 are rounded to an end of the range, which is no legal place for one.
            knots = np.clip(knots, 1e-9 * self.cutoff, (1 - 1e-9) * self.cutoff)
            return np.stack([knots, amplitudes], axis=-1)

        return {
            "species": list(self.species),
            "cutoff": self.cutoff,
            "hopping": table(self.hopping_knots, self.hopping),
            "pair": table(self.pair_knots, self.pair),
            "inner": list(self.inner),
            "parameters": self.parameters,
        }


def along(graph, pairs):
    """Return the part of pair tangents (n_pairs, 3) along r_ij, an (n_pairs,) float array."""
    if pairs is None:
        return np.zeros(graph.n_pairs)
    return np.einsum("pc,pc->p", pairs, graph.vectors) / graph.distances


def _cubes(amplitudes, knots, start):
    """Return the sum of the cubes whose knots lie beyond ``start``."""
    here = knots > start
    if not here.any():
        return PiecewisePolynomial([start, start + 1.0], [[0.0, 0.0, 0.0, 0.0]])
    return PiecewisePolynomial.from_cubes(amplitudes[here], knots[here], start=start)


def _squared(amplitudes, knots):
    """Return t(r)^2 as a piecewise polynomial of sixth degree."""
    t = _cubes(amplitudes, knots, 0.0)
    return PiecewisePolynomial(t.knots, [np.convolve(c, c) for c in t.coefficients])
