"""Landscapes of a moving system, predicted step by step."""

import warnings

import numpy as np
from ase import Atoms

from ase_mag.descriptors import SiteDescriptor
from ase_mag.lsf.frames import IDEAL

#: How far, in units of the range of a feature in the training data, it may lie outside of it.
_MARGIN = 0.25


def _geometric(sites):
    """Number of features that do not depend on moments: V, and r, theta, phi of neighbors."""
    return 1 + 3 * sites.n_neighbors


def ideal_lattice(atoms, known=None):
    """Return the ideal lattice of ``atoms``, a reference of the same atoms or their own sites.

    The sites are ``atoms.arrays['ideal_positions']``, else those of the reference ``known``, atom
    by atom. A reference with the same sites also says which cell they belong to, so that the cell
    of ``atoms`` may have changed since.

    Raises
    ------
    ValueError
        If there is neither, or the reference has other atoms.
    """
    sites = atoms.arrays.get(IDEAL)
    same = known is not None and np.array_equal(known.numbers, atoms.numbers)
    if same and (sites is None or np.allclose(sites, known.positions, atol=1e-6)):
        return known
    if sites is not None:
        return Atoms(atoms.numbers, sites, cell=atoms.cell, pbc=atoms.pbc)
    if known is None:
        raise ValueError(
            "the ideal lattice is unknown: atoms have no array 'ideal_positions' "
            "(lsf.snapshots sets it), so give LsfPredictor(reference=ideal_atoms)"
        )
    raise ValueError(
        f"atoms ({atoms.get_chemical_formula()}) and the reference lattice "
        f"({known.get_chemical_formula()}) differ in number or order of atoms: give atoms the "
        "array 'ideal_positions', or the predictor a reference of this size"
    )


class LandscapeStep:
    """Predicts the landscapes of a moving system: ``a, b = step(positions, cell, moments)``.

    Made by :meth:`LsfPredictor.prepare`; the neighbors of every site are found once.

    Attributes
    ----------
    sites : ase_mag.descriptors.SiteNeighbors
    """

    def __init__(self, predictor, atoms):
        species = predictor.species_
        other = [i for i, symbol in enumerate(atoms.symbols) if symbol != species]
        if other:
            raise ValueError(
                f"the predictor was trained on {species}, but atom {other[0]} is "
                f"{atoms.symbols[other[0]]}: train one with landscapes of that species"
            )
        self._descriptor = SiteDescriptor(predictor.descriptor, predictor.shells)
        self._predict = predictor.regressor_.predict_rows
        self._smallest_b = 0.5 * predictor.smallest_b_
        ideal = ideal_lattice(atoms, predictor.reference_)
        if not atoms.pbc.all():
            ideal = ideal.copy()
            ideal.pbc = atoms.pbc
        self.sites = self._descriptor.sites(ideal.positions, ideal.cell.array, ideal.pbc)
        n_features = len(self._descriptor.labels(self.sites.n_neighbors))
        if n_features != predictor.regressor_.n_features_in_:
            raise ValueError(
                f"the ideal lattice gives {n_features} features per site, but the predictor "
                f"learned from {predictor.regressor_.n_features_in_}: it was trained on "
                "another crystal structure"
            )
        # The magnetic features; positions leave their range all the time, by thermal motion.
        self._labels = self._descriptor.labels(self.sites.n_neighbors)[_geometric(self.sites) :]
        training = predictor.regressor_.X_fit_[:, _geometric(self.sites) :]
        self._low, self._high = training.min(axis=0), training.max(axis=0)
        self._warned = False
        away = self.sites.displacements(atoms.positions, atoms.cell.array)
        if away.max() > 0.5 * self.sites.spacing:
            raise ValueError(
                f"atom {away.argmax()} is {away.max():.2f} angstrom away from its ideal site, more "
                f"than half a neighbor distance ({0.5 * self.sites.spacing:.2f}): are the atoms in "
                "another order than in the reference?"
            )

    def features(self, positions, cell, moments):
        """Return the descriptors of all sites, (N, n_features)."""
        return self._descriptor(self.sites, positions, cell, moments)

    def _warn_outside(self, features):
        """Warn once when the magnetic features lie outside of what the predictor has learned."""
        features = features[:, _geometric(self.sites) :]
        margin = _MARGIN * (self._high - self._low)
        outside = (features < self._low - margin) | (features > self._high + margin)
        if outside.any():
            self._warned = True
            site, feature = np.argwhere(outside)[0]
            warnings.warn(
                f"the predictor extrapolates: {self._labels[feature]} of atom {site} is "
                f"{features[site, feature]:.3g}, but it was trained on {self._low[feature]:.3g} to "
                f"{self._high[feature]:.3g} ({outside.any(axis=1).sum()} of {len(features)} atoms "
                "are outside): train with frames of such moments",
                UserWarning,
                stacklevel=3,
            )

    def __call__(self, positions, cell, moments):
        """Return a (N,) and b (N,) for new coordinates.

        Parameters
        ----------
        positions : (N, 3) array, angstrom; cell : (3, 3) array, angstrom.
        moments : (N, 3) array, mu_B; only directions count.

        Raises
        ------
        ValueError
            If a predicted landscape is unbounded (b <= 0) or has a b below half of the smallest
            one learned, or for arrays of another shape.
        """
        positions = np.ascontiguousarray(positions, dtype=float)
        moments = np.ascontiguousarray(moments, dtype=float)
        n = len(self.sites)
        if positions.shape != (n, 3) or moments.shape != (n, 3):
            raise ValueError(
                f"positions {positions.shape} and moments {moments.shape} must both have the shape "
                f"({n}, 3) of the atoms that this step was prepared for"
            )
        features = self.features(positions, cell, moments)
        if not self._warned:
            self._warn_outside(features)
        a, b = self._predict(features).T
        good = b >= self._smallest_b
        if not good.all():
            i = int(np.flatnonzero(~good)[0])
            raise ValueError(
                f"the predicted landscape of atom {i} is unbounded or out of range: a = {a[i]:g} "
                f"eV/mu_B^2, b = {b[i]:g} eV/mu_B^4 (below {self._smallest_b:g}, half of the "
                f"smallest b learned; {np.sum(~good)} of {n} atoms): its environment is far from "
                "the training data; train with frames from such conditions"
            )
        return a, b
