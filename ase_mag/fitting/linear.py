"""Linear least squares without the matrix: one triangle is kept, frames pass by."""

from dataclasses import dataclass
from itertools import chain

import numpy as np

from ase_mag.fitting.samples import predictions

#: A solution whose residual overlaps less with all columns is not corrected.
_EXACT = 1e-12


@dataclass(frozen=True)
class LinearSolution:
    """What is known of a linear solution.

    Attributes
    ----------
    rank : int, of n_linear columns; directions that the data do not determine stay at zero.
    n_linear : int. condition : float, of the columns after scaling them to equal length.
    orthogonality : float, max_k |A_k . r| / (|A_k| |r|) of column k and the residual; 0 is exact.
    """

    rank: int
    n_linear: int
    condition: float
    orthogonality: float


def solve_linear(loss, ridge=0.0, rcond=1e-12, refine=True):
    """Set the linear parameters to their least-squares solution, all others fixed.

    minimize |A x - y|^2 + sum_k (prior_k + ridge |A_k|^2) x_k^2, with one row per weighted number,
    columns A_k, and the prior of the model (:attr:`ase_mag.core.Trainable.prior`), which is one
    more row for each parameter that has one. Some thousand rows at a time are reduced to a triangle
    by Householder QR, R of [A, y], so that the memory is that of a few n_linear^2 numbers, not of
    the matrix, and no square of A is formed. Columns are scaled to length one; singular values
    below ``rcond`` of the largest are left out, so that parameters which the data do not determine
    get the smallest values, not random ones.

    Parameters
    ----------
    loss : Loss, whose model is changed.
    ridge : float, relative to the length of the columns; 0: none.
    rcond : float
    refine : bool, whether a second pass corrects rounding and measures the orthogonality.

    Returns
    -------
    LinearSolution

    Raises
    ------
    ValueError
        For a negative ridge.
    FloatingPointError
        If the potential gives numbers that are not finite, naming the frame.
    """
    if not (np.isfinite(ridge) and ridge >= 0):
        raise ValueError(f"ridge must not be negative, got {ridge!r}")
    parts = loss.parts
    n = len(parts.linear)
    values = parts.parameters
    values[parts.linear] = 0.0
    parts.parameters = values
    triangle, _ = _reduced(loss)
    lengths = np.linalg.norm(triangle[:, :n], axis=0)
    scale = np.where(lengths > 0, lengths, 1.0)

    def decomposed(triangle):
        u, s, vt = np.linalg.svd(triangle[:, :n] / scale, full_matrices=False)
        return u, s, vt, s > rcond * s.max(initial=0.0)

    def step_of(triangle):
        u, s, vt, kept = decomposed(triangle)
        inverse = np.where(kept, s / np.where(kept, s**2 + ridge, 1.0), 0.0)
        return vt.T @ (inverse * (u.T @ triangle[:, n])) / scale

    _, s, _, kept = decomposed(triangle)
    values[parts.linear] = step_of(triangle)
    parts.parameters = values
    orthogonality = np.nan
    if refine:
        triangle, orthogonality = _reduced(loss)
        if ridge == 0 and orthogonality > _EXACT:
            # The same columns and a smaller right-hand side: what rounding has left.
            values[parts.linear] += step_of(triangle)
            parts.parameters = values
            _, orthogonality = _reduced(loss)
    condition = float(s[0] / s[kept][-1]) if kept.any() else np.inf
    return LinearSolution(int(kept.sum()), n, condition, float(orthogonality))


def _reduced(loss):
    """Return the triangle R of [A, y - prediction], and how far residual and columns overlap."""
    n = len(loss.parts.linear)
    waiting, enough = [np.zeros((0, n + 1))], max(4 * n, 2000)
    overlap, squares = np.zeros(n), np.zeros(n + 1)
    for rows in chain(
        [prior_rows(loss)], loss.over_chunks(lambda chunk: weighted_rows(loss, chunk))
    ):
        overlap += rows[:, :n].T @ rows[:, n]
        squares += np.einsum("ij,ij->j", rows, rows)
        waiting.append(rows)
        if sum(map(len, waiting)) >= enough:
            waiting = [np.linalg.qr(np.vstack(waiting), mode="r")]
    total = np.linalg.qr(np.vstack(waiting), mode="r")
    lengths = np.sqrt(squares[:n] * squares[n])
    cosines = np.divide(np.abs(overlap), lengths, out=np.zeros(n), where=lengths > 0)
    return total, cosines.max(initial=0.0)


def prior_rows(loss):
    """Return the rows [sqrt(prior), -sqrt(prior) x] of the linear parameters that have a prior."""
    linear = loss.parts.linear
    root = np.sqrt(loss.prior()[linear])
    rows = np.column_stack([np.diag(root), -root * loss.parts.parameters[linear]])
    return rows[root > 0]


def weighted_rows(loss, chunk):
    """Return the weighted rows [A, y - prediction] of some frames."""
    n = len(loss.parts.linear)
    blocks = [np.zeros((0, n + 1))]
    for sample in chunk:
        differences = loss.differences(sample)
        if not differences:
            continue
        if set(sample.targets) == {"energy"}:
            energies = loss.parts.energy_design(sample.graph, sample.moments)
            columns = {"energy": energies.sum(axis=-1)}
        else:
            design = loss.parts.design(sample.graph, sample.moments, lattice=loss.lattice)
            columns = predictions(design, sample.targets)
        for name, difference in differences.items():
            root = np.sqrt(sample.factors[name]).ravel()
            used = root > 0
            rows = np.column_stack([columns[name].reshape(n, -1).T, -np.ravel(difference)])
            if not np.isfinite(rows).all():
                raise FloatingPointError(
                    f"{sample.frame.where}: the potential gives a {name} that is not finite"
                )
            blocks.append(rows[used] * root[used, None])
    return np.vstack(blocks)
