"""Exchange that is not isotropic: symmetric tensors and the Dzyaloshinskii-Moriya interaction."""

import numpy as np

from ase_mag import _kernels
from ase_mag.core.bilinear import BilinearForm
from ase_mag.core.response import Gradients
from ase_mag.core.storage import storable
from ase_mag.models.heisenberg import PairCoupling, exchange_gradients


@storable
class TensorExchange(PairCoupling):
    """E = -1/2 sum_ij J(r_ij) M_i.S.M_j, both orders counted, S a constant symmetric matrix.

    S = diag(1, 1, 1 + d) is XXZ exchange, diag(0, 0, 1) Ising exchange. For tensors that differ
    from bond to bond see :class:`BondExchange`; the antisymmetric part is
    :class:`DzyaloshinskiiMoriya`.

    Parameters
    ----------
    species, function, unit, convention, moment : see :class:`Heisenberg`.
    tensor : (3, 3) float array, S, dimensionless, symmetric.

    Raises
    ------
    ValueError
        If S is not a finite symmetric (3, 3) matrix; and as :class:`Heisenberg`.
    """

    homogeneous = True

    def __init__(self, species, function, tensor, unit="eV", convention="inside", moment=None):
        super().__init__(species, function, unit, convention, moment)
        self.tensor = _matrix("tensor", tensor)
        if not np.allclose(self.tensor, self.tensor.T, rtol=1e-12, atol=0):
            raise ValueError(
                f"the tensor must be symmetric, got {self.tensor.tolist()}: exchange that depends "
                "on the distance only is the same for both orders of a pair; use "
                "DzyaloshinskiiMoriya for the antisymmetric part, BondExchange for tables"
            )

    def gradients(self, graph, moments, *, lattice=True):
        partners = np.ascontiguousarray(moments @ self.tensor)
        couplings = self.couplings(graph, lattice)
        return exchange_gradients(graph, *couplings, moments, partners, lattice)

    def bilinear(self, graph):
        exchange = self.couplings(graph, lattice=False)[0]
        return BilinearForm.on(graph, tensors=exchange[:, None, None] * self.tensor)

    def to_dict(self):
        return {**super().to_dict(), "tensor": self.tensor}


@storable
class DzyaloshinskiiMoriya(PairCoupling):
    """E = -1/2 sum_ij D_ij.(M_i x M_j), D_ij = D(r_ij) A r_ij/|r_ij|, both orders counted.

    r_ij points from i to j, so D_ji = -D_ij. The sign is that of UppASD since May 2023
    (H = -sum_{i!=j} D_ij.(e_i x e_j); its older code has the opposite one), so that
    ``convention='UppASD'`` converts. Two moments with exchange J and D_ij along +z come to rest
    with M_j turned from M_i by phi, tan(phi) = D/J, counterclockwise about +z.

    Parameters
    ----------
    species, function, unit, convention, moment : see :class:`Heisenberg`; the function is D(r).
    rule : ``"bulk"``, D along the bond (A = 1; B20 compounds); ``"interfacial"``, D along
        normal x r; or a (3, 3) float array A (diag(1, -1, 0) is D2d symmetry).
    normal : (3,) float array, any length; the direction of an interface.

    Raises
    ------
    ValueError
        For an unknown rule or a zero normal; and as :class:`Heisenberg`.
    """

    homogeneous = True

    def __init__(
        self,
        species,
        function,
        rule="bulk",
        normal=(0.0, 0.0, 1.0),
        unit="eV",
        convention="inside",
        moment=None,
    ):
        super().__init__(species, function, unit, convention, moment)
        if isinstance(rule, str):
            if rule not in ("bulk", "interfacial"):
                raise ValueError(
                    f"rule {rule!r} is unknown: use 'bulk', 'interfacial' or a (3, 3) matrix"
                )
            rule = np.eye(3) if rule == "bulk" else _cross(unit_vector("normal", normal))
        self.rule = _matrix("rule", rule)

    def tensors(self, graph):
        """Return T_ij with D_ij.(M_i x M_j) = M_i.T_ij.M_j, (n_pairs, 3, 3), eV/mu_B^2."""
        return graph.cached((self, "tensors"), lambda: self._tensors(graph))

    def _tensors(self, graph):
        tensors = np.empty((graph.n_pairs, 3, 3))
        _kernels.exchange.directed(
            graph.vectors,
            graph.distances,
            self.couplings(graph)[0],
            self.rule,
            tensors,
            graph.threads,
        )
        return tensors

    def gradients(self, graph, moments, *, lattice=True):
        result = tensor_gradients(graph, self.tensors(graph), moments)
        if lattice:
            result.pairs = np.empty((graph.n_pairs, 3))
            _kernels.exchange.directed_pairs(
                graph.offsets,
                graph.neighbors,
                *self.couplings(graph),
                self.rule,
                graph.vectors,
                graph.distances,
                moments,
                result.pairs,
                graph.threads,
            )
        return result

    def bilinear(self, graph):
        return BilinearForm.on(graph, tensors=self.tensors(graph))

    def to_dict(self):
        return {**super().to_dict(), "rule": self.rule}


def dmi_tensors(vectors):
    """Return T with D.(M_i x M_j) = M_i.T.M_j, that is T_ab = sum_c eps_abc D_c.

    Parameters
    ----------
    vectors : (..., 3) float array, D; any unit.

    Returns
    -------
    (..., 3, 3) float array in the same unit.
    """
    return -_cross(vectors)


def tensor_gradients(graph, tensors, moments):
    """Return energies and moment gradients of E_i = -1/2 sum_j M_i.T_ij.M_j (no pair gradients).

    Parameters
    ----------
    graph : PairGraph
    tensors : (n_pairs, 3, 3) float array with T_ji = T_ij^T, eV/mu_B^2.
    moments : (n_atoms, 3) float array, mu_B.
    """
    energies, gradient = np.empty(graph.n_sites), np.zeros((graph.n_atoms, 3))
    ghosts = graph.n_atoms > graph.n_sites and not graph.one_sided
    _kernels.exchange.tensorial(
        graph.offsets,
        graph.neighbors,
        tensors,
        moments,
        0.5 if ghosts else 1.0,
        energies,
        gradient,
        graph.threads,
    )
    if ghosts:
        _kernels.exchange.tensorial_incoming(
            *graph.topology.incoming, graph.centers, tensors, moments, gradient, graph.threads
        )
    return Gradients(energies, gradient)


def _cross(vector):
    """Return the matrix X with X w = vector x w; (..., 3) to (..., 3, 3)."""
    x, y, z = np.moveaxis(np.asarray(vector, dtype=float), -1, 0)
    zero = np.zeros_like(x)
    rows = [[zero, -z, y], [z, zero, -x], [-y, x, zero]]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


def _matrix(name, matrix):
    matrix = np.array(matrix, dtype=float, order="C")
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
        raise ValueError(f"{name} must be a finite (3, 3) matrix, got {matrix.tolist()}")
    return matrix


def unit_vector(name, vector):
    """Return ``vector`` (3,) with length one, or raise ValueError."""
    vector = np.array(vector, dtype=float)
    if vector.shape != (3,) or not np.isfinite(vector).all() or not vector.any():
        raise ValueError(f"{name} must be three numbers, not all zero, got {vector.tolist()}")
    length = np.linalg.norm(vector)
    # A vector that has been normalized before keeps its bits.
    return vector if abs(length - 1.0) < 1e-15 else vector / length
