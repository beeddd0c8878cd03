"""The curvature of a loss from random vectors, where minimizations start from."""

import numpy as np
from scipy.linalg import cho_factor, cho_solve

#: What is added to the scaled matrix, whose diagonal is 1.
DAMPING = 1e-3
#: Random vectors per parameter that are wanted, and the most per frame and label.
_OVERSAMPLING, _MOST = 4, 16


def sketched(loss, seed):
    """Return a random estimate of G = 2/K (J^T W J + prior), (n_parameters, n_parameters).

    J is the derivative of all predictions by the parameters and W the weights, so that G is the
    Hessian of the loss without second derivatives of the model. With vectors z of random signs
    E[(J^T sqrt(W) z)(J^T sqrt(W) z)^T] = J^T W J, and each such product is one ``parameter_vjp``.
    The energy of a frame is one row of J and has one exact product; forces, virial and magnetic
    forces of each frame have vectors of their own, one each where frames are many, more
    where there are fewer than four products per parameter.

    Parameters
    ----------
    loss : Loss; seed : int. The result does not depend on the number of workers.
    """
    n, count = loss.parts.n_parameters, len(loss.samples)
    probes = int(np.clip(np.ceil((_OVERSAMPLING * n / count - 1) / 3), 1, _MOST))
    total = np.zeros((n, n))
    places = {id(sample): k for k, sample in enumerate(loss.samples)}

    def products(chunk):
        rows = [np.zeros((0, n))]
        for sample in chunk:
            rng = np.random.default_rng([seed, places[id(sample)]])
            rows.append(loss.products(sample, _vectors(sample, rng, probes)))
        return np.vstack(rows)

    for rows in loss.over_chunks(products):
        total += rows.T @ rows
    total[np.diag_indices(n)] += loss.prior()
    return total * (2.0 / count)


def _vectors(sample, rng, probes):
    """Return the label and the values of every sqrt(W) z of one frame."""
    out = []
    for name, factors in sample.factors.items():
        times = 1 if name == "energy" else min(probes, int(np.count_nonzero(factors)))
        for _ in range(times):
            out.append((name, np.sqrt(factors / times) * rng.choice([-1.0, 1.0], factors.shape)))
    return out


def damped_inverse(matrix):
    """Return (G + damping diag G)^-1; parameters without any effect stay where they are."""
    size = np.sqrt(np.diag(matrix))
    scale = np.where(size > 0, size, 1.0)
    scaled = matrix / np.outer(scale, scale)
    scaled[np.diag_indices(len(size))] = 1.0 + DAMPING
    inverse = cho_solve(cho_factor(scaled), np.eye(len(size)))
    return 0.5 * (inverse + inverse.T) / np.outer(scale, scale)


def eliminated(matrix, kept, solved):
    """Return the curvature in the kept parameters where the solved ones follow at once.

    G_kk - G_ks G_ss^-1 G_sk (Schur complement), with the damping of :func:`damped_inverse` in G_ss.
    """
    across = matrix[np.ix_(kept, solved)]
    return matrix[np.ix_(kept, kept)] - across @ (
        damped_inverse(matrix[np.ix_(solved, solved)]) @ across.T
    )
