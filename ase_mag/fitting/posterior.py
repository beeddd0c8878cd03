"""The posterior of linear parameters, and the errors of predictions that follow from it."""

import copy

import numpy as np
from scipy.linalg import solve_triangular

from ase_mag.core import PairGraph, get_moments
from ase_mag.fitting.ensemble import Uncertainty
from ase_mag.fitting.linear import prior_rows, weighted_rows
from ase_mag.fitting.loss import Loss, check_weights
from ase_mag.fitting.trainable import TrainableParts

#: A diagonal element of the triangle below this, relative to the largest: not determined.
_SINGULAR = 1e-14


class LinearPosterior:
    """Standard deviations of what a fitted model says, from the posterior of its linear parameters.

    The loss of a fit is -2 s^2 log of the posterior density of the parameters p, for labels with
    noise of variance s^2/w (w: their weights) and a prior of variance s^2/lambda, up to a constant.
    In the linear parameters it is quadratic, so that their posterior is normal,

        cov(p) = s^2 (A^T W A + Lambda)^-1 = s^2 (R^T R)^-1,
        var(b.p) = s_q^2 |R^-T b|^2 for a prediction b.p of the kind q,

    with all other parameters fixed. s_q is not a free number. It is chosen for each label q so that
    the errors e_f of frames f that are left out have the covariance that is predicted for them,
    s_q^2 = sum_f e_f^T V_f^-1 e_f / count, e_f = (1 - H_f)^-1 r_f, V = [(1 - H_f)^-1]_qq, with
    residuals r_f and H_f = A_f (R^T R)^-1 A_f^T: no further fit is needed. Deviations are then
    those of new frames like the fitted ones, also where the model, and not noise, limits the fit.

    Parameters that the data leave open have the variance t^2/lambda of the prior, where t is s
    only if lambda is the ratio of both. It is fixed before the fit, so t follows from the size of
    what was found, t^2 = p^T Lambda p / (n - tr Lambda (R^T R)^-1), the prior of largest evidence
    (MacKay, Neural Computation 4, 415 (1992)), and

    var(b.p) = s_q^2 |R^-T b|^2 + max(t^2 - s_q^2, 0) |Lambda^1/2 R^-1 R^-T b|^2,

    the mean square error of ridge regression with noise s_q and coefficients t. The second part is
    what tells that a structure asks for something the data do not contain
    (:meth:`undetermined`). Deviations where a model extrapolates are a warning and no bound: those
    of the prior are as good as the prior.

    What the sparse points of a Gaussian process leave open is added to the variances of energies
    (:meth:`ase_mag.regressors.BasisFunction.unresolved`), not to those of their derivatives. With a
    Gaussian kernel, whose points leave much open, deviations are not calibrated for that reason:
    those of energies are too large (frames that are left out are still sparse points), those of
    forces and fields may be too small.

    Parameters
    ----------
    potential : Trainable or a sum with trainable terms, fitted to the data. It is copied.
    data : Dataset, the training data.
    weights, scaling : as given to :func:`ase_mag.fitting.fit`. workers : int

    Attributes
    ----------
    scales : dict from label to float, s_q, eV. Labels without weight have that of the energy, or
        else the mean of the others.
    prior_scale : float, t, eV; the scale of the energy without a prior.

    Raises
    ------
    ValueError
        For a model without linear parameters, or data and prior that do not determine all of them.
    """

    def __init__(self, potential, data, weights=None, *, scaling="configuration", workers=1):
        self.potential = copy.deepcopy(potential)
        self._parts = TrainableParts(self.potential)
        if not len(self._parts.linear):
            raise ValueError(
                f"{potential!r} has no linear parameters, whose posterior is known: use an "
                "ensemble (fitting.ensemble)"
            )
        self.weights = check_weights(weights, data)
        self.scaling = scaling
        loss = Loss(self._parts, data, self.weights, scaling, workers)
        self._triangle = self._reduced(loss)
        self.scales = self._scales(loss)
        self._root = np.sqrt(loss.prior()[self._parts.linear])
        self.prior_scale = self._size_of_the_prior()

    def _reduced(self, loss):
        n = len(self._parts.linear)
        triangle = np.linalg.qr(np.vstack([prior_rows(loss)[:, :n], np.zeros((1, n))]), mode="r")
        for rows in loss.over_chunks(lambda chunk: weighted_rows(loss, chunk)):
            triangle = np.linalg.qr(np.vstack([triangle, rows[:, :n]]), mode="r")
        diagonal = np.abs(np.diagonal(triangle))
        if len(triangle) < n or diagonal.min() <= _SINGULAR * diagonal.max():
            raise ValueError(
                f"data and prior do not determine all {n} linear parameters, so that errors are "
                "infinite: add frames or labels, or give the model a prior (regularization > 0)"
            )
        return triangle

    def _scales(self, loss):
        sums, counts = {}, {}
        for each in loss.over_chunks(lambda chunk: [self._left_out(loss, s) for s in chunk]):
            for frame in each:
                for name, (square, count) in frame.items():
                    sums[name] = sums.get(name, 0.0) + square
                    counts[name] = counts.get(name, 0) + count
        scales = {name: float(np.sqrt(sums[name] / counts[name])) for name in sums}
        other = scales.get("energy", float(np.mean(list(scales.values()))))
        return {name: scales.get(name, other) for name in self.weights}

    def _left_out(self, loss, sample):
        """Return {label: (e^T V^-1 e, count)} of one frame that is left out."""
        rows = weighted_rows(loss, [sample])
        if not len(rows):
            return {}
        scaled = self._solve(rows[:, :-1].T)
        covariance = np.linalg.inv(np.eye(len(rows)) - scaled.T @ scaled)
        errors, out, start = covariance @ rows[:, -1], {}, 0
        for name, factors in sample.factors.items():
            end = start + np.count_nonzero(factors)
            if end > start:
                part = slice(start, end)
                square = errors[part] @ np.linalg.solve(covariance[part, part], errors[part])
                out[name] = float(square), end - start
            start = end
        return out

    def _size_of_the_prior(self):
        found = self._root > 0
        if not found.any():
            return self.scales["energy"]
        inverse = solve_triangular(self._triangle, np.eye(len(self._triangle)))[found]
        left_open = np.einsum("k,ki,ki->", self._root[found] ** 2, inverse, inverse)
        values = self._root * self._parts.parameters[self._parts.linear]
        return float(np.sqrt(values @ values / (np.count_nonzero(found) - left_open)))

    def _solve(self, columns):
        """Return R^-T b for columns b."""
        return solve_triangular(self._triangle, columns, trans="T")

    def uncertainty(self, atoms, moments=None, *, noise=True):
        """Return standard deviations of labels of new frames from what the model says.

        sigma^2 = var(b.p) + noise^2 for energies, and for every component of forces and fields,
        with :meth:`noise` of each kind of label. It is what a model of this form cannot describe
        as well as the noise of a calculation, and dominates wherever there are many more labels
        than parameters, as for forces and fields. Where a kind of label has no weight in the fit,
        its noise is not known and left out. Sites share the noise of the energy evenly.

        Parameters
        ----------
        atoms : ase.Atoms or PairGraph
        moments : (N, 3) float array, mu_B; needed with a graph, else those of the atoms.
        noise : bool; False: deviations of the parameters' mean prediction alone, which are too
            small for errors wherever the model limits the fit.

        Returns
        -------
        Uncertainty
        """
        graph, moments = self._structure(atoms, moments)
        design = self._parts.design(graph, moments)
        sites, total = self._unresolved(graph, moments)
        energy, forces, fields = (
            self.noise(name, graph.n_sites) ** 2 if noise and self.weights[name] > 0 else 0.0
            for name in ("energy", "forces", "magforces")
        )
        share = energy / max(graph.n_sites, 1)
        return Uncertainty(
            float(np.sqrt(self._variances(design.energies.sum(axis=1), "energy") + total + energy)),
            np.sqrt(self._variances(design.energies, "energy") + sites + share),
            np.sqrt(self._variances(design.forces, "forces").sum(axis=1) + 3 * forces),
            np.sqrt(self._variances(design.magforces, "magforces").sum(axis=1) + 3 * fields),
        )

    def undetermined(self, atoms, moments=None):
        """Return which share of the variance of the energy is the prior's, from 0 to 1.

        Near 1 the data say nothing about what limits this prediction: structures like this one
        have to be added, or the deviation is a guess (of exchange constants that small cells only
        hold sums of, for example).

        Parameters
        ----------
        atoms, moments : as in :meth:`uncertainty`.
        """
        graph, moments = self._structure(atoms, moments)
        columns = self._parts.energy_design(graph, moments).sum(axis=1)
        _, total = self._unresolved(graph, moments)
        own = max(self.prior_scale, self.scales["energy"]) ** 2 * self._open(columns) + total
        return float(own / (self._variances(columns, "energy") + total))

    def _structure(self, atoms, moments):
        if isinstance(atoms, PairGraph):
            if moments is None:
                raise ValueError("a graph has no moments: give moments (N, 3) in mu_B")
            return atoms, moments
        moments = get_moments(atoms) if moments is None else moments
        self.potential.check_species(atoms.numbers)
        graph = PairGraph.build(
            atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, self.potential.cutoff
        )
        return graph, moments

    def _unresolved(self, graph, moments):
        """Variances of sites and of their sum that the basis lacks of a process, eV^2."""
        sites, total = np.zeros(graph.n_sites), 0.0
        for term in self._parts.terms:
            if hasattr(term, "unresolved"):
                own, together = term.unresolved(graph, moments)
                sites, total = sites + own, total + together
        square = max(self.prior_scale, self.scales["energy"]) ** 2
        return square * sites, square * total

    def _open(self, columns):
        """Return b^T (R^T R)^-1 Lambda (R^T R)^-1 b of columns b."""
        flat = self._solve(columns.reshape(len(columns), -1))
        flat = self._root[:, None] * solve_triangular(self._triangle, flat)
        return np.einsum("ki,ki->i", flat, flat).reshape(columns.shape[1:])

    def _variances(self, columns, label):
        """Return the variances of what is linear in the parameters with these columns."""
        flat = self._solve(columns.reshape(len(columns), -1))
        noise = np.einsum("ki,ki->i", flat, flat).reshape(columns.shape[1:])
        square = self.scales[label] ** 2
        more = max(self.prior_scale**2 - square, 0.0)
        return square * noise + (more * self._open(columns) if more else 0.0)

    def noise(self, label, n_atoms=1):
        """Return the standard deviation of a label around the model, s_q / sqrt(weight).

        Parameters
        ----------
        label : a label with weight; n_atoms : int, of the cell, which counts for energies with
            ``scaling='atom'``.
        """
        weight = self.weights[label]
        if weight == 0:
            raise ValueError(f"{label} has no weight in the fit, so that its noise is not known")
        size = n_atoms if self.scaling == "atom" and label in ("energy", "stress") else 1
        return self.scales[label] * float(np.sqrt(size / weight))


class PosteriorErrors:
    """The posterior standard deviation as the uncertainty of atoms, for :func:`active_loop`.

    It holds the noise of labels (:meth:`LinearPosterior.uncertainty`): thresholds are errors that
    new calculations will show, and cannot be below what the model leaves everywhere.

    Parameters
    ----------
    potential : Trainable or a sum with trainable terms, fitted to the data.
    data : Dataset
    label : 'energies' (eV), 'forces' (eV/angstrom) or 'magforces' (eV/mu_B).
    **options : of :class:`LinearPosterior`.
    """

    def __init__(self, potential, data, label="energies", **options):
        if label not in ("energies", "forces", "magforces"):
            raise ValueError(f"label must be 'energies', 'forces' or 'magforces', got {label!r}")
        self.label = label
        self.posterior = LinearPosterior(potential, data, **options)

    def uncertainty(self, atoms):
        """Return the standard deviation of every atom, (N,)."""
        return getattr(self.posterior.uncertainty(atoms), self.label)
