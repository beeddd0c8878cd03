"""D-optimality: how far a linear fit extrapolates, by the environments that it was fitted to."""

import copy

import numpy as np

from ase_mag.core.graph import PairGraph
from ase_mag.core.moments import get_moments
from ase_mag.core.response import Response
from ase_mag.fitting.maxvol import maxvol
from ase_mag.fitting.trainable import TrainableParts

#: Size of the artificial rows that stand for parameters of which the data say nothing, relative to
#: the root mean square of their column (or of all columns).
_ARTIFICIAL = 1e-5


class ActiveSet:
    """Extrapolation grades of atoms by the D-optimality criterion.

    Each atom i has a row b_i = dE_i/d(parameters). From all rows of the training data the active
    set A (n, n) of largest |det A| is chosen (:func:`maxvol`), and any atom's row is a combination
    of it, b = c A. Its grade

        gamma_i = max_k |c_k| = max_k |(b_i A^-1)_k|

    is at most 1 in the data: the energy of the atom is then an interpolation of energies that were
    fitted. Beyond 1 it extrapolates, and adding the atom to the active set raises |det A| gamma
    times. E. V. Podryabinkin and A. V. Shapeev, Comput. Mater. Sci. 140, 171 (2017).

    A parameter that no atom of the data depends on has an artificial row 1e-5 of the size of the
    others, so that the first atom that depends on it has a very large grade.

    Parameters
    ----------
    model : Trainable, or a sum with trainable terms. It is copied: rows are those at the
        parameters of now, so that a set is to be made anew after a fit.
    frames : Dataset or list of ase.Atoms with moments, the training data.
    parameters : 'linear' (the linear ones; their rows depend on the other parameters only, if
        there are any), or 'all' (the gradient by all parameters). All are more cautious, and cost
        one ``parameter_vjp`` per atom.
    tolerance : float, see :func:`maxvol`.

    Attributes
    ----------
    size : int, number of parameters. members : (size, 2) int array, frame and atom of every row of
        the active set; (-1, -1): artificial.

    Raises
    ------
    ValueError
        For a model without linear parameters (with 'linear'), no frames, or frames with species
        that the model does not describe.
    """

    def __init__(self, model, frames, parameters="linear", tolerance=1.001):
        if parameters not in ("linear", "all"):
            raise ValueError(f"parameters must be 'linear' or 'all', got {parameters!r}")
        model = copy.deepcopy(model)
        parts = TrainableParts(model)
        if parameters == "linear" and not len(parts.linear):
            raise ValueError(
                f"{type(model).__name__} has no linear parameters: use parameters='all'"
            )
        self.model, self.parameters, self.tolerance = model, parameters, tolerance
        self._parts = parts
        frames = [getattr(frame, "atoms", frame) for frame in frames]
        if not frames:
            raise ValueError("an active set needs at least one frame")
        blocks = [self.rows(frame) for frame in frames]
        self._choose(
            np.concatenate(blocks),
            np.array([(k, i) for k, block in enumerate(blocks) for i in range(len(block))]),
        )

    @property
    def size(self):
        return self._inverse.shape[0]

    def _choose(self, rows, members):
        scale = np.sqrt((rows**2).mean(axis=0))
        scale[scale == 0] = np.sqrt((rows**2).mean()) or 1.0
        # Columns of one size: |det| of all choices changes by one factor, the grades do not.
        artificial = np.diag(np.full(len(scale), _ARTIFICIAL))
        scaled = np.concatenate([artificial, rows / scale])
        indices, _ = maxvol(scaled, tolerance=self.tolerance)
        everyone = np.concatenate([np.full((len(scale), 2), -1), members])
        self.members = everyone[indices]
        self._rows = scaled[indices] * scale
        self._inverse = np.linalg.inv(scaled[indices]) / scale[:, None]

    def rows(self, atoms):
        """Return dE_i/d(parameters) of every atom, (N, size), eV per unit of the parameters."""
        self.model.check_species(atoms.numbers)
        graph = PairGraph.build(
            atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, self.model.cutoff
        )
        moments = get_moments(atoms)
        if self.parameters == "linear":
            return self._parts.energy_design(graph, moments).T
        unit, rows = np.zeros(len(atoms)), []
        for i in range(len(atoms)):
            unit[:] = 0.0
            unit[i] = 1.0
            rows.append(self._parts.parameter_vjp(graph, moments, Response(unit, None)))
        return np.array(rows)

    def grades(self, atoms):
        """Return the extrapolation grade of every atom, (N,)."""
        return np.abs(self.rows(atoms) @ self._inverse).max(axis=1)

    #: The grades, under the name that all measures of uncertainty have.
    uncertainty = grades

    def select(self, candidates, threshold=1.001):
        """Return the indices of those candidates that belong into the training data.

        The candidates' atoms compete for places in the active set; frames with at least one atom
        that wins are chosen. A frame that resembles one that is chosen already brings nothing and
        is left out.

        Parameters
        ----------
        candidates : list of ase.Atoms
        threshold : float, how many times |det A| has to grow in one exchange.
        """
        blocks = [self.rows(frame) for frame in candidates]
        if not blocks:
            return []
        owners = [np.full(self.size, -1), *(np.full(len(b), k) for k, b in enumerate(blocks))]
        rows = np.concatenate([self._rows, *blocks])
        scale = np.sqrt((rows**2).mean(axis=0))
        start = np.arange(self.size)
        indices, _ = maxvol(rows / scale, start=start, tolerance=max(threshold, 1.001))
        chosen = set(np.concatenate(owners)[indices].tolist()) - {-1}
        return sorted(chosen)
