"""Exchange and a Landau energy in the density of squared hopping integrals: moments of the MSLP."""

import numpy as np

from ase_mag.core.bilinear import BilinearForm
from ase_mag.core.model import Trainable
from ase_mag.core.response import Gradients, Response
from ase_mag.core.storage import storable
from ase_mag.core.tangents import tangents
from ase_mag.models.embedded_atom import radial_gradients
from ase_mag.models.heisenberg import exchange_gradients
from ase_mag.models.hopping_embedded_atom import HoppingEmbeddedAtom, along
from ase_mag.models.landau import polynomials
from ase_mag.models.linear_model import as_parameters
from ase_mag.models.pair_functions import PairFunctions, frozen
from ase_mag.models.radial import PiecewisePolynomial
from ase_mag.models.stacked import stacked


@storable
class HeisenbergLandau(Trainable):
    """E = -1/2 sum_ij J_ab(r_ij) M_i.M_j + sum_i [A(rho_i) m_i^2 + B(rho_i) m_i^4 + C m_i^6].

    J_ab(r) = J0_ab (1 - r/rc)^5 theta(rc - r), both orders of a pair counted; A = a_0 + a_1 rho
    + a_2 rho^2 and B = b_0 + b_1 rho + b_2 rho^2 for each species, with the rho of ``lattice``.
    V^HL of J. B. J. Chapman and P.-W. Ma, eqs 9-14 (2022).

    Trainable: J0 of every pair of species, a, b and q of every species, C = ``least_sixth`` +
    exp(q): C keeps the energy bounded below through every fit (``linear``: all but q). The
    functions t(r) of the density belong to ``lattice``.

    Parameters
    ----------
    lattice : HoppingEmbeddedAtom, which gives rho, the species and the cutoff rc.
    exchange : float or (n_pairs_of_species,) float array, J0 in eV/mu_B^2, pairs as in ``lattice``.
    a, b : (3,) or (n_species, 3) float arrays, eV/mu_B^2 and eV/mu_B^4.
    c : float or (n_species,) float array, C in eV/mu_B^6, above ``least_sixth``.
    least_sixth : float, eV/mu_B^6, the least C that a fit may reach, positive. 1e-5 is 1 meV at
        2.2 mu_B and 10 eV at 10 mu_B.
    parameters : (n_parameters,) float array, optional: J0, a, b (species by species), q. They
        replace the numbers above.

    Raises
    ------
    ValueError
        If C is not above ``least_sixth``, or that not positive; for arrays of the wrong shape and
        numbers that are not finite.
    TypeError
        If ``lattice`` is no HoppingEmbeddedAtom.
    """

    homogeneous = True

    def __init__(
        self,
        lattice,
        exchange=0.3,
        a=(-0.15, 0.0, 0.0),
        b=(0.0192, 0.0, 0.0),
        c=1e-4,
        *,
        least_sixth=1e-5,
        parameters=None,
    ):
        if not isinstance(lattice, HoppingEmbeddedAtom):
            raise TypeError(
                f"lattice must be a HoppingEmbeddedAtom (it has the density), got "
                f"{type(lattice).__name__}"
            )
        self.lattice, self.least_sixth = lattice, float(least_sixth)
        if not (np.isfinite(self.least_sixth) and self.least_sixth > 0):
            raise ValueError(
                f"least_sixth must be positive, or the energy of large moments has no bound, got "
                f"{least_sixth!r} eV/mu_B^6"
            )
        self.species, self.cutoff = lattice.species, lattice.cutoff
        shape = np.array([1.0, -5.0, 10.0, -10.0, 5.0, -1.0]) / self.cutoff ** np.arange(6)
        self._shape = PairFunctions.of(
            self.species, PiecewisePolynomial([0.0, self.cutoff], [shape]), "exchange"
        )
        if parameters is None:
            n = len(self.species)
            c = np.array(np.broadcast_to(c, n), dtype=float)
            if not (np.isfinite(c) & (c > self.least_sixth)).all():
                raise ValueError(
                    f"C must lie above least_sixth ({self.least_sixth:g} eV/mu_B^6), got "
                    f"{c.tolist()}"
                )
            exchange = np.broadcast_to(exchange, len(lattice.kinds_of_pairs))
            a, b = (np.broadcast_to(x, (n, 3)).ravel() for x in (a, b))
            parameters = np.concatenate([exchange, a, b, np.log(c - self.least_sixth)])
        self.parameters = parameters

    @property
    def parameters(self):
        return self._values.copy()

    @parameters.setter
    def parameters(self, values):
        n, pairs = len(self.species), len(self.lattice.kinds_of_pairs)
        values = as_parameters(values, pairs + 7 * n)
        #: J0 of every pair of species, eV/mu_B^2.
        self.exchange = values[:pairs].copy()
        #: Coefficients of A and B, (2, n_species, 3) float array.
        self.landau = values[pairs : pairs + 6 * n].reshape(2, n, 3).copy()
        #: C of every species, eV/mu_B^6.
        self.sixth = self.least_sixth + np.exp(values[pairs + 6 * n :])
        table = np.zeros((n + 1, n + 1))
        for value, (x, y) in zip(self.exchange, self.lattice.kinds_of_pairs, strict=True):
            table[x, y] = table[y, x] = value
        self._table = table
        self._values = values

    @property
    def linear(self):
        return np.arange(len(self._values) - len(self.species), dtype=np.intp)

    def _kept(self, graph, name, compute):
        """Return what belongs to the present parameters; older values are given up."""
        now = self._values, self.lattice.density_token
        made_of, found = graph.cache.get((self, name), ((None, None), None))
        if made_of[0] is not now[0] or made_of[1] is not now[1]:
            found = compute()
            graph.cache[self, name] = now, found
        return found

    def _places(self, graph):
        """Return the place of every pair in the flat table of J0, or None for one species."""
        kinds = self.kinds(graph)
        if len(self.species) == 1:  # the shape is zero for atoms that are not described
            return None
        return kinds[graph.centers] * (len(self.species) + 1) + kinds[graph.neighbors]

    def _couplings(self, graph, lattice):
        """Return J and, with ``lattice``, J' of every pair; for one species those of J0 = 1."""
        if lattice:
            values, slopes = self._shape.evaluate(graph)
        else:
            values, slopes = self._shape.values(graph), None
        places = self._places(graph)
        if places is None:
            return values, slopes
        scale = self._table.ravel()[places]
        return values * scale, None if slopes is None else slopes * scale

    def _coefficients(self, graph):
        """Return A, B, C of every site and dA/drho, dB/drho, two (n_sites, 3) arrays."""

        def compute():
            rho, kinds = self.lattice.densities(graph)[0], self.kinds(graph)[: graph.n_sites]
            table = np.pad(self.landau, ((0, 0), (0, 1), (0, 0)))[:, kinds]
            values = np.empty((graph.n_sites, 3))
            slopes = np.zeros((graph.n_sites, 3))
            for k, p in enumerate(table):
                values[:, k] = p[:, 0] + rho * (p[:, 1] + rho * p[:, 2])
                slopes[:, k] = p[:, 1] + 2.0 * rho * p[:, 2]
            values[:, 2] = np.append(self.sixth, 0.0)[kinds]
            return frozen(values), frozen(slopes)

        return self._kept(graph, "coefficients", compute)

    def gradients(self, graph, moments, *, lattice=True):
        couplings = self._couplings(graph, lattice)
        partners = moments if len(self.species) > 1 else self.exchange[0] * moments
        total = exchange_gradients(graph, *couplings, moments, partners, lattice)
        values, slopes = self._coefficients(graph)
        energies, magforces = polynomials(graph, moments, values)
        radial = None
        if lattice:
            m2 = _squares(graph, moments)
            site_slopes = m2 * (slopes[:, 0] + m2 * slopes[:, 1])
            radial = radial_gradients(graph, site_slopes, self.lattice.densities(graph)[1])
        total.add(Gradients(energies, -magforces, radial=radial))
        return total

    def bilinear(self, graph):
        values = self._couplings(graph, False)[0]
        if len(self.species) == 1:
            values = self.exchange[0] * values
        return BilinearForm.on(graph, exchange=values, landau=self._coefficients(graph)[0].copy())

    # Fits ---------------------------------------------------------------------------------------

    def parameter_vjp(self, graph, moments, weights):
        moments = np.ascontiguousarray(moments, dtype=float)
        energies, turns, pairs = tangents(graph, moments, weights)
        return self.tangent_gradient(graph, moments, energies, turns, along(graph, pairs))[0]

    def tangent_gradient(self, graph, moments, energies, turns, radial):
        """Return d/dp of L = sum_i w_i E_i + sum_k dM_k.dE/dM_k + sum_ij s_ij dE/d|r_ij|.

        Parameters
        ----------
        graph : PairGraph; moments : (n_atoms, 3) float array; energies : (n_sites,) float array, w;
            turns : (n_atoms, 3) float array, dM; radial : (n_pairs,) float array, s.

        Returns
        -------
        dL/dp, (n_parameters,), and dL/drho_i and dL/d(drho_i/dr_ij), ((n_sites,), (n_pairs,)).
        """
        rho, density_slopes = self.lattice.densities(graph)
        changes = graph.sum_pairs(radial * density_slopes)
        m2 = _squares(graph, moments)
        sites = slice(graph.n_sites)
        growth = 2.0 * np.einsum("ic,ic->i", moments[sites], turns[sites])
        # E_i = sum_k c_k(rho) m2^(k + 1): derivatives by the three c_k and by their slopes.
        by_value = [energies * m2**k + k * m2 ** (k - 1) * growth for k in (1, 2, 3)]
        by_slope = [changes * m2, changes * m2**2]
        kinds = self.kinds(graph)[sites]
        powers = [np.ones_like(rho), rho, rho**2]
        falls = [np.zeros_like(rho), np.ones_like(rho), 2.0 * rho]
        n, here = len(self.species), kinds >= 0

        def by_species(values):
            return np.bincount(kinds[here], values[here], n)

        landau = np.array(
            [
                [by_species(v * x + s * y) for x, y in zip(powers, falls, strict=True)]
                for v, s in zip(by_value[:2], by_slope, strict=True)
            ]
        )
        sixth = (self.sixth - self.least_sixth) * by_species(by_value[2])
        own = np.concatenate(
            [
                self._exchange_vjp(graph, moments, energies, turns, radial),
                landau.transpose(0, 2, 1).ravel(),
                sixth,
            ]
        )
        slopes = self._coefficients(graph)[1]
        bends = 2.0 * np.pad(self.landau[:, :, 2], ((0, 0), (0, 1)))[:, kinds]
        of_rho = sum(by_value[k] * slopes[:, k] + by_slope[k] * bends[k] for k in range(2))
        of_slope = m2 * (slopes[:, 0] + m2 * slopes[:, 1])
        return own, (of_rho, of_slope[graph.centers] * radial)

    def _exchange_vjp(self, graph, moments, energies, turns, radial):
        i, j = graph.centers, graph.neighbors
        product = np.einsum("pc,pc->p", moments[i], moments[j])
        change = np.einsum("pc,pc->p", turns[i], moments[j])
        change += np.einsum("pc,pc->p", moments[i], turns[j])
        shape, fall = self._shape.evaluate(graph)
        values = -0.5 * (shape * (energies[i] * product + change) + fall * radial * product)
        places = self._places(graph)
        n = len(self.species) + 1
        if places is None:
            return np.array([values.sum()])
        sums = np.bincount(np.where(values != 0.0, places, 0), values, n * n).reshape(n, n)
        return np.array(
            [sums[x, y] + (sums[y, x] if x != y else 0.0) for x, y in self.lattice.kinds_of_pairs]
        )

    def basis(self, graph, moments, *, lattice=True):
        """Yield the Gradients of the energy by every linear parameter."""
        places, shapes = self._places(graph), self._shape.evaluate(graph)
        for x, y in self.lattice.kinds_of_pairs:
            used = shapes
            if places is not None:
                n = len(self.species) + 1
                here = (places == x * n + y) | (places == y * n + x)
                used = [np.where(here, shape, 0.0) for shape in shapes]
            yield exchange_gradients(graph, *used, moments, moments, lattice)
        kinds, own = self.kinds(graph)[: graph.n_sites], moments[: graph.n_sites]
        m2 = _squares(graph, moments)
        rho, density_slopes = self.lattice.densities(graph)
        for order in (1, 2):
            for kind in range(len(self.species)):
                here = (kinds == kind) * 1.0
                for power in range(3):
                    factor = here * rho**power
                    gradient = np.zeros((graph.n_atoms, 3))
                    gradient[: graph.n_sites] = (2 * order * factor * m2 ** (order - 1))[
                        :, None
                    ] * own
                    radial = None
                    if lattice and power > 0:
                        slope = here * power * rho ** (power - 1) * m2**order
                        radial = radial_gradients(graph, slope, density_slopes)
                    yield Gradients(factor * m2**order, gradient, radial=radial)

    def design(self, graph, moments, *, lattice=True):
        moments = np.ascontiguousarray(moments, dtype=float)
        return stacked(
            Response.from_gradients(graph, gradients, lattice=lattice)
            for gradients in self.basis(graph, moments, lattice=lattice)
        )

    def to_dict(self):
        return {
            "lattice": self.lattice,
            "least_sixth": self.least_sixth,
            "parameters": self.parameters,
        }


def _squares(graph, moments):
    """Return m_i^2 of the sites, (n_sites,) float array."""
    own = moments[: graph.n_sites]
    return np.einsum("ic,ic->i", own, own)
