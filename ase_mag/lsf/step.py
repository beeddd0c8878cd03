"""Landscapes of a moving system, predicted step by step."""

import warnings

import numpy as np

from ase_mag.lsf.features import descriptor_of, features_for

#: How far, in units of the range of a feature in the training data, it may lie outside of it.
_MARGIN = 0.25


class LandscapeStep:
    """Predicts the landscapes of a moving system: ``a, b = step(positions, cell, moments)``.

    Made by :meth:`LsfPredictor.prepare`; what does not change with time is found once.

    Parameters
    ----------
    predictor : LsfPredictor that was fitted; atoms : ase.Atoms of its species.
    relax : function (moments) -> moments of relaxed sizes, for descriptor 4; None: not needed.

    Attributes
    ----------
    features : callable (positions, cell, moments, relaxed) -> (N, n_features), the descriptors.
    """

    def __init__(self, predictor, atoms, relax=None):
        species = predictor.species_
        other = [i for i, symbol in enumerate(atoms.symbols) if symbol != species]
        if other:
            raise ValueError(
                f"the predictor was trained on {species}, but atom {other[0]} is "
                f"{atoms.symbols[other[0]]}: train one with landscapes of that species"
            )
        descriptor = descriptor_of(predictor, (species,))
        self.features = features_for(descriptor, atoms, predictor.reference_)
        self._relax = relax if predictor.needs_relaxed else None
        self._regressor = predictor.regressor_
        self._smallest_b = 0.5 * predictor.smallest_b_
        if len(self.features.labels) != predictor.regressor_.n_features_in_:
            raise ValueError(
                f"the ideal lattice gives {len(self.features.labels)} features per site, but the "
                f"predictor learned from {predictor.regressor_.n_features_in_}: it was trained on "
                "another crystal structure"
            )
        # Only magnetic features are watched: positions leave their range all the time.
        low, high = predictor.feature_range_[:, self.features.magnetic]
        margin = _MARGIN * (high - low)
        self._low, self._high, self._margin = low, high, margin
        self._warned = False
        self.features.check(atoms)

    def get_state(self):
        """Return what earlier coordinates have left behind, for exact restarts."""
        return self.features.get_state()

    def set_state(self, state):
        """Go on where another step was."""
        self.features.set_state(state)

    def _warn_outside(self, features):
        """Warn once when the magnetic features lie outside of what the predictor has learned."""
        features = features[:, self.features.magnetic]
        outside = features < self._low - self._margin
        outside |= features > self._high + self._margin
        if outside.any():
            self._warned = True
            site, feature = np.argwhere(outside)[0]
            label = np.array(self.features.labels)[self.features.magnetic][feature]
            warnings.warn(
                f"the predictor extrapolates: {label} of atom {site} is "
                f"{features[site, feature]:.3g}, but it was trained on {self._low[feature]:.3g} to "
                f"{self._high[feature]:.3g} ({outside.any(axis=1).sum()} of {len(features)} atoms "
                "are outside): train with frames of such moments",
                UserWarning,
                stacklevel=3,
            )

    def __call__(self, positions, cell, moments, *, relaxed=None, uncertainty=False, check=True):
        """Return a (N,) and b (N,) for new coordinates, with ``uncertainty`` also their errors.

        Parameters
        ----------
        positions : (N, 3) array, angstrom; cell : (3, 3) array, angstrom.
        moments : (N, 3) array, mu_B; only directions count.
        relaxed : (N,) array, sizes relaxed at fixed directions, for descriptor 4 only, mu_B;
            default: what ``relax`` of :meth:`LsfPredictor.prepare` gives.
        uncertainty : bool
            Return (a, b, error of a, error of b), standard errors in the units of a and b; see
            :class:`ase_mag.regressors.Posterior`.
        check : bool
            False returns landscapes that are out of range (b below half of the smallest one
            learned, or negative) instead of raising, and does not warn of extrapolation: for
            callers who look at the uncertainty and compute landscapes anew.

        Raises
        ------
        ValueError
            If a predicted landscape is unbounded (b <= 0) or has a b below half of the smallest
            one learned, or for arrays of another shape.
        """
        positions = np.ascontiguousarray(positions, dtype=float)
        moments = np.ascontiguousarray(moments, dtype=float)
        n = len(self.features)
        if positions.shape != (n, 3) or moments.shape != (n, 3):
            raise ValueError(
                f"positions {positions.shape} and moments {moments.shape} must both have the shape "
                f"({n}, 3) of the atoms that this step was prepared for"
            )
        if relaxed is None and self._relax is not None:
            relaxed = self._relax(positions, cell, moments)
        features = self.features(positions, cell, moments, relaxed)
        if check and not self._warned:
            self._warn_outside(features)
        a, b = self._regressor.predict_rows(features).T
        if check:
            self._check(a, b)
        if not uncertainty:
            return a, b
        return a, b, *self._regressor.error_rows(features).T

    def in_range(self, a, b):
        """Return which landscapes are like those learned (b not below half of the smallest)."""
        return b >= self._smallest_b

    def _check(self, a, b):
        good = self.in_range(a, b)
        if not good.all():
            i = int(np.flatnonzero(~good)[0])
            raise ValueError(
                f"the predicted landscape of atom {i} is unbounded or out of range: a = {a[i]:g} "
                f"eV/mu_B^2, b = {b[i]:g} eV/mu_B^4 (below {self._smallest_b:g}, half of the "
                f"smallest b learned; {np.sum(~good)} of {len(b)} atoms): its environment is far "
                "from the training data; train with frames from such conditions"
            )
