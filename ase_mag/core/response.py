"""What a model returns, and the one place where forces, magnetic forces and virial are made."""

from dataclasses import dataclass

import numpy as np

from ase_mag import _kernels

#: Runs of sites whose forces are collected apart: as many threads work on them at most.
_PARTS = 4


@dataclass
class Gradients:
    """Site energies and their raw derivatives, as a local model returns them.

    Attributes
    ----------
    energies : (n_sites,) float array, E_i in eV; the total energy is their sum.
    moments : (n_atoms, 3) float array or None, dE/dM in eV/mu_B (None: no moments in the model).
    pairs : (n_pairs, 3) float array or None, dE/dr_ij in eV/angstrom, where the two orders of a
        pair are separate variables. None: not asked for (``lattice=False``), or no pair terms.
    radial : (n_pairs,) float array or None, dE/d|r_ij| in eV/angstrom of terms that know pairs by
        their distance only: dE/dr_ij = pairs + radial r_ij/|r_ij|.
    """

    energies: np.ndarray
    moments: np.ndarray | None = None
    pairs: np.ndarray | None = None
    radial: np.ndarray | None = None

    def add(self, other):
        """Add other gradients to these; arrays are changed in place unless they are read-only."""
        self.energies = _added(self.energies, other.energies)
        self.moments = _added(self.moments, other.moments)
        self.pairs = _added(self.pairs, other.pairs)
        self.radial = _added(self.radial, other.radial)

    def __add__(self, other):
        return Gradients(
            self.energies + other.energies,
            _sum(self.moments, other.moments),
            _sum(self.pairs, other.pairs),
            _sum(self.radial, other.radial),
        )


def _sum(a, b):
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _added(a, b):
    if a is None or b is None:
        return b if a is None else a
    if not a.flags.writeable:
        a, b = (b, a) if b.flags.writeable else (a.copy(), b)
    a += b
    return a


@dataclass
class Response:
    """Energies and derivatives of one (geometry, moments) pair.

    Attributes
    ----------
    energies : (n_sites,) float array, eV, with sum = energy.
    magforces : (n_atoms, 3) float array, -dE/dM, eV/mu_B.
    forces : (n_atoms, 3) float array or None, -dE/dR, eV/angstrom.
    virials : (n_sites, 3, 3) float array or None, r (x) dE/dr of each site, eV. The sum over
        sites is dE/d(strain).
    """

    energies: np.ndarray
    magforces: np.ndarray
    forces: np.ndarray | None = None
    virials: np.ndarray | None = None

    @property
    def energy(self):
        """Total energy, eV."""
        return float(self.energies.sum())

    @property
    def virial(self):
        """dE/d(strain), (3, 3), eV; the stress in ASE's sign is virial / volume."""
        return None if self.virials is None else self.virials.sum(axis=0)

    @classmethod
    def from_gradients(cls, graph, gradients, *, lattice=True):
        """Assemble forces, magnetic forces and virials from site-centered gradients.

        With r_ij = x_j - x_i, both orders counted,
        F_k = sum_j dE/dr_kj - sum_i dE/dr_ik, W_k = sum_j r_kj (x) dE/dr_kj, B_k = -dE/dM_k.

        Ghost atoms (index >= n_sites) receive their share, which the caller adds to their owners.
        """
        if gradients.moments is None:
            magforces = np.zeros((graph.n_atoms, 3))
        else:
            magforces = -gradients.moments
        if not lattice:
            return cls(gradients.energies, magforces)
        if graph.n_pairs == 0 or (gradients.pairs is None and gradients.radial is None):
            forces = np.zeros((graph.n_atoms, 3))
            virials = np.zeros((graph.n_sites, 3, 3))
            return cls(gradients.energies, magforces, forces, virials)
        forces, virials = np.empty((graph.n_atoms, 3)), np.empty((graph.n_sites, 3, 3))
        _assemble(graph, gradients, forces, virials)
        return cls(gradients.energies, magforces, forces, virials)


def _assemble(graph, gradients, forces, virials):
    """Set forces and virials by the gradients of pairs."""
    topology = graph.topology
    if not topology.in_order:
        # Parts of a system, each with a list of pairs of its own: tables of reverse pairs would
        # take more memory than all else.
        _kernels.assemble.scatter(
            topology.offsets,
            topology.neighbors,
            topology.translation,
            *graph.rows,
            graph.distances,
            gradients.pairs,
            gradients.radial,
            topology.memory.empty((_PARTS, graph.n_atoms, 4)),
            forces,
            virials,
            graph.threads,
        )
        return
    reverse = topology.reverse
    if graph.n_atoms > graph.n_sites:
        reverse = topology.owned_reverse
    ending = (None, None, None)
    if reverse is None:
        ending = (*topology.incoming, topology.centers)
    _kernels.assemble.forces_virials(
        topology.offsets,
        topology.neighbors,
        topology.translation,
        *graph.rows,
        graph.distances,
        gradients.pairs,
        gradients.radial,
        reverse,
        *ending,
        forces,
        virials,
        graph.threads,
    )
    if reverse is not None and graph.n_atoms > graph.n_sites:
        _kernels.assemble.add_ghosts(
            *topology.ghost_pairs,
            topology.neighbors,
            topology.translation,
            *graph.rows,
            graph.distances,
            gradients.pairs,
            gradients.radial,
            forces,
        )
