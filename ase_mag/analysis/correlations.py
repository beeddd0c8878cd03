"""Correlations between pairs of atoms: of their moments, and of their places."""

from dataclasses import dataclass

import numpy as np
from matscipy.neighbours import neighbour_list

from ase_mag.analysis import plots
from ase_mag.analysis.frame_moments import moments_of
from ase_mag.analysis.statistics import Blocks


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

    def draw_moments(self, axes):
        """Draw <M_i.M_j> into axes of matplotlib."""
        axes.errorbar(
            self.distances, self.moments, self.errors, fmt="o-", ms=3, lw=1, color=plots.COLORS[0]
        )
        axes.axhline(0.0, color="k", lw=0.6)
        axes.set(
            xlabel=r"$r$ ($\mathrm{\AA}$)",
            ylabel=r"$\langle\mathbf{M}_i\cdot\mathbf{M}_j\rangle$ ($\mu_\mathrm{B}^2$)",
        )

    def draw_density(self, axes):
        """Draw g(r) into axes of matplotlib."""
        axes.stairs(self.density, self.edges, color=plots.COLORS[0])
        axes.axhline(1.0, color=plots.GRAY, lw=0.6)
        axes.set(xlabel=r"$r$ ($\mathrm{\AA}$)", ylabel=r"$g(r)$", ylim=(0, None))

    def plot(self):
        """Return a figure of <M_i.M_j> and g(r) (matplotlib)."""

        def draw(left, right):
            self.draw_moments(left)
            self.draw_density(right)

        return plots.make(draw, columns=2)


def pair_correlation(frames, cutoff=8.0, width=0.1, *, skip=0, stride=1, blocks=10, species=None):
    """Return <M_i.M_j>(r), <e_i.e_j>(r) and g(r) of a sequence of frames.

    g(r) = pairs in a shell / (N^2/V times its volume), <M_i.M_j> = mean over these pairs. All pairs
    and images within the cutoff count, i with itself only through images, so that g(r) of an ideal
    gas is 1 far away and 1 - 1/N where no image of an atom is. Frames are read one by one; the
    pairs of one frame are in memory, about N^2/V times 4 pi cutoff^3/3 times 100 bytes.

    Parameters
    ----------
    frames : iterable of ase.Atoms with moments, periodic in three directions.
    cutoff, width : float, angstrom, the largest distance and the width of a shell.
    skip, stride : int, frames at the beginning that are left out, and of which every how manieth
        counts. blocks : int, the errors come from the averages of that many to twice as many
        equal parts of the frames; fewer frames than blocks: each is one.
    species : two chemical symbols, optional; only pairs of an atom of the first with one of the
        second. g(r) is then that of the second around the first.

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
    kept = Blocks((4, len(edges) - 1), 2 * blocks)
    for index, atoms in enumerate(frames):
        if index >= skip and (index - skip) % stride == 0:
            kept.add(_sums(atoms, edges, index, species))
    if not kept.count:
        raise ValueError(f"there are no frames after the first {skip}")
    counts, products, cosines, ideal = kept.total
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = kept.full()
        means = parts[:, 1] / parts[:, 0]
        errors = np.full(len(counts), np.nan)
        if len(parts) > 1:
            errors = means.std(axis=0, ddof=1) / np.sqrt(len(parts))
        return PairCorrelation(
            edges, products / counts, cosines / counts, errors, counts / ideal, kept.count
        )


def _sums(atoms, edges, index, species):
    """Return pairs, sums of M.M and of e.e, and pairs of an ideal gas, in every shell."""
    if not atoms.pbc.all():
        raise ValueError(
            f"frame {index} has pbc={atoms.pbc.tolist()}: g(r) needs three periodic directions"
        )
    i, j, d = neighbour_list("ijd", atoms, float(edges[-1]))
    first = second = len(atoms)
    if species is not None:
        i, j, d, first, second = _of_species(atoms, (i, j, d), species, index)
    moments = moments_of(atoms)
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
        first * second / atoms.get_volume() * volumes,
    )


def _of_species(atoms, pairs, species, index):
    """Return the pairs of two species, and how many atoms these have."""
    chosen = [atoms.symbols == name for name in species]
    missing = [name for name, here in zip(species, chosen, strict=True) if not here.any()]
    if len(chosen) != 2 or missing:
        raise ValueError(
            f"species must be two symbols of atoms in the frames, got {species!r}; frame {index} "
            f"is {atoms.symbols}"
        )
    kept = chosen[0][pairs[0]] & chosen[1][pairs[1]]
    return *(part[kept] for part in pairs), int(chosen[0].sum()), int(chosen[1].sum())
