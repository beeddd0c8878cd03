"""Second derivatives of a bilinear form with respect to the moments."""

from dataclasses import replace

import numpy as np


def hessian_of(form, moments):
    """Return the function v -> H v, H = d2E/dM dM of a :class:`BilinearForm`, exact.

    (H v)_i = h_i v_i - sum_j (J_ij + T_ij) v_j with the 3 x 3 blocks of :func:`onsite_blocks`.

    Parameters
    ----------
    form : BilinearForm
    moments : (N, 3) float array, mu_B.

    Returns
    -------
    function of an (N, 3) array v (mu_B) that returns (N, 3), eV/mu_B.
    """
    blocks = onsite_blocks(form, moments)
    pairs = replace(form.without_onsite(), field=None)
    if pairs.exchange is None and pairs.tensors is None:
        return lambda v: np.einsum("iab,ib->ia", blocks, v)
    return lambda v: np.einsum("iab,ib->ia", blocks, v) - pairs.evaluate(v)[1]


def onsite_blocks(form, moments):
    """Return d2E/dM_i dM_i of the on-site terms of ``form``, (N, 3, 3), eV/mu_B^2.

    a m^2 + b m^4 + c m^6 gives (2a + 4b m^2 + 6c m^4) 1 + (8b + 24c m^2) M M^T, M.Q.M gives 2 Q;
    the cubic terms are differentiated along their axes.
    """
    n = len(moments)
    squares = np.einsum("ia,ia->i", moments, moments)
    blocks = np.zeros((n, 3, 3))
    if form.landau is not None:
        a, b, c = form.landau.T
        isotropic = 2 * a + 4 * b * squares + 6 * c * squares**2
        blocks += isotropic[:, None, None] * np.eye(3)
        along = 8 * b + 24 * c * squares
        blocks += along[:, None, None] * np.einsum("ia,ib->iab", moments, moments)
    if form.quadric is not None:
        blocks += 2 * form.quadric
    if form.cubic is not None:
        axes = np.broadcast_to(np.eye(3), (n, 3, 3)) if form.axes is None else form.axes
        blocks += np.einsum("ipa,ipq,iqb->iab", axes, _cubic_blocks(form, axes, moments), axes)
    return blocks


def _cubic_blocks(form, axes, moments):
    k1, k2 = form.cubic.T
    q = np.einsum("ipa,ia->ip", axes, moments)
    blocks = np.empty((len(moments), 3, 3))
    for p in range(3):
        r, s = (p + 1) % 3, (p + 2) % 3
        blocks[:, p, p] = 2 * k1 * (q[:, r] ** 2 + q[:, s] ** 2) + 2 * k2 * (q[:, r] * q[:, s]) ** 2
        mixed = 4 * k1 * q[:, p] * q[:, r] + 4 * k2 * q[:, p] * q[:, r] * q[:, s] ** 2
        blocks[:, p, r] = blocks[:, r, p] = mixed
    return blocks
