"""Linear spin-wave theory: energies of magnons from the bilinear form of a model."""

from dataclasses import dataclass

import numpy as np

from ase_mag import units
from ase_mag.analysis import plots
from ase_mag.core import PairGraph, get_moments
from ase_mag.core.hessian import onsite_blocks

#: Curvatures below this part of the largest terms are zero: modes that cost no energy.
_ZERO = 1e-9


@dataclass(frozen=True)
class SpinWaves:
    """Magnon energies at wave vectors.

    Attributes
    ----------
    q_points : (n_q, 3) float array, in units of the reciprocal cell vectors: the phase from one
        cell to the next is 2 pi q.
    energies : (n_q, n_atoms) float array, eV, ascending; one band per moment of the cell.
    distances : (n_q,) float array, 1/angstrom, length along the path.
    ticks : list of (distance, name), the special points of a path; empty without a path.
    """

    q_points: np.ndarray
    energies: np.ndarray
    distances: np.ndarray
    ticks: list

    def plot(self):
        """Return a figure of the bands in meV (matplotlib)."""

        def draw(axes):
            axes.plot(self.distances, 1e3 * self.energies, color=plots.COLORS[0])
            plots.path_axis(axes, self)
            axes.set(ylim=(0, None), ylabel="magnon energy (meV)")

        return plots.make(draw)

    def __str__(self):
        heads = "".join(f"{f'band {k + 1} (meV)':>15}" for k in range(self.energies.shape[1]))
        rows = [
            f"{q[0]:9.4f}{q[1]:9.4f}{q[2]:9.4f}" + "".join(f"{1e3 * e:15.4f}" for e in bands)
            for q, bands in zip(self.q_points, self.energies, strict=True)
        ]
        return "\n".join([f"{'q (reciprocal cell)':>27}{heads}", *rows])


def spin_waves(
    atoms, model, q_points=None, *, path=None, n_points=100, g=units.g_electron, torque=1e-4
):
    """Return the energies of small precessions around an equilibrium of the moments.

    Moments have fixed sizes; their transverse parts u (two components, in a frame P_i with the
    third axis along M_i) obey the Landau-Lifshitz equation to first order,

    du_x/dt = -gamma |M| (A u)_y, du_y/dt = gamma |M| (A u)_x,
    A_ij(q) = P_i^T [H_i delta_ij - sum_p T_p exp(i q.r_p)] P_j + delta_ij B_i.M_i/|M_i|^2,

    with the exchange tensors T_p (J times the unit matrix, and others) of the pairs p from i to j,
    second derivatives H_i of on-site terms and magnetic forces B_i. Energies are hbar times the
    frequencies, hbar gamma = g for fields in eV/mu_B. A ferromagnet of one moment per cell has
    E = g m sum_j J_ij (1 - cos q.r). S. Toth and B. Lake, J. Phys.: Condens. Matter 27, 166002
    (2015), is the quantum version, with the same energies.

    Parameters
    ----------
    atoms : ase.Atoms with moments in equilibrium; a cell whose repetition is the magnetic crystal.
    model : Model with a bilinear form.
    q_points : (n_q, 3) float array, in units of the reciprocal cell vectors.
    path : str instead of q_points, special points of the cell as ASE names them ('GHNGP').
    n_points : int, points on the path.
    g : float; 2.0023 by default; other codes take 2.
    torque : float, eV/mu_B, largest part of B_i across M_i that is an equilibrium.

    Returns
    -------
    SpinWaves

    Raises
    ------
    ValueError
        If the model has no bilinear form, a moment is zero, the moments are not in equilibrium or
        a wave at one of the wave vectors lowers the energy, neither or both of ``q_points`` and
        ``path`` are given, or a path without three cell vectors.
    """
    if (q_points is None) == (path is None):
        raise ValueError("give either q_points or path")
    names = []
    if path is not None:
        if atoms.cell.rank < 3:
            raise ValueError(
                f"a path needs the zone of a cell with three vectors, but the cell of atoms has "
                f"{atoms.cell.rank}: give q_points"
            )
        band = atoms.cell.bandpath(path, npoints=n_points)
        q_points, (_, places, labels) = band.kpts, band.get_linear_kpoint_axis()
        names = list(zip(places.tolist(), labels, strict=True))
    q_points = np.array(q_points, dtype=float).reshape(-1, 3)
    steps = np.diff(q_points @ atoms.cell.reciprocal() * 2 * np.pi, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    if names:  # where a path jumps there is no length
        distances = band.get_linear_kpoint_axis()[0]
    else:
        distances = np.concatenate([[0.0], np.cumsum(lengths)])
    graph, form, moments = _equilibrium(atoms, model, torque)
    sizes = np.linalg.norm(moments, axis=1)
    frames = _transverse(moments / sizes[:, None])
    local = _local(graph, form, moments, sizes, frames)
    pairs = _pairs(graph, form, frames)
    shifts = graph.topology.shifts
    energies = np.array(
        [_bands(graph, local, pairs, shifts, sizes, q, g) for q in q_points]
    ).reshape(-1, len(moments))
    return SpinWaves(q_points, energies, distances, names)


def _equilibrium(atoms, model, torque):
    model.check_species(atoms.numbers)
    moments = get_moments(atoms)
    sizes = np.linalg.norm(moments, axis=1)
    if not (sizes > 0).all():
        raise ValueError(
            f"atom {int(sizes.argmin())} has no moment: leave atoms without moments out, or set one"
        )
    graph = PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, model.cutoff
    )
    form = model.bilinear(graph)
    if form is None:
        raise ValueError(f"{model!r} has no bilinear form, which linear spin-wave theory needs")
    field = form.evaluate(moments)[1]
    across = np.linalg.norm(np.cross(field, moments), axis=1) / sizes
    if across.max() > torque:
        raise ValueError(
            f"the moments are not in equilibrium: the field of atom {int(across.argmax())} has "
            f"{across.max():.3g} eV/mu_B across its moment; relax them (optimize.relax_moments)"
        )
    return graph, form, moments


