"""The fast path: energies that are quadratic in the moments plus on-site polynomials."""

from dataclasses import dataclass, fields, replace

import numpy as np

from ase_mag import _kernels
from ase_mag.core.memory import Memory
from ase_mag.core.threads import threads_for

#: Rows of padded arrays come in multiples of this, the lanes of the noise kernel.
LANES = 8


def padded(vectors):
    """Return a copy of ``vectors`` (n, 3) with a fourth column and rows up to a multiple of 8.

    The kernels of bilinear forms take moments in this shape: one vector load is one moment. The
    added entries are zero.
    """
    n = len(vectors)
    result = aligned_zeros(-(-n // LANES) * LANES)
    result[:n, :3] = vectors
    return result


def aligned_zeros(rows):
    """Return zeros, (rows, 4), no row of which lies across two cache lines."""
    memory = np.zeros(4 * rows + 8)
    start = -(memory.__array_interface__["data"][0] // 8) % 8
    return memory[start : start + 4 * rows].reshape(rows, 4)


@dataclass(frozen=True)
class BilinearForm:
    """Energy of the moments at frozen positions, a sum of pair and on-site terms.

    E = sum_i c_i - 1/2 sum_ij J_ij M_i.M_j - 1/2 sum_ij M_i.T_ij.M_j - sum_i h_i.M_i
        + sum_i [a_i m_i^2 + b_i m_i^4 + c_i m_i^6 + M_i.Q_i.M_i
                 + k1_i (u^2 v^2 + v^2 w^2 + w^2 u^2) + k2_i u^2 v^2 w^2],  (u, v, w) = R_i M_i

    where both orders of a pair are listed, J_ji = J_ij and T_ji = T_ij^T, and Q is symmetric, so
    that B_i = -dE/dM_i = sum_j (J_ij + T_ij) M_j + h_i - (on-site gradients).

    Attributes
    ----------
    offsets : (N + 1,) int32 array, pairs of site i are ``offsets[i]:offsets[i + 1]``.
    neighbors : (n_pairs,) int32 array, j of every pair.
    constant : (N,) float array, energy without moments, eV.
    exchange : (n_pairs,) float array or None, J_ij, eV/mu_B^2.
    tensors : (n_pairs, 3, 3) float array or None, T_ij, eV/mu_B^2.
    field : (N, 3) float array or None, h_i, eV/mu_B.
    landau : (N, 3) float array or None, a_i, b_i, c_i in eV/mu_B^2, eV/mu_B^4, eV/mu_B^6.
    quadric : (N, 3, 3) float array or None, Q_i, eV/mu_B^2.
    cubic : (N, 2) float array or None, k1_i, k2_i in eV/mu_B^4 and eV/mu_B^6.
    axes : (N, 3, 3) float array or None, rotations R_i of the cubic terms (rows are axes).
    """

    offsets: np.ndarray
    neighbors: np.ndarray
    constant: np.ndarray
    exchange: np.ndarray | None = None
    tensors: np.ndarray | None = None
    field: np.ndarray | None = None
    landau: np.ndarray | None = None
    quadric: np.ndarray | None = None
    cubic: np.ndarray | None = None
    axes: np.ndarray | None = None

    @classmethod
    def on(cls, graph, **terms):
        """Make a form on the pairs of ``graph``; ``constant`` defaults to zero."""
        terms.setdefault("constant", np.zeros(graph.n_sites))
        return cls(graph.offsets, graph.neighbors, **terms)

    @property
    def n_atoms(self):
        """Number of moments."""
        return len(self.constant)

    @property
    def arrays(self):
        """The arrays in the order that the kernels take (without ``constant``)."""
        return (
            self.offsets,
            self.neighbors,
            self.exchange,
            self.tensors,
            self.field,
            self.landau,
            self.quadric,
            self.cubic,
            self.axes,
        )

    def __add__(self, other):
        """Sum of two forms on the same pairs.

        Raises
        ------
        ValueError
            If the pairs differ, or an atom has cubic terms along different axes in both.
        """
        if not (
            np.array_equal(self.offsets, other.offsets)
            and np.array_equal(self.neighbors, other.neighbors)
        ):
            raise ValueError("only bilinear forms on the same pairs can be added")
        total = {}
        for f in fields(self)[2:]:
            a, b = getattr(self, f.name), getattr(other, f.name)
            if f.name == "axes" and a is not None and b is not None:
                if self.conflicts(other):
                    raise ValueError("cubic terms along different axes cannot share one form")
                total[f.name] = np.where(self.cubic.any(axis=1)[:, None, None], a, b)
            else:
                total[f.name] = (b if a is None else a) if a is None or b is None else a + b
        return BilinearForm(self.offsets, self.neighbors, **total)

    def conflicts(self, other):
        """Return whether an atom has cubic terms in both forms, along different axes."""
        if self.cubic is None or other.cubic is None:
            return False
        both = self.cubic.any(axis=1) & other.cubic.any(axis=1)
        return not np.array_equal(self.axes[both], other.axes[both])

    def evaluate(self, moments):
        """Return site energies (N,) in eV and magforces -dE/dM (N, 3) in eV/mu_B."""
        energies = np.empty(self.n_atoms)
        magforces = np.empty((self.n_atoms, 3))
        threads = threads_for(len(self.neighbors) + self.n_atoms)
        _kernels.bilinear.evaluate(self.arrays, padded(moments), energies, magforces, threads)
        return energies + self.constant, magforces

    def without_onsite(self):
        """Return the terms that are linear in every single moment: exchange, tensors, field."""
        return replace(self, landau=None, quadric=None, cubic=None, axes=None)

    def merged(self, memory=None, n_atoms=None):
        """Return an equal form without zero couplings and with one entry per neighbor atom.

        Periodic images of the same neighbor are added up; couplings of an atom to its own images
        become on-site terms. Sub-steps run on this form.

        Parameters
        ----------
        memory : Memory, where the arrays over the pairs are made (default: fresh memory).
        n_atoms : int, the number of sites and ghosts, where there are ghosts among the neighbors.
        """
        memory = Memory() if memory is None else memory
        if self.exchange is None and self.tensors is None:
            return replace(
                self,
                offsets=np.zeros(self.n_atoms + 1, np.intc),
                neighbors=np.zeros(0, np.intc),
            )
        n, n_pairs = self.n_atoms, len(self.neighbors)
        offsets = np.empty(n + 1, np.intc)
        neighbors = memory.empty((n_pairs,), np.intc)
        exchange = None if self.exchange is None else memory.empty((n_pairs,))
        tensors = None if self.tensors is None else memory.empty((n_pairs, 3, 3))
        self_exchange, self_tensors = np.zeros(n), np.zeros((n, 3, 3))
        kept = _kernels.bilinear.merge_images(
            self.offsets,
            self.neighbors,
            self.exchange,
            self.tensors,
            np.full(n_atoms or n, -1, np.intc),
            offsets,
            neighbors,
            exchange,
            tensors,
            self_exchange,
            self_tensors,
        )
        landau, quadric = self.landau, self.quadric
        if self_exchange.any():
            landau = np.zeros((n, 3)) if landau is None else landau.copy()
            landau[:, 0] -= 0.5 * self_exchange
        if self_tensors.any():
            quadric = np.zeros((n, 3, 3)) if quadric is None else quadric.copy()
            quadric -= 0.25 * (self_tensors + self_tensors.transpose(0, 2, 1))
        return replace(
            self,
            offsets=offsets,
            neighbors=neighbors[:kept],
            exchange=None if exchange is None else exchange[:kept],
            tensors=None if tensors is None else tensors[:kept],
            landau=landau,
            quadric=quadric,
        )
