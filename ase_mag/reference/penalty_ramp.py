"""From penalties of growing weight to the hard constraint."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class PenaltyStep:
    """One minimum of E(M) + E_p, with E_p = weight |M - T|^2 (of the constrained part), or like it.

    Attributes
    ----------
    weight : float, eV/mu_B^2.
    energy : float, eV, with the penalty; penalty : float, E_p, eV.
    forces : (N, 3), eV/angstrom; stress : (6,), eV/angstrom^3, or None.
    moments : (N, 3), mu_B, at the minimum.
    magforces : (N, 3), eV/mu_B, -dE/dM of the energy without penalty at these moments, or None.
    """

    weight: float
    energy: float
    penalty: float
    forces: np.ndarray
    stress: np.ndarray
    moments: np.ndarray
    magforces: np.ndarray


def at_last_weight(steps):
    """Return the labels of the last step: exact ones of the moments that were reached.

    At the minimum of E + E_p the energy without penalty, forces, and dE/dM = -dE_p/dM all belong
    to E(R, M) at the moments M of that step, whatever the weight.

    Returns
    -------
    dict with energy, forces, stress, moments, magforces; dict of errors (empty).
    """
    last = steps[-1]
    return {
        "energy": last.energy - last.penalty,
        "forces": last.forces,
        "stress": last.stress,
        "moments": last.moments,
        "magforces": last.magforces,
    }, {}


def at_target(steps):
    """Return the labels at the targets, extrapolated to infinite weight, and their errors.

    With x = 1/weight, moments, forces, stress and magnetic forces are polynomials in x. The energy
    at the target is E(M) + dE/dM.(T - M) + O(x^2) = (E + E_p) + E_p + ..., where the total energy
    E + E_p is what the code prints, so energy + penalty has no linear term in x. The last three
    steps (all, if fewer) are fitted exactly; the error is the difference from the fit with one step
    less.

    Parameters
    ----------
    steps : list of PenaltyStep with growing weights, at least two.

    Returns
    -------
    dict with energy, forces, stress, moments, magforces; dict of largest errors of each.
    """
    if len(steps) < 2:
        raise ValueError(
            f"an extrapolation to the hard constraint needs two weights or more, got "
            f"{[step.weight for step in steps]}: give more lambdas, or extrapolate=False"
        )
    x = np.array([1.0 / step.weight for step in steps])
    values, errors = {}, {}
    series = {"energy": [step.energy + step.penalty for step in steps]}
    for name in ("forces", "stress", "moments", "magforces"):
        series[name] = [getattr(step, name) for step in steps]
    for name, samples in series.items():
        if any(sample is None for sample in samples):
            values[name] = None
            continue
        powers = (0, 2, 3) if name == "energy" else (0, 1, 2)
        best = _limit(x[-3:], samples[-3:], powers)
        coarser = _limit(x[-3:][1:], samples[-3:][1:], powers)
        values[name] = float(best) if name == "energy" else best
        errors[name] = float(np.abs(np.asarray(best - coarser)).max())
    return values, errors


def _limit(x, samples, powers):
    """Return the value at x = 0 of the polynomial with these powers through the samples."""
    scale = x.max()
    design = np.stack([(x / scale) ** power for power in powers[: len(x)]], axis=1)
    first = np.linalg.inv(design)[0]
    return np.tensordot(first, np.array(samples, dtype=float), axes=1)


def energy_ratio(steps):
    """Return how well the magnetic forces agree with the energies of neighboring steps.

    Between two minima E(M_2) - E(M_1) = -(B_1 + B_2).(M_2 - M_1)/2 to third order in M_2 - M_1,
    with E = total energy - E_p and B = -dE/dM: an independent test of factor and penalty energy on
    every ramp.

    Returns
    -------
    ratio : float, left side over right side for the pair with the largest energy difference; NaN
        for a single step.
    difference : float, that energy difference, eV.
    """
    best = (np.nan, 0.0)
    for first, second in pairwise(steps):
        change = (second.energy - second.penalty) - (first.energy - first.penalty)
        mean = (first.magforces + second.magforces) / 2
        work = -float(np.sum(mean * (second.moments - first.moments)))
        if abs(change) > abs(best[1]) and work != 0.0:
            best = (change / work, change)
    return best
