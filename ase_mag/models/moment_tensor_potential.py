"""Magnetic moment tensor potentials, collinear as published and non-collinear."""

import numpy as np

from ase_mag.core.storage import storable
from ase_mag.models import magnetic_basis as functions_of_moments
from ase_mag.models.moment_tensor import MomentTensorModel

#: Largest transverse part of a moment, relative to the axis, that counts as rounding, mu_B.
_TRANSVERSE = 1e-6


@storable
class MomentTensorPotential(MomentTensorModel):
    """Magnetic moment tensor potential: E = 1/2 [V(M) + V(-M)], V = sum_i [e_a + sum_k xi_k B_k].

    B_k are all contractions, up to a level, of the moment tensors
    M_{mu,nu} = sum_j f_mu(r_ij, m_i, m_j) u_ij^(x nu), u = r/|r|, with
    f_mu = s sum c_{ab,mu}^{zeta,beta,gamma} T_zeta(r) T_beta(m_i) T_gamma(m_j) (R - r)^2:
    Chebyshev polynomials of r on (r_min, R) and of the moments on (-m_max, m_max). a and b are
    the species of i and j. m_i = M_i.axis: the model is collinear, moments must have no
    transverse part, and the energy is by definition independent of one: magnetic forces are
    along the axis. I. Novikov et al., npj Comput. Mater. 8, 13 (2022); A. S. Kotykhov et al.,
    Comput. Mater. Sci. 245, 113331 (2024), eqs 1-6 (where u is written r, and Chebyshev orders
    run from 0).

    The parameters, in this order: c with shape ``coefficient_shape`` (a, b, beta * magnetic_basis +
    gamma, mu, zeta), xi, e_a; xi and e_a are linear. A fresh potential has random parameters c of
    order 1 and xi of order 0.1 eV.

    Parameters
    ----------
    species : str or tuple of str
    level : int; the level of M_{mu,nu} is 2 + 4 mu + nu, that of a contraction the sum.
    magnetic_basis : int, number of Chebyshev polynomials of a moment; 1: not magnetic.
    cutoff : float, R, angstrom.
    n_radial_basis : int, number of Chebyshev polynomials of r.
    r_min : float, angstrom, shortest distance that the potential is made for.
    max_moment : float or dict from symbol to float, m_max, mu_B, largest moment.
    axis : three floats, the direction of the moments. With ``magnetic_basis`` 1 and without
        on-site terms moments are not read, and any are accepted.
    cutoff_power : int; 2: as published, forces are continuous at the cutoff but not their slopes;
        3: these too.
    max_factors : int or None; tensors in a contraction.
    onsite : int; additional linear terms sum_k a_{a,k} (m_i/m_max)^(2 k), k <= onsite, which an
        atom without neighbors needs if its energy is to depend on its moment (published: 0).
    extrapolate : bool; True: distances below ``r_min`` and moments above ``max_moment``, where
        the polynomials go on but no training data were, are accepted. ``extrapolates`` tells
        which atoms are outside.
    rng : int or numpy Generator, for fresh parameters.
    basis : MomentTensorBasis, optional; other contractions than those of ``level``.
    scaling : float, optional; s, a constant that is not fitted. By default such that c and the
        tensors of a close-packed crystal are of order 1.
    parameters : (n_parameters,) float array, optional.

    Raises
    ------
    ValueError
        For numbers out of range. On evaluation: moments with a transverse part; without
        ``extrapolate`` distances below ``r_min`` and moments above ``max_moment``.
    """

    homogeneous = True
    dimension = 1

    def __init__(
        self,
        species,
        level=12,
        magnetic_basis=2,
        cutoff=5.0,
        *,
        n_radial_basis=8,
        r_min=2.0,
        max_moment=3.0,
        axis=(0.0, 0.0, 1.0),
        cutoff_power=2,
        max_factors=4,
        onsite=0,
        extrapolate=False,
        rng=0,
        basis=None,
        scaling=None,
        parameters=None,
    ):
        axis = np.array(axis, dtype=float)
        if axis.shape != (3,) or not np.isfinite(axis).all() or not axis.any():
            raise ValueError(f"axis must be three numbers that are not all zero, got {axis}")
        self.axis = axis / np.linalg.norm(axis)
        super().__init__(
            species,
            level,
            magnetic_basis,
            cutoff,
            n_radial_basis=n_radial_basis,
            r_min=r_min,
            max_moment=max_moment,
            cutoff_power=cutoff_power,
            max_factors=max_factors,
            onsite=onsite,
            extrapolate=extrapolate,
            rng=rng,
            basis=basis,
            scaling=scaling,
            parameters=parameters,
        )
        if self.magnetic_basis > 1 or self.onsite:
            self.moment_axis = self.axis

    _channels = staticmethod(functions_of_moments.collinear)

    def _scaled(self, graph, moments):
        if self.moment_axis is None:
            return np.zeros((graph.n_atoms, 1))
        kinds = self.kinds(graph)
        along = moments @ self.axis
        across = np.abs(moments - along[:, None] * self.axis).max(axis=1, initial=0.0)
        across[kinds < 0] = 0.0
        if across.max(initial=0.0) > _TRANSVERSE:
            i = int(across.argmax())
            raise ValueError(
                f"the moment of atom {graph.label(i)} is {moments[i].tolist()} mu_B, but a "
                f"collinear potential reads moments along its axis {self.axis.tolist()} only: "
                "turn the moments, give axis=..., or use NoncollinearMomentTensorPotential"
            )
        largest = np.append(self.max_moment, np.inf)
        return (along / largest[kinds])[:, None]

    def _unscaled(self, graph, slopes):
        largest = np.append(self.max_moment, np.inf)
        return slopes / largest[self.kinds(graph)][:, None] * self.axis

    def _scaled_tangents(self, graph, tangents):
        largest = np.append(self.max_moment, np.inf)
        return np.ascontiguousarray((tangents @ self.axis / largest[self.kinds(graph)])[:, None])

    def to_dict(self):
        return super().to_dict() | {"axis": self.axis}


