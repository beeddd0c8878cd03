"""The marginal likelihood of models with linear parameters, and choices by it."""

import numpy as np
from scipy.special import gammaln

from ase_mag.fitting.fit import fit
from ase_mag.fitting.linear import prior_rows, weighted_rows
from ase_mag.fitting.loss import Loss, check_weights
from ase_mag.fitting.trainable import TrainableParts

#: A diagonal element of the triangle below this, relative to the largest: not determined.
_SINGULAR = 1e-14


def log_evidence(potential, data, weights=None, *, scaling="configuration", workers=1):
    """Return the log marginal likelihood of the data, given the prior of the linear parameters.

    Labels y = A p + noise of variance s^2/w, parameters p_k with normal priors of variance
    s^2/lambda_k, and flat ones where lambda_k = 0. With p integrated out, and s with the density
    1/s,

    log p(y) = 1/2 sum_k log lambda_k - log |det R| - (N - n_0)/2 log(pi Q) + log Gamma((N - n_0)/2)

    with R^T R = A^T W A + Lambda, the loss Q = |W^1/2 (y - A p)|^2 + p^T Lambda p at its minimum, N
    labels and n_0 flat parameters. log w/2 of all labels, the same for all models, is left out. A
    prior that allows too much is punished by the determinants, one that forbids what the data
    show by Q: of two models of the same data the one with the larger evidence generalizes better,
    if both priors are meant (MacKay, Neural Computation 4, 415 (1992)). Differences of 5 are
    large. All other parameters stay as they are.

    Parameters
    ----------
    potential : Trainable or a sum with trainable terms, fitted to the data.
    data : Dataset
    weights, scaling, workers : as given to :func:`ase_mag.fitting.fit`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Without linear parameters, or fewer labels than flat ones, or parameters that neither data
        nor prior determine.
    """
    parts = TrainableParts(potential)
    n = len(parts.linear)
    if not n:
        raise ValueError(f"{potential!r} has no linear parameters, whose evidence is known")
    loss = Loss(parts, data, check_weights(weights, data), scaling, workers)
    rows = prior_rows(loss)
    priors = loss.prior()[parts.linear]
    priors = priors[priors > 0]
    triangle, count, square = rows[:, :n], 0, float(np.square(rows[:, n]).sum())
    for block in loss.over_chunks(lambda chunk: weighted_rows(loss, chunk)):
        triangle = np.linalg.qr(np.vstack([triangle, block[:, :n]]), mode="r")
        count += len(block)
        square += float(np.square(block[:, n]).sum())
    free = count - (n - len(priors))
    diagonal = np.abs(np.diagonal(triangle))
    if free < 1 or len(diagonal) < n or diagonal.min() <= _SINGULAR * diagonal.max():
        raise ValueError(
            f"{count} labels and the prior do not determine all {n} linear parameters, so that "
            "there is no evidence: add frames or labels, or give the model a prior "
            "(regularization > 0)"
        )
    return float(
        0.5 * np.log(priors).sum()
        - np.log(diagonal).sum()
        - 0.5 * free * np.log(np.pi * square)
        + gammaln(0.5 * free)
    )


def most_likely(candidates, data, weights=None, *, scaling="configuration", workers=1):
    """Fit all candidates to the data; return the one with the largest evidence.

    For what a fit cannot decide: the regularization, the decay of interactions with distance, the
    cutoff, or the width of densities. No data are held out.

    Parameters
    ----------
    candidates : sequence of potentials, linear in all parameters. All are fitted in place.
    data : Dataset
    weights, scaling, workers : of :func:`ase_mag.fitting.fit`.

    Returns
    -------
    potential, the fitted candidate, and (n_candidates,) float array, :func:`log_evidence`.

    Raises
    ------
    ValueError
        Without candidates, for one with other than linear parameters, and as
        :func:`log_evidence`.
    """
    candidates = list(candidates)
    if not candidates:
        raise ValueError("there are no candidates: give at least one potential")
    values = []
    for potential in candidates:
        parts = TrainableParts(potential)
        if len(parts.linear) < len(parts.parameters):
            raise ValueError(
                f"{potential!r} has {len(parts.parameters) - len(parts.linear)} parameters that "
                "are not linear: evidences are compared of linear models only"
            )
        options = {"scaling": scaling, "workers": workers}
        fit(potential, data, weights, progress=False, **options)
        values.append(log_evidence(potential, data, weights, **options))
    return candidates[int(np.argmax(values))], np.array(values)
