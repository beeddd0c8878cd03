"""Landau energies: what it costs a moment to have its size."""

import numpy as np
from numpy.polynomial.polynomial import polyder, polyroots, polyval

from ase_mag import _kernels
from ase_mag.core.bilinear import BilinearForm, padded
from ase_mag.core.response import Gradients
from ase_mag.core.storage import storable
from ase_mag.models.embedded_atom import EmbeddedAtom, radial_gradients
from ase_mag.models.linear_model import LinearModel, as_parameters
from ase_mag.models.nonmagnetic import as_species
from ase_mag.models.pair_functions import PairFunctions, frozen


@storable
class Landau(LinearModel):
    """Landau: E = sum_i [a m_i^2 + b m_i^4 + c m_i^6], m_i = |M_i|.

    The coefficients are numbers, or polynomials a(x_i) = a_0 + a_1 x_i + a_2 x_i^2 + ... of the
    density x_i = rho_i - rho_0, rho_i = sum_j psi(r_ij): then moments and lattice are coupled
    through dE/dr_ij = [a'(x_i) m_i^2 + b'(x_i) m_i^4 + c'(x_i) m_i^6] psi'(r) r_ij/r.
    P.-W. Ma and S. L. Dudarev, Phys. Rev. B 86, 054416 (2012), with numbers for the coefficients.
    All coefficients that are given, also zeros, are trainable parameters, species by species; a
    fit may pass through, and end at, an energy that is not bounded below.

    Parameters
    ----------
    species : str or tuple of str
    a, b, c : float, or list of float (a polynomial of x, in ascending powers), or dict from symbol
        to these; eV/mu_B^2, eV/mu_B^4, eV/mu_B^6. Without c there is no sixth order.
    density : EmbeddedAtom or Radial (psi, one for all pairs) or dict as for :class:`EmbeddedAtom`;
        needed for polynomials. Only atoms that it describes give density. Densities that an
        embedded-atom model in the same sum uses too are evaluated once.
    reference_density : float, rho_0, in the unit of the density.
    allow_unbounded : bool; accept an energy that is not bounded below. It has a use only as long
        as all moments stay small.

    Raises
    ------
    ValueError
        If the energy is not bounded below for some density rho >= 0: the coefficient of the
        highest power that appears must be positive there. For polynomials without ``density``,
        NaN, and species without coefficients or densities.
    """

    homogeneous = True

    def __init__(
        self,
        species,
        a,
        b,
        c=None,
        *,
        density=None,
        reference_density=0.0,
        allow_unbounded=False,
    ):
        self.species = as_species(species)
        self.reference_density = float(reference_density)
        self.allow_unbounded = bool(allow_unbounded)
        per_order = [
            self._polynomials(name, value) for name, value in (("a", a), ("b", b), ("c", c))
        ]
        lengths = np.array([[len(p) for p in polynomials] for polynomials in per_order]).T
        length = lengths.max()
        #: (n_species, 3, n_powers) bool: which coefficients were given.
        self._given = np.arange(length) < lengths[:, :, None]
        #: (n_species, 3, n_powers): a, b, c of each species as polynomials of x.
        self.polynomials = np.array(
            [
                [np.pad(p[kind], (0, length - len(p[kind]))) for p in per_order]
                for kind in range(len(self.species))
            ]
        )
        self.density = None if density is None else self._densities(density)
        if self.density is None and (length > 1 or self.reference_density != 0.0):
            raise ValueError(
                "coefficients that depend on the density, and reference_density, need density=..., "
                "the embedded-atom model or the function psi(r) that defines it"
            )
        self.cutoff = 0.0 if self.density is None else self.density.cutoff
        if not self.allow_unbounded:
            for symbol, polynomials in zip(self.species, self.polynomials, strict=True):
                self._check_bounded(symbol, polynomials)

    def _polynomials(self, name, value):
        if value is None and name == "c":
            return [np.zeros(0) for _ in self.species]
        if isinstance(value, dict):
            if set(value) != set(self.species):
                raise ValueError(
                    f"{name} must have one entry for each of {', '.join(self.species)}, got "
                    f"{', '.join(map(str, value)) or 'none'}"
                )
            values = [value[symbol] for symbol in self.species]
        else:
            values = [value] * len(self.species)
        polynomials = [np.atleast_1d(np.array(value, dtype=float)) for value in values]
        for polynomial in polynomials:
            if polynomial.ndim != 1 or not len(polynomial) or not np.isfinite(polynomial).all():
                raise ValueError(
                    f"{name} must be a finite number or a list of them (a polynomial of the "
                    f"density, ascending powers), got {polynomial.tolist()}"
                )
        return polynomials

    def _densities(self, density):
        if isinstance(density, EmbeddedAtom):
            density = density.density
        if isinstance(density, PairFunctions):
            missing = [symbol for symbol in self.species if symbol not in density.species]
            if missing:
                raise ValueError(
                    f"the density describes {', '.join(density.species)}, not "
                    f"{', '.join(missing)}: give one for all species of the Landau energy"
                )
            return density
        if density is None:
            raise ValueError("density is a pair potential: it has no density functions")
        return PairFunctions.of(self.species, density, "density")

    def _check_bounded(self, symbol, polynomials):
        orders = np.flatnonzero(polynomials.any(axis=1))
        if not len(orders):
            return
        polynomial = np.trim_zeros(polynomials[orders[-1]], "b")
        # The smallest value for rho >= 0 is at rho = 0 or at a root of the derivative.
        lowest = -self.reference_density
        turns = polyroots(polyder(polynomial)).real if len(polynomial) > 2 else np.zeros(0)
        points = np.append(turns[turns > lowest], lowest)
        if polynomial[-1] > 0 and (polyval(points, polynomial) > 0).all():
            return
        values = ", ".join(
            f"{name} = {p[0]:g}" if len(p) == 1 else f"{name} = {p.tolist()}"
            for name, p in zip("abc", polynomials, strict=True)
        )
        where = "" if len(polynomial) == 1 else " at some density rho >= 0"
        raise ValueError(
            f"the Landau energy of {symbol} is not bounded below ({values}): the highest power, "
            f"m^{2 * orders[-1] + 2}, must have a positive coefficient, which {'abc'[orders[-1]]} "
            f"is not{where}; add a positive higher coefficient, or pass allow_unbounded=True "
            "where all moments stay small"
        )

    def coefficients(self, graph):
        """Return a, b, c of every site, a read-only (n_sites, 3) float array.

        Atoms of species that the model does not describe have zeros.
        """
        return self._coefficients(graph)[0]

    @property
    def parameters(self):
        return self.polynomials[self._given]

    @parameters.setter
    def parameters(self, values):
        values = as_parameters(values, np.count_nonzero(self._given))
        polynomials = np.zeros_like(self.polynomials)
        polynomials[self._given] = values
        self.polynomials = polynomials

    def _coefficients(self, graph):
        """Return the coefficients and their derivatives with respect to the density (or None)."""
        key = (self, "coefficients")
        made_of, found = graph.cache.get(key, (None, None))
        if made_of is not self.polynomials:
            found = self._compute(graph)
            graph.cache[key] = self.polynomials, found
        return found

    def _compute(self, graph):
        # One more species without coefficients for atoms that are not described (kind -1).
        table = np.pad(self.polynomials, ((0, 1), (0, 0), (0, 0)))
        table = table[self.kinds(graph)[: graph.n_sites]]
        values = table[:, :, -1].copy()
        if self.density is None:
            return frozen(values), None
        x = self.density.sums(graph)[:, None] - self.reference_density
        slopes = np.zeros_like(values)
        for power in range(table.shape[2] - 2, -1, -1):
            slopes = slopes * x + values
            values = values * x + table[:, :, power]
        return frozen(values), frozen(slopes)

    def gradients(self, graph, moments, *, lattice=True):
        values, slopes = self._coefficients(graph)
        energies, magforces = polynomials(graph, moments, values)
        radial = None
        if lattice and slopes is not None:
            m2 = np.einsum("ij,ij->i", moments[: graph.n_sites], moments[: graph.n_sites])
            site_slopes = m2 * (slopes[:, 0] + m2 * (slopes[:, 1] + m2 * slopes[:, 2]))
            radial = radial_gradients(graph, site_slopes, self.density.slopes(graph))
        return Gradients(energies, -magforces, radial=radial)

    def basis(self, graph, moments, *, lattice=True):
        """Yield the Gradients of x_i^q m_i^(2n) over the atoms of every species."""
        kinds, own = self.kinds(graph)[: graph.n_sites], moments[: graph.n_sites]
        m2 = np.einsum("ij,ij->i", own, own)
        x = np.zeros(graph.n_sites)
        if self.density is not None:
            x = self.density.sums(graph) - self.reference_density
        for kind, order, power in np.argwhere(self._given):
            here = kinds == kind
            factor = np.where(here, x**power, 0.0)
            gradient = np.zeros((graph.n_atoms, 3))
            gradient[: graph.n_sites] = (2 * (order + 1) * factor * m2**order)[:, None] * own
            radial = None
            if lattice and power > 0:
                slope = np.where(here, power * x ** (power - 1), 0.0) * m2 ** (order + 1)
                radial = radial_gradients(graph, slope, self.density.slopes(graph))
            yield Gradients(factor * m2 ** (order + 1), gradient, radial=radial)

    def bilinear(self, graph):
        return BilinearForm.on(graph, landau=self.coefficients(graph).copy())

    def to_dict(self):
        a, b, c = (
            {
                symbol: polynomial[order][given[order]]
                for symbol, polynomial, given in zip(
                    self.species, self.polynomials, self._given, strict=True
                )
            }
            for order in range(3)
        )
        return {
            "species": list(self.species),
            "a": a,
            "b": b,
            "c": c if self._given[:, 2].any() else None,
            "density": self.density,
            "reference_density": self.reference_density,
            "allow_unbounded": self.allow_unbounded,
        }


def polynomials(graph, moments, coefficients):
    """Return E_i = a_i m^2 + b_i m^4 + c_i m^6 (n_sites,) and -dE/dM (n_atoms, 3).

    Parameters
    ----------
    moments : (n_atoms, 3) float array, mu_B.
    coefficients : (n_sites, 3) float array, eV/mu_B^2, eV/mu_B^4, eV/mu_B^6.
    """
    energies, magforces = np.empty(graph.n_sites), np.zeros((graph.n_atoms, 3))
    _kernels.bilinear.evaluate(
        (graph.offsets, graph.neighbors, None, None, None, coefficients, None, None, None),
        padded(moments),
        energies,
        magforces,
        graph.threads,
    )
    return energies, magforces
