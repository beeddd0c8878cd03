"""Learned landscapes: from positions and moment directions to a and b of every moment."""

import numpy as np
from ase import Atoms
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ase_mag.core import get_moments, storable, storage
from ase_mag.lsf.features import descriptor_of, features_for, is_invariant
from ase_mag.lsf.ideal import IDEAL, ideal_lattice
from ase_mag.lsf.step import LandscapeStep
from ase_mag.lsf.thermodynamics import mean_moment
from ase_mag.regressors import GaussianKernelRidge, LaplacianKernelRidge


@storable
class LsfPredictor(BaseEstimator):
    """Kernel ridge regression of landscapes E(m) = a m^2 + b m^4 on descriptors.

    Descriptors 1 to 4: a(D) = sum_i alpha_i exp(-|D - D_i|_1 / width), and b(D) likewise with its
    own coefficients (Brannvall et al., Phys. Rev. B 105, 144417 (2022), Sec. II B-C). The
    rotation-invariant descriptor comes with the Gaussian kernel of standardized features,
    :class:`ase_mag.regressors.GaussianKernelRidge`, and needs no ideal lattice. ``fit`` learns
    from a :class:`LandscapeTable`; attributes that end in ``_`` are learned.

    It describes one species in one crystal structure and interpolates between the environments of
    its training frames: at other volumes or temperatures add frames from there. Far from all
    training environments a and b go to zero; a prediction of b below half of the smallest one
    learned is an error, never a moment.

    Parameters
    ----------
    descriptor : 1, 2, 3, 4, 'invariant', or an :class:`ase_mag.descriptors.InvariantDescriptor`
        1 to 4 are those of :class:`ase_mag.descriptors.SiteDescriptor`; 4 needs the relaxed sizes
        for predictions too.
    shells : int, coordination shells in descriptors 1 to 4.
    width : float, or two floats for a and b; kernel width.
    regularization : float, or two floats, added to the diagonal of the kernel matrix.
    reference : ase.Atoms, optional
        The ideal lattice, for frames without the array ``'ideal_positions'``.
    legacy : bool, plain angles in descriptors 1 to 4, as in the paper.
    backend : 'scikit-learn', 'qmllib' or 'qml-lightning', computes kernels, see
        :func:`ase_mag.regressors.kernel_matrix`.

    Attributes
    ----------
    reference_ : ase.Atoms, ideal lattice of the first training frame (or ``reference``).
    species_ : str, the species learned.
    smallest_b_ : float, the smallest b of the training landscapes, eV/mu_B^4.
    feature_range_ : (2, n_features) array, smallest and largest value of every feature learned.
    regressor_ : LaplacianKernelRidge or GaussianKernelRidge of the targets a and b.
    """

    def __init__(
        self,
        descriptor=3,
        shells=1,
        width=10.0,
        regularization=1e-4,
        reference=None,
        legacy=False,
        backend="scikit-learn",
    ):
        self.descriptor = descriptor
        self.shells = shells
        self.width = width
        self.regularization = regularization
        self.reference = reference
        self.legacy = legacy
        self.backend = backend

    def fit(self, table):
        """Learn from a :class:`LandscapeTable`; returns self.

        Raises
        ------
        ValueError
            If the table is empty, has unbounded landscapes or several species, or if no ideal
            lattice is known.
        """
        X, y = self.training_data(table)
        regressor = self.regressor()
        regressor.fit(X, y)
        first = table.frames[table.frame[0]]
        known = not is_invariant(self.descriptor) or IDEAL in first.arrays
        self.reference_ = self.reference
        if self.reference is None and known:
            self.reference_ = ideal_lattice(first)
        self.species_ = first.symbols[table.atom[0]]
        self.smallest_b_ = float(table.b.min())
        self.feature_range_ = np.array([X.min(axis=0), X.max(axis=0)])
        self.regressor_ = regressor
        return self

    def training_data(self, table):
        """Return features (n, n_features) and targets (n, 2), the a and b of a table."""
        if len(table) == 0:
            raise ValueError("the table of landscapes is empty: there is nothing to learn from")
        bad = int(np.sum(~table.bounded))
        if bad:
            raise ValueError(
                f"{bad} of {len(table)} landscapes are unbounded (b <= 0) and cannot be learned: "
                "fit them over a wider range of moments, or leave them out with "
                "table[table.bounded]"
            )
        if table.c.any():
            raise ValueError(
                "the table has landscapes of sixth order, but a predictor learns a and b: fit the "
                "same energies again with table.refit(order=4)"
            )
        species = {table.frames[f].symbols[i] for f, i in zip(table.frame, table.atom, strict=True)}
        if len(species) > 1:
            raise ValueError(
                f"the table has landscapes of several species, {', '.join(sorted(species))}; a "
                "predictor describes one"
            )
        used = np.unique(table.frame)
        present = sorted({symbol for k in used for symbol in table.frames[k].symbols})
        if len(present) > 1:
            raise ValueError(
                f"the frames hold {', '.join(present)}, but a predictor describes atoms of one "
                "species among their like"
            )
        descriptor = descriptor_of(self, present)
        X = None
        for k in used:
            frame, rows = table.frames[k], np.flatnonzero(table.frame == k)
            features = features_for(descriptor, frame, self.reference)
            if X is None:
                X = np.empty((len(table), len(features.labels)))
            if len(features.labels) != X.shape[1]:
                raise ValueError(
                    f"frame {k} has {len(features.labels)} features per site and the first one "
                    f"{X.shape[1]}: all frames need the same crystal structure"
                )
            # Sizes of other sites are not among the features of the scanned ones.
            relaxed = np.zeros(len(frame))
            relaxed[table.atom[rows]] = table.relaxed[rows]
            values = features(frame.positions, frame.cell.array, get_moments(frame), relaxed)
            X[rows] = values[table.atom[rows]]
        return X, np.column_stack([table.a, table.b])

    def regressor(self):
        """Return an unfitted regressor of these parameters."""
        kind = GaussianKernelRidge if is_invariant(self.descriptor) else LaplacianKernelRidge
        return kind(self.width, self.regularization, self.backend)

    @property
    def needs_relaxed(self):
        """Whether predictions need sizes relaxed at fixed directions (descriptor 4), a bool."""
        return not is_invariant(self.descriptor) and self.descriptor == 4

    def prepare(self, atoms, relax=None):
        """Return a :class:`LandscapeStep`, which predicts for moving copies of ``atoms``.

        Parameters
        ----------
        atoms : ase.Atoms
        relax : callable (positions, cell, moments) -> (N,) sizes in mu_B, optional
            Finds the sizes relaxed at fixed directions where descriptor 4 needs them, e.g.
            :class:`ase_mag.lsf.SizeRelaxation`.

        Raises
        ------
        ValueError
            For another species than the learned one, an unknown ideal lattice, a non-periodic
            cell, or atoms that are not near their ideal sites.
        """
        check_is_fitted(self)
        return LandscapeStep(self, atoms, relax)

    def predict(self, atoms, *, uncertainty=False, relaxed=None):
        """Return a (N,) in eV/mu_B^2 and b (N,) in eV/mu_B^4 of the moments of ``atoms``.

        Parameters
        ----------
        atoms : ase.Atoms with moments (their directions count).
        uncertainty : bool
            Return (a, b, error of a, error of b) with standard errors, calibrated by leaving one
            training landscape out, see :class:`ase_mag.regressors.Posterior`.
        relaxed : (N,) array, sizes relaxed at fixed directions, for descriptor 4, mu_B.

        Raises
        ------
        ValueError
            As :meth:`prepare`, and if a predicted landscape is unbounded (b <= 0) or has a b
            below half of the smallest one learned.
        """
        step = self.prepare(atoms)
        return step(
            atoms.positions,
            atoms.cell.array,
            get_moments(atoms),
            relaxed=relaxed,
            uncertainty=uncertainty,
        )

    def moments(self, atoms, temperature_K, measure=2, *, relaxed=None):
        """Return the mean moment sizes (N,) at a temperature, mu_B; see :func:`mean_moment`.

        In a loop over time steps use :meth:`prepare` instead.
        """
        return mean_moment(*self.predict(atoms, relaxed=relaxed), temperature_K, measure)

    def save(self, path, **metadata):
        """Write the predictor to a npz file."""
        storage.save(self, path, **metadata)

    @classmethod
    def load(cls, path):
        """Read a predictor from a file of :meth:`save`."""
        predictor, _ = storage.load(path)
        if not isinstance(predictor, cls):
            raise ValueError(f"{path} holds a {type(predictor).__name__}, not an LsfPredictor")
        return predictor

    def to_dict(self):
        """Parameters and what was learned, for :mod:`ase_mag.core.storage`."""
        values = self.get_params(deep=False)
        values["reference"] = _pack(self.reference)
        if hasattr(self, "regressor_"):
            values["reference_"] = _pack(self.reference_)
            values["species_"] = self.species_
            values["smallest_b_"] = self.smallest_b_
            values["feature_range_"] = self.feature_range_
            values["regressor_"] = self.regressor_
        return values

    @classmethod
    def from_dict(cls, values):
        """Make a predictor of what :meth:`to_dict` returned."""
        learned = {k: values.pop(k) for k in list(values) if k.endswith("_")}
        values["reference"] = _unpack(values["reference"])
        self = cls(**values)
        if learned:
            learned["reference_"] = _unpack(learned["reference_"])
            self.__dict__.update(learned)
        return self


def _pack(atoms):
    if atoms is None:
        return None
    return {
        "numbers": atoms.numbers,
        "positions": atoms.positions,
        "cell": atoms.cell.array,
        "pbc": atoms.pbc,
    }


def _unpack(values):
    return None if values is None else Atoms(**values)
