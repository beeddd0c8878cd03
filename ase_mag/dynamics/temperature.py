"""Temperatures of the moments, from their energy."""

import numpy as np

from ase_mag import units


def spin_temperature(form, moments):
    """Return the transverse spin temperature in K.

    T = sum_i |M_i x B_i|^2 / (kB sum_i m_i^2 Delta_i E), where Delta_i is the Laplacian on the
    unit sphere of direction i. For exchange and external fields m^2 Delta E = 2 M.B, which gives
    T = sum |M x B|^2 / (2 kB sum M.B) (Ma, Dudarev, Semenov, Woo, Phys. Rev. E 82, 031111 (2010)).
    An on-site term p(M) that is homogeneous of degree n adds m^2 (nabla^2 p) - n (n + 1) p;
    terms that depend on the size only (Landau) add nothing.

    It is the temperature of a canonical ensemble of directions at fixed sizes. In an ordered magnet
    a single value fluctuates by about T/sqrt(N), by more where m B comes down to kB T.

    Parameters
    ----------
    form : ase_mag.core.BilinearForm
    moments : (N, 3) float array, mu_B.

    Returns
    -------
    float, K; nan where the curvature vanishes (no interaction).
    """
    form = form.merged()  # couplings of an atom to its own images are terms of its size
    return temperature_of(*torque_and_curvature(form, moments))


def torque_and_curvature(form, moments):
    """Return sum_i |M_i x B_i|^2 and sum_i m_i^2 Delta_i E, in eV^2 and eV.

    The parts of :func:`spin_temperature` that are sums over atoms.

    Parameters
    ----------
    form : ase_mag.core.BilinearForm of n sites, merged.
    moments : (n_atoms, 3) float array, mu_B; those after the first n are of ghosts.
    """
    fields, linear = form.evaluate(moments)[1], form.without_onsite().evaluate(moments)[1]
    moments = moments[: form.n_atoms]
    torque = np.cross(moments, fields)
    curvature = 2 * np.einsum("ij,ij->", moments, linear) + _onsite_curvature(form, moments)
    return float(np.einsum("ij,ij->", torque, torque)), float(curvature)


def temperature_of(torque, curvature):
    """Return the spin temperature in K of the sums of :func:`torque_and_curvature`; nan: none."""
    return torque / (units.kB * curvature) if curvature != 0 else float("nan")


def moment_temperature(form, moments):
    """Return the temperature of the moment vectors, directions and sizes, in K.

    T = sum_i |dE/dM_i|^2 / (kB sum_i nabla_i^2 E) with the Laplacian over the three components
    of each moment. Exchange and field have none; a m^2 + b m^4 + c m^6 has 6 a + 20 b m^2
    + 42 c m^4. It is the temperature of the ensemble exp(-E/kT) d^3M of generalized Langevin
    dynamics, not of dynamics at fixed sizes.

    Parameters are those of :func:`spin_temperature`.
    """
    fields = form.evaluate(moments)[1]
    square = np.einsum("ij,ij->i", moments, moments)
    total = 0.0
    if form.landau is not None:
        a, b, c = form.landau.T
        total += (6 * a + square * (20 * b + 42 * c * square)).sum()
    if form.quadric is not None:
        total += 2 * np.trace(form.quadric, axis1=1, axis2=2).sum()
    if form.cubic is not None:
        u, v, w = np.einsum("iab,ib->ai", form.axes, moments) ** 2
        k1, k2 = form.cubic.T
        total += (4 * k1 * square + 2 * k2 * (u * v + v * w + w * u)).sum()
    if total == 0:
        return float("nan")
    return float(np.einsum("ij,ij->", fields, fields) / (units.kB * total))


def _onsite_curvature(form, moments):
    """Return the sum over atoms of m^2 (nabla^2 p) - n (n + 1) p of the anisotropy terms."""
    square = np.einsum("ij,ij->i", moments, moments)
    total = 0.0
    if form.quadric is not None:
        trace = np.trace(form.quadric, axis1=1, axis2=2)
        value = np.einsum("ia,iab,ib->i", moments, form.quadric, moments)
        total += (2 * square * trace - 6 * value).sum()
    if form.cubic is not None:
        u, v, w = np.einsum("iab,ib->ai", form.axes, moments) ** 2
        quartic, sextic = u * v + v * w + w * u, u * v * w
        k1, k2 = form.cubic.T
        total += (k1 * (4 * square**2 - 20 * quartic) + k2 * (2 * square * quartic)).sum()
        total -= (42 * k2 * sextic).sum()
    return total
