"""Bounds that tell a relaxed structure from one that was driven away falsely."""

from dataclasses import dataclass

import numpy as np
from ase.data import covalent_radii

from ase_mag.core import PairGraph, get_moments

#: Why a relaxation does not count as a success.
REASONS = {
    "not converged": "steps ran out, or the energy did not fall along its own gradient",
    "not finite": "energy or forces are not finite numbers",
    "moment too large": "a moment left the range of sizes that is allowed",
    "atoms too close": "two atoms came closer than is allowed",
    "volume": "the volume changed by more than is allowed",
    "calculator failed": "the calculator refused a structure or did not finish",
    "saddle point": "the moments rest where the energy is no minimum",
}


@dataclass(frozen=True)
class Limits:
    """What a structure may do in a relaxation before it counts as driven away falsely.

    Parameters
    ----------
    max_moment : float, mu_B; set it to the largest moment of the training data of a model.
    min_distance : float, angstrom, or None: 0.6 times the sum of the covalent radii of a pair.
    max_volume_change : float, bound for |V/V_start - 1|.

    Raises
    ------
    ValueError
        For numbers that are not positive.
    """

    max_moment: float = 10.0
    min_distance: float | None = None
    max_volume_change: float = 0.3

    def __post_init__(self):
        for name in ("max_moment", "min_distance", "max_volume_change"):
            value = getattr(self, name)
            if value is None and name == "min_distance":
                continue
            if not value > 0:
                raise ValueError(f"{name} must be a positive number, got {value!r}")

    def violation(self, atoms, volume=None):
        """Return (reason, message) of the first bound that ``atoms`` break, or None.

        Parameters
        ----------
        atoms : ase.Atoms
        volume : float, angstrom^3, at the start; None: the volume is not looked at.
        """
        if not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all()):
            return "not finite", "positions or cell are not finite numbers"
        sizes = np.linalg.norm(get_moments(atoms), axis=1)
        if (sizes > self.max_moment).any():
            atom = int(sizes.argmax())
            return "moment too large", (
                f"the moment of atom {atom} ({atoms.symbols[atom]}) is {sizes[atom]:.4g} mu_B, "
                f"beyond max_moment = {self.max_moment:g}"
            )
        if volume is not None:
            change = atoms.get_volume() / volume - 1
            if not abs(change) <= self.max_volume_change:
                return "volume", (
                    f"the volume has changed by {100 * change:+.1f} %, more than "
                    f"max_volume_change = {100 * self.max_volume_change:g} %"
                )
        return self._close_pair(atoms)

    def _close_pair(self, atoms):
        radii = covalent_radii[atoms.numbers]
        largest = self.min_distance or 1.2 * radii.max(initial=0.1)
        graph = PairGraph.build(
            atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, largest
        )
        i, j, distances = graph.topology.centers, graph.topology.neighbors, graph.distances
        allowed = np.full(len(i), largest) if self.min_distance else 0.6 * (radii[i] + radii[j])
        close = np.flatnonzero(distances < allowed)
        if not len(close):
            return None
        worst = close[(distances[close] / allowed[close]).argmin()]
        return "atoms too close", (
            f"atoms {i[worst]} and {j[worst]} are {distances[worst]:.3f} angstrom apart, less than "
            f"{allowed[worst]:.3f}"
        )
