"""Distribution of moment sizes."""

from dataclasses import dataclass

import numpy as np

from ase_mag.analysis import plots
from ase_mag.analysis.frame_moments import moments_of


@dataclass(frozen=True)
class MomentHistogram:
    """How often moments have which size.

    Attributes
    ----------
    edges : (n + 1,) float array, mu_B. density : (n,) float array, 1/mu_B, with the integral 1.
    mean, deviation : float, mu_B, of all sizes (not of the bins).
    n_moments : int, how many sizes were counted.
    """

    edges: np.ndarray
    density: np.ndarray
    mean: float
    deviation: float
    n_moments: int

    def draw(self, axes):
        """Draw into axes of matplotlib."""
        axes.stairs(self.density, self.edges, fill=True, color=plots.COLORS[0], alpha=0.75)
        label = rf"${self.mean:.3f} \pm {self.deviation:.3f}\ \mu_\mathrm{{B}}$"
        axes.axvline(self.mean, color="k", lw=1.2, label=label)
        axes.set(
            xlabel=r"moment size $|M_i|$ ($\mu_\mathrm{B}$)",
            ylabel=r"probability density ($1/\mu_\mathrm{B}$)",
        )
        axes.legend(title="mean, standard deviation")

    def plot(self):
        """Return a figure (matplotlib)."""
        return plots.make(self.draw)


def moment_histogram(frames, width=0.02, *, skip=0, species=None):
    """Count the sizes |M_i| of all atoms in all frames, which are read one by one.

    Parameters
    ----------
    frames : iterable of ase.Atoms with moments.
    width : float, mu_B, of a bin; the first one begins at zero.
    skip : int, frames at the beginning that are left out.
    species : str, optional; atoms of this chemical symbol only.

    Returns
    -------
    MomentHistogram

    Raises
    ------
    ValueError
        For a width that is not positive, no frames, or no atoms of the species.
    """
    if not width > 0:
        raise ValueError(f"the width of a bin must be positive, got {width}")
    counts, number, total, squares = np.zeros(1, dtype=int), 0, 0.0, 0.0
    for index, atoms in enumerate(frames):
        if index < skip:
            continue
        sizes = np.linalg.norm(moments_of(atoms), axis=1)
        if species is not None:
            sizes = sizes[atoms.symbols == species]
        found = np.bincount((sizes / width).astype(int), minlength=len(counts))
        found[: len(counts)] += counts
        counts, number = found, number + len(sizes)
        total, squares = total + sizes.sum(), squares + (sizes**2).sum()
    if number == 0:
        whose = "moments" if species is None else f"moments of {species}"
        raise ValueError(f"there are no {whose} after the first {skip} frames")
    first = int(np.flatnonzero(counts)[0])
    mean = total / number
    return MomentHistogram(
        width * np.arange(first, len(counts) + 1),
        counts[first:] / (number * width),
        float(mean),
        float(np.sqrt(max(0.0, squares / number - mean**2))),
        number,
    )
