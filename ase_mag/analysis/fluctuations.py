"""Fluctuations of the magnetization: susceptibility and Binder cumulant, with errors."""

from dataclasses import dataclass

import numpy as np

from ase_mag.analysis.binder import binder
from ase_mag.analysis.statistics import skipped
from ase_mag.units import kB


@dataclass(frozen=True)
class Fluctuations:
    """Fluctuations of the magnetization of a system in a bath.

    Errors are one standard error, from the jackknife over blocks.

    Attributes
    ----------
    susceptibility, susceptibility_error : (3, 3) float arrays, mu_B^2/eV per atom.
    trace_error : float, of the mean of the three diagonal values.
    modulus, modulus_error : float, mu_B^2/eV per atom, N (<|m|^2> - <|m|>^2) / k_B T.
    binder, binder_error : float, 1 - <m^4> / (3 <m^2>^2).
    temperature_K : float. n_atoms, n_frames : int.
    """

    susceptibility: np.ndarray
    susceptibility_error: np.ndarray
    trace_error: float
    modulus: float
    modulus_error: float
    binder: float
    binder_error: float
    temperature_K: float
    n_atoms: int
    n_frames: int

    def __str__(self):
        values = np.diagonal(self.susceptibility)
        errors = np.diagonal(self.susceptibility_error)
        axes = ", ".join(
            f"{axis} {value:.4g} +- {error:.2g}"
            for axis, value, error in zip("xyz", values, errors, strict=True)
        )
        return (
            f"Binder cumulant {self.binder:.4f} +- {self.binder_error:.2g}\n"
            f"susceptibility per atom at {self.temperature_K:g} K (mu_B^2/eV): {axes}; of the size "
            f"of the magnetization {self.modulus:.4g} +- {self.modulus_error:.2g}"
        )


def fluctuations(magnetization, n_atoms, temperature_K, *, skip=0, blocks=10):
    """Return susceptibility and Binder cumulant of a series of magnetizations.

    chi_ab = d<m_a>/dB_b = N (<m_a m_b> - <m_a><m_b>) / k_B T, per atom, with m = sum_i M_i / N and
    B in eV/mu_B; times mu_B in eV/T (5.788e-5) it is in mu_B/T per atom, and times
    mu_0 mu_B^2 N/V it is the dimensionless one of SI. N independent moments of the size M have
    chi = M^2/(3 k_B T). Below its ordering temperature a finite system turns its magnetization
    slowly and chi_ab holds these turns; ``modulus`` does not.

    Parameters
    ----------
    magnetization : (n_frames, 3) float array, mean moments, mu_B per atom.
    n_atoms : int. temperature_K : float, of the bath of the moments.
    skip : int, leading frames that are left out, or a fraction below 1.
    blocks : int, for the jackknife; a block must be long compared with the correlation time.

    Returns
    -------
    Fluctuations

    Raises
    ------
    ValueError
        For fewer frames than blocks, fewer than two blocks, or a temperature that is not positive.
    """
    if not temperature_K > 0:
        raise ValueError(f"a susceptibility needs a temperature above 0 K, got {temperature_K}")
    m = np.asarray(magnetization, dtype=float).reshape(-1, 3)
    m = m[skipped(skip, len(m)) :]
    if blocks < 2 or len(m) < blocks:
        raise ValueError(
            f"errors need at least two blocks and a frame in each, got {blocks} blocks and "
            f"{len(m)} frames: run longer"
        )
    square = np.einsum("ta,ta->t", m, m)
    products = np.einsum("ta,tb->tab", m, m).reshape(-1, 9)
    samples = np.column_stack([m, products, np.sqrt(square), square, square**2])
    parts = np.array([part.sum(axis=0) for part in np.array_split(samples, blocks)])
    lengths = np.array([len(part) for part in np.array_split(square, blocks)])
    total = parts.sum(axis=0)
    without = (total - parts) / (len(m) - lengths)[:, None]
    scale = n_atoms / (kB * temperature_K)
    values = _estimates(total[None] / len(m), scale)[0]
    others = _estimates(without, scale)
    errors = np.sqrt((blocks - 1) * others.var(axis=0))
    return Fluctuations(
        values[:9].reshape(3, 3),
        errors[:9].reshape(3, 3),
        float(errors[9]),
        *(float(x) for pair in zip(values[10:], errors[10:], strict=True) for x in pair),
        float(temperature_K),
        int(n_atoms),
        len(m),
    )


def _estimates(means, scale):
    """Return tensor (9), its trace / 3, modulus and cumulant of averages (n, 15) in rows."""
    first, products = means[:, :3], means[:, 3:12]
    size, square, fourth = means[:, 12:].T
    tensor = scale * (products - np.einsum("na,nb->nab", first, first).reshape(-1, 9))
    with np.errstate(invalid="ignore", divide="ignore"):
        cumulant = binder(square, fourth)
    trace = tensor[:, ::4].mean(axis=1)
    return np.column_stack([tensor, trace, scale * (square - size**2), cumulant])
