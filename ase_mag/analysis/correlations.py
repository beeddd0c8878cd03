"""Correlations between pairs of atoms: of their moments, and of their places."""

from dataclasses import dataclass

import numpy as np
from matscipy.neighbours import neighbour_list

from ase_mag.analysis import plots
from ase_mag.core import get_moments


@dataclass(frozen=True)
class PairCorrelation:
    """Averages over pairs of atoms in shells of the distance.

    Attributes
    ----------
    edges : (n + 1,) float array, angstrom. distances : (n,) float array, centers of the shells.
    moments : (n,) float array, <M_i.M_j> of the pairs in a shell, mu_B^2; nan without pairs.
    directions : (n,) float array, <e_i.e_j>. errors : (n,) float array, standard errors of
        ``moments`` from blocks of frames; nan for fewer than two blocks.
    density : (n,) float array, radial distribution function g(r), 1 at large distances.
    n_frames : int
    """

    edges: np.ndarray
    moments: np.ndarray
    directions: np.ndarray
    errors: np.ndarray
    density: np.ndarray
    n_frames: int

    @property
    def distances(self):
        return 0.5 * (self.edges[1:] + self.edges[:-1])

    def plot(self):
        """Return a figure of <M_i.M_j> and g(r) (matplotlib)."""

        def draw(left, right):
            left.errorbar(self.distances, self.moments, self.errors, fmt="o-", ms=3, lw=1)
            left.axhline(0.0, color="k", lw=0.6)
            left.set(
                xlabel=r"$r$ ($\mathrm{\AA}$)",
                ylabel=r"$\langle\mathbf{M}_i\cdot\mathbf{M}_j\rangle$ ($\mu_\mathrm{B}^2$)",
            )
            right.stairs(self.density, self.edges, color=plots.COLORS[0])
            right.set(xlabel=r"$r$ ($\mathrm{\AA}$)", ylabel=r"$g(r)$", ylim=(0, None))

        return plots.make(draw, columns=2)


def pair_correlation(frames, cutoff=8.0, width=0.1, *, skip=0, stride=1, blocks=10):
    """Return <M_i.M_j>(r), <e_i.e_j>(r) and g(r) of a sequence of frames.

    All pairs and images within the cutoff count, i with itself only through images.

    Parameters
    ----------
    frames : iterable of ase.Atoms with moments, periodic in three directions.
    cutoff, width : float, angstrom, the largest distance and the width of a shell.
    skip, stride : int, frames at the beginning that are left out, and of which every how manieth
        counts. blocks : int, equal parts of the frames whose averages give the errors; fewer
        frames than blocks: each is one.

    Returns
    -------
    PairCorrelation

    Raises
    ------
    ValueError
        For lengths or counts that are not positive, no frames, or cells without a volume.
    """
    if not (0 < width <= cutoff < np.inf):
        raise ValueError(f"0 < width <= cutoff is needed, got width {width} and cutoff {cutoff}")
    if stride < 1 or skip < 0 or blocks < 2:
        raise ValueError(
            f"stride >= 1, skip >= 0 and blocks >= 2 are needed, got {stride}, {skip}, {blocks}"
        )
    edges = np.linspace(0.0, cutoff, max(1, round(cutoff / width)) + 1)
    rows = []
    for index, atoms in enumerate(frames):
        if index >= skip and (index - skip) % stride == 0:
            rows.append(_sums(atoms, edges, index))
    if not rows:
        raise ValueError(f"there are no frames after the first {skip}")
    counts, products, cosines, ideal = (np.array(column) for column in zip(*rows, strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = products.sum(axis=0) / counts.sum(axis=0)
        parts = np.array_split(np.arange(len(rows)), min(blocks, len(rows)))
        means = np.array([products[p].sum(axis=0) / counts[p].sum(axis=0) for p in parts])
        errors = np.full(len(mean), np.nan)
        if len(parts) > 1:
            errors = means.std(axis=0, ddof=1) / np.sqrt(len(parts))
        return PairCorrelation(
            edges,
            mean,
            cosines.sum(axis=0) / counts.sum(axis=0),
            errors,
            counts.sum(axis=0) / ideal.sum(axis=0),
            len(rows),
        )


def _sums(atoms, edges, index):
    """Return pairs, sums of M.M and of e.e, and pairs of an ideal gas, in every shell."""
    if not atoms.pbc.all():
        raise ValueError(
            f"frame {index} has pbc={atoms.pbc.tolist()}: g(r) needs three periodic directions"
        )
    i, j, d = neighbour_list("ijd", atoms, float(edges[-1]))
    moments = get_moments(atoms)
    sizes = np.linalg.norm(moments, axis=1)
    directions = np.zeros_like(moments)
    np.divide(moments, sizes[:, None], out=directions, where=sizes[:, None] > 0)
    shells = np.clip(np.searchsorted(edges, d, side="right") - 1, 0, len(edges) - 2)
    n = len(edges) - 1
    products = np.einsum("pa,pa->p", moments[i], moments[j])
    cosines = np.einsum("pa,pa->p", directions[i], directions[j])
    volumes = 4 / 3 * np.pi * np.diff(edges**3)
    return (
        np.bincount(shells, minlength=n),
        np.bincount(shells, products, minlength=n),
        np.bincount(shells, cosines, minlength=n),
        len(atoms) ** 2 / atoms.get_volume() * volumes,
    )