@storable
class NoncollinearMomentTensorPotential(MomentTensorModel):
    """Moment tensor potential of moment vectors: E = sum_i [e_a + sum_k xi_k B_k + on-site terms].

    As :class:`MomentTensorPotential`, but the radial functions depend on the moments through
    p = v_i^2, q = v_j^2 and s = v_i.v_j, v = M/m_max:
    f_mu = s sum c_{ab,mu}^{zeta,abc} T_zeta(r) T_a(2 p - 1) T_b(2 q - 1) T_c(s) (R - r)^2 with
    a + b + c < magnetic_basis: all polynomials of the two moments up to order
    2 (magnetic_basis - 1) that are invariant under global rotations of the moments and time
    reversal, with Heisenberg exchange J(r) M_i.M_j from 2, biquadratic exchange and Landau terms
    of fourth order from 3. On collinear moments it contains the radial functions with
    beta + gamma even of a collinear potential with the same ``magnetic_basis``. Products such as
    M_j.M_k of two neighbors of an atom appear only through contractions of s; spin-orbit terms
    do not appear.

    Parameters
    ----------
    onsite : int; linear terms sum_k a_{a,k} (m_i/m_max)^(2 k), k <= onsite (default 3); without
        them the energy of an atom without neighbors does not depend on its moment.
    species, level, magnetic_basis, cutoff and all others : see :class:`MomentTensorPotential`.

    Raises
    ------
    ValueError
        For numbers out of range; on evaluation, without ``extrapolate``, for distances below
        ``r_min`` and moments above ``max_moment``.
    """

    homogeneous = True
    dimension = 3

    def __init__(
        self,
        species,
        level=12,
        magnetic_basis=2,
        cutoff=5.0,
        *,
        n_radial_basis=8,
        r_min=2.0,
        max_moment=3.0,
        cutoff_power=2,
        max_factors=4,
        onsite=3,
        extrapolate=False,
        rng=0,
        basis=None,
        scaling=None,
        parameters=None,
    ):
        super().__init__(
            species,
            level,
            magnetic_basis,
            cutoff,
            n_radial_basis=n_radial_basis,
            r_min=r_min,
            max_moment=max_moment,
            cutoff_power=cutoff_power,
            max_factors=max_factors,
            onsite=onsite,
            extrapolate=extrapolate,
            rng=rng,
            basis=basis,
            scaling=scaling,
            parameters=parameters,
        )

    _channels = staticmethod(functions_of_moments.noncollinear)

    def _scaled(self, graph, moments):
        largest = np.append(self.max_moment, np.inf)
        return np.ascontiguousarray(moments / largest[self.kinds(graph)][:, None])

    _unscaled = _scaled
    _scaled_tangents = _scaled