def _transverse(directions):
    """Return two axes across each direction, (n, 3, 2), right-handed with it."""
    helper = np.eye(3)[np.abs(directions).argmin(axis=1)]
    first = np.cross(helper, directions)
    first /= np.linalg.norm(first, axis=1)[:, None]
    return np.stack([first, np.cross(directions, first)], axis=2)


def _local(graph, form, moments, sizes, frames):
    """Return the blocks of A that are diagonal in the atoms, (n, 2, 2)."""
    field = form.evaluate(moments)[1]
    blocks = np.einsum("iap,iab,ibq->ipq", frames, onsite_blocks(form, moments), frames)
    along = np.einsum("ia,ia->i", field, moments) / sizes**2
    return blocks + along[:, None, None] * np.eye(2)


def _pairs(graph, form, frames):
    """Return -P_i^T T_ij P_j of every pair, (n_pairs, 2, 2)."""
    i, j = graph.centers, graph.neighbors
    out = np.zeros((graph.n_pairs, 2, 2))
    if form.exchange is not None:
        out -= form.exchange[:, None, None] * np.einsum("pak,pal->pkl", frames[i], frames[j])
    if form.tensors is not None:
        out -= np.einsum("pak,pab,pbl->pkl", frames[i], form.tensors, frames[j])
    return out


def _bands(graph, local, pairs, shifts, sizes, q, g):
    n = len(sizes)
    phases = np.exp(2j * np.pi * (shifts @ q))
    matrix = np.zeros((n, n, 2, 2), dtype=complex)
    np.add.at(matrix, (graph.centers, graph.neighbors), phases[:, None, None] * pairs)
    matrix[np.arange(n), np.arange(n)] += local
    hessian = matrix.transpose(0, 2, 1, 3).reshape(2 * n, 2 * n)
    curvatures = np.linalg.eigvalsh(0.5 * (hessian + hessian.conj().T))
    if curvatures[0] < -_ZERO * (np.abs(local).max() + np.abs(pairs).max(initial=0.0)):
        raise ValueError(
            f"the moments are at no minimum of the energy: at q = {q.tolist()} (reciprocal cell) "
            f"its lowest curvature is {curvatures[0]:.3g} eV/mu_B^2; relax the moments in a larger "
            "cell, or start from another order"
        )
    # du_x/dt = -gamma m (A u)_y, du_y/dt = gamma m (A u)_x.
    turn = np.kron(np.diag(sizes), [[0.0, -1.0], [1.0, 0.0]])
    values = 1j * np.linalg.eigvals(turn @ hessian)
    return g * np.abs(np.sort(values.real)[n:])
