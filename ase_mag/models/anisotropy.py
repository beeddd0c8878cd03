"""Magnetocrystalline anisotropy of single moments, polynomial in the moment vector."""

from abc import abstractmethod

import numpy as np

from ase_mag.core.bilinear import BilinearForm
from ase_mag.core.model import Model
from ase_mag.core.response import Gradients
from ase_mag.core.storage import storable
from ase_mag.models.nonmagnetic import as_species
from ase_mag.models.radial import finite
from ase_mag.models.tensor_exchange import unit_vector


class OnSite(Model):
    """Base of models with an energy of single moments; subclasses give :meth:`energy`."""

    homogeneous = True

    @abstractmethod
    def energy(self, moments):
        """Return E (n,) in eV and dE/dM (n, 3) of ``moments`` (n, 3) of the model's species."""

    def gradients(self, graph, moments, *, lattice=True):
        sites = np.flatnonzero(self.kinds(graph)[: graph.n_sites] >= 0)
        energies, gradient = np.zeros(graph.n_sites), np.zeros((graph.n_atoms, 3))
        energies[sites], gradient[sites] = self.energy(moments[sites])
        return Gradients(energies, gradient)


@storable
class UniaxialAnisotropy(OnSite):
    """E = -sum_i [K (M_i.n)^2/m0^2 + K4 (M_i.n)^4/m0^4].

    K > 0 makes n an easy axis. The energy is polynomial in M, so that M = 0 is legal, and for
    |M| = m0 it is -K cos^2 - K4 cos^4 of the angle to n. UppASD's uniaxial term has the opposite
    sign (an easy axis has K < 0 there).

    Parameters
    ----------
    species : str or tuple of str
    constant : float, K in eV per atom.
    axis : (3,) float array, n, any length.
    moment : float, m0 in mu_B, the size at which the constants hold.
    fourth : float, K4 in eV per atom. With K4 the model has no bilinear form (``bilinear`` gives
        None) and sub-steps take the generic path.

    Raises
    ------
    ValueError
        For an unknown species, a zero axis, a moment that is not positive, or NaN.
    """

    homogeneous = True

    def __init__(self, species, constant, axis, moment, fourth=0.0):
        self.species = as_species(species)
        self.constant, self.fourth = finite(constant=constant, fourth=fourth)
        self.axis = unit_vector("axis", axis)
        self.moment = _moment(moment)

    def energy(self, moments):
        along = moments @ self.axis
        k2, k4 = self.constant / self.moment**2, self.fourth / self.moment**4
        slope = -2.0 * along * (k2 + 2.0 * k4 * along**2)
        return -(along**2) * (k2 + k4 * along**2), slope[:, None] * self.axis

    def bilinear(self, graph):
        if self.fourth != 0:
            return None
        matrix = -self.constant / self.moment**2 * np.outer(self.axis, self.axis)
        return BilinearForm.on(graph, quadric=(self.kinds(graph) >= 0)[:, None, None] * matrix)

    def to_dict(self):
        return {
            "species": list(self.species),
            "constant": self.constant,
            "axis": self.axis,
            "moment": self.moment,
            "fourth": self.fourth,
        }


@storable
class CubicAnisotropy(OnSite):
    """E = sum_i [K1 (u^2 v^2 + v^2 w^2 + w^2 u^2)/m0^4 + K2 u^2 v^2 w^2/m0^6].

    (u, v, w) are the components of M_i along three orthogonal axes. K1 > 0 makes the axes easy
    (bcc Fe), K1 < 0 the body diagonals (fcc Ni). Polynomial in M, so that M = 0 is legal.

    Parameters
    ----------
    species : str or tuple of str
    k1, k2 : float, K1 and K2 in eV per atom.
    moment : float, m0 in mu_B, the size at which the constants hold.
    axes : (3, 3) float array, rows are the orthogonal axes, any length (default: x, y, z).

    Raises
    ------
    ValueError
        For an unknown species, axes that are not orthogonal, a moment that is not positive, or NaN.
    """

    homogeneous = True

    def __init__(self, species, k1, k2, moment, axes=None):
        self.species = as_species(species)
        self.k1, self.k2 = finite(k1=k1, k2=k2)
        self.moment = _moment(moment)
        axes = np.eye(3) if axes is None else np.array(axes, dtype=float)
        if axes.shape != (3, 3):
            raise ValueError(f"axes must be three vectors, shape (3, 3), got {axes.shape}")
        self.axes = np.array([unit_vector("an axis", axis) for axis in axes])
        if not np.allclose(self.axes @ self.axes.T, np.eye(3), rtol=0, atol=1e-9):
            raise ValueError(f"the axes must be orthogonal to each other, got {axes.tolist()}")

    def energy(self, moments):
        k1, k2 = self.k1 / self.moment**4, self.k2 / self.moment**6
        components = moments @ self.axes.T
        uu, vv, ww = (components**2).T
        energies = k1 * (uu * vv + vv * ww + ww * uu) + k2 * uu * vv * ww
        slopes = np.stack(
            [
                k1 * (vv + ww) + k2 * vv * ww,
                k1 * (uu + ww) + k2 * uu * ww,
                k1 * (uu + vv) + k2 * uu * vv,
            ],
            axis=1,
        )
        return energies, 2.0 * (components * slopes) @ self.axes

    def bilinear(self, graph):
        described = (self.kinds(graph) >= 0)[:, None]
        constants = np.array([self.k1 / self.moment**4, self.k2 / self.moment**6])
        axes = np.broadcast_to(self.axes, (graph.n_atoms, 3, 3)).copy()
        return BilinearForm.on(graph, cubic=described * constants, axes=axes)

    def to_dict(self):
        return {
            "species": list(self.species),
            "k1": self.k1,
            "k2": self.k2,
            "moment": self.moment,
            "axes": self.axes,
        }


def _moment(moment):
    if not (np.isfinite(moment) and moment > 0):
        raise ValueError(
            f"the reference moment must be positive, got {moment}; give the moment size in mu_B at "
            "which the anisotropy constants hold"
        )
    return float(moment)
