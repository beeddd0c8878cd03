"""Simple approximations of landscapes, for comparison with learned ones.

Approximations (i) to (iii) of Brannvall et al., Phys. Rev. B 105, 144417 (2022), Sec. III B. The
first two stand in for :class:`LsfPredictor` wherever one is used (``fit``, ``predict``,
``moments``, ``prepare``).
"""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression
from sklearn.utils.validation import check_is_fitted

from ase_mag.core import get_moments
from ase_mag.descriptors import voronoi_volumes
from ase_mag.lsf.thermodynamics import bounded, mean_moment


def volumes(table):
    """Return the Voronoi volume of every scanned atom of a table, (n,), angstrom^3."""
    out = np.empty(len(table))
    for k in np.unique(table.frame):
        frame, rows = table.frames[k], table.frame == k
        every = voronoi_volumes(frame.positions, frame.cell.array, frame.pbc)
        out[rows] = every[table.atom[rows]]
    return out


class _Baseline(BaseEstimator):
    def predict(self, atoms):
        """Return a (N,) in eV/mu_B^2 and b (N,) in eV/mu_B^4 of the moments of ``atoms``."""
        return self.prepare(atoms)(atoms.positions, atoms.cell.array, get_moments(atoms))

    def moments(self, atoms, temperature_K, measure=2):
        """Return the mean moment sizes (N,) at a temperature, mu_B; see :func:`mean_moment`."""
        return mean_moment(*self.predict(atoms), temperature_K, measure)


def _check_table(table):
    if table.c.any():
        raise ValueError(
            "the table has landscapes of sixth order, but this approximation learns a and b: fit "
            "the same energies again with table.refit(order=4)"
        )
    if len(table) == 0 or not table.bounded.all():
        raise ValueError(
            f"the table has {len(table)} landscapes, {np.sum(~table.bounded)} of them unbounded: "
            "give at least one, and leave out unbounded ones with table[table.bounded]"
        )


class MeanLandscape(_Baseline):
    """One landscape for all moments: the means of a and b over the training data.

    Attributes
    ----------
    a_, b_ : float, eV/mu_B^2 and eV/mu_B^4.
    """

    def fit(self, table):
        """Learn from a :class:`LandscapeTable` without unbounded landscapes; returns self."""
        _check_table(table)
        self.a_, self.b_ = float(table.a.mean()), float(table.b.mean())
        return self

    def prepare(self, atoms):
        """Return a callable (positions, cell, moments) -> a (N,), b (N,)."""
        check_is_fitted(self)
        n = len(atoms)
        return lambda positions, cell, moments: (np.full(n, self.a_), np.full(n, self.b_))


class VoronoiLandscape(_Baseline):
    """Landscapes from the Voronoi volume V alone: a = a_0 + a_1 V, b = b_0 + b_1 V.

    Least squares; with one feature a kernel only follows the noise and does worse.

    Attributes
    ----------
    regressor_ : sklearn.linear_model.LinearRegression of a and b.
    """

    def fit(self, table):
        """Learn from a :class:`LandscapeTable` without unbounded landscapes; returns self."""
        _check_table(table)
        targets = np.column_stack([table.a, table.b])
        self.regressor_ = LinearRegression().fit(volumes(table)[:, None], targets)
        return self

    def prepare(self, atoms):
        """Return a callable (positions, cell, moments) -> a (N,), b (N,).

        It raises ValueError where a volume far from those learned gives an unbounded landscape.
        """
        check_is_fitted(self)
        pbc = atoms.pbc.copy()

        def step(positions, cell, moments):
            every = voronoi_volumes(positions, cell, pbc)
            a, b = self.regressor_.predict(every[:, None]).T
            bad = np.flatnonzero(~bounded(a, b))
            if len(bad):
                i = int(bad[0])
                raise ValueError(
                    f"atom {i} with the Voronoi volume {every[i]:.2f} angstrom^3 gets an unbounded "
                    f"landscape, a = {a[i]:g} eV/mu_B^2, b = {b[i]:g} eV/mu_B^4: the straight line "
                    "is used too far from its training data"
                )
            return a, b

        return step


class RelaxedMoment:
    """The moments of 0 K: sizes relaxed at fixed directions, as an unconstrained calculation gives.

    They approximate the minimum of every landscape, not its shape, at the price of one relaxation
    of the sizes by the reference per structure.

    Parameters
    ----------
    calc : reference with ``relax_sizes(atoms)``, see :mod:`ase_mag.reference`.
    """

    def __init__(self, calc):
        if not hasattr(calc, "relax_sizes"):
            raise TypeError(
                f"{type(calc).__name__} has no relax_sizes(atoms); use a reference such as "
                "ase_mag.reference.ConstrainedModel(model)"
            )
        self.calc = calc

    def moments(self, atoms):
        """Return the sizes (N,) of the relaxed moments, mu_B."""
        return np.linalg.norm(self.calc.relax_sizes(atoms), axis=1)
