"""Minimization of an energy over moments or moment sizes by truncated Newton steps."""

from dataclasses import dataclass

import numpy as np

#: Largest change of one moment in one step, mu_B.
LONGEST_STEP = 0.5
#: Length of the probe along which the gradient is differenced, mu_B.
PROBE = 1e-6
#: Moments beyond this size are a sign of an energy without a minimum, mu_B.
LARGEST = 50.0


@dataclass
class Minimum:
    """Where a minimization ended.

    Attributes
    ----------
    x : (n, k) float array, mu_B.
    converged : bool.
    slope : float, the largest norm of a row of the (projected) gradient, eV/mu_B.
    worst : int, the row of that slope.
    n_steps, n_evaluations : int.
    """

    x: np.ndarray
    converged: bool
    slope: float
    worst: int
    n_steps: int
    n_evaluations: int


def minimize(evaluate, x, *, fmax, max_steps=200, nonnegative=False):
    """Minimize E(x) from ``x``: truncated Newton steps with a line search.

    The Newton equation H p = -g is solved by conjugate gradients with differences of the
    gradient for H p, cut at negative curvature; p is limited to 0.5 mu_B per row. With
    ``nonnegative``, x >= 0 is kept by projection and rows at 0 with an outward gradient rest
    there. Symmetric starts (a gradient of exactly zero) are returned as they are, also when they
    are saddle points.

    Parameters
    ----------
    evaluate : function of an (n, k) array that returns energies of sites (any shape, eV) and the
        gradient (n, k), eV/mu_B. It must not keep its argument.
    x : (n, k) float array, mu_B.
    fmax : float, bound for the largest norm of a row of the projected gradient, eV/mu_B.
    max_steps : int.
    nonnegative : bool.

    Returns
    -------
    Minimum
        ``converged`` is False if ``max_steps`` were not enough, the energy is not finite, or a
        moment passed 50 mu_B (an energy without a minimum).
    """
    x = np.array(x, dtype=float)
    counted = _Counter(evaluate)
    energies, gradient = counted(x)
    step = 0
    while True:
        free = ~((x <= 0) & (gradient > 0)) if nonnegative else np.ones(x.shape, bool)
        g = np.where(free, gradient, 0.0)
        slopes = np.sqrt(np.einsum("ij,ij->i", g, g))
        slope = float(slopes.max(initial=0.0))
        worst = int(slopes.argmax()) if len(slopes) else 0
        if slope < fmax or step == max_steps or not slope < np.inf or np.abs(x).max() > LARGEST:
            return Minimum(x, slope < fmax, slope, worst, step, counted.n)
        p = _newton_direction(counted, x, gradient, g, free, slope)
        found = _line_search(counted, x, energies, gradient, p, nonnegative)
        if found is None:
            return Minimum(x, False, slope, worst, step, counted.n)
        x, energies, gradient = found
        step += 1


class _Counter:
    def __init__(self, evaluate):
        self.evaluate = evaluate
        self.n = 0

    def __call__(self, x):
        self.n += 1
        return self.evaluate(x)


def _newton_direction(evaluate, x, gradient, g, free, slope):
    """Solve H p = -g on the free components by conjugate gradients; p goes downhill."""
    p = np.zeros_like(x)
    residual = -g
    direction = residual.copy()
    rr = rr0 = np.vdot(residual, residual)
    bound = min(0.1, slope**0.5) ** 2 * rr0
    for _ in range(max(20, min(x.size, 200))):
        probe = PROBE / np.abs(direction).max()
        product = np.where(free, (evaluate(x + probe * direction)[1] - gradient) / probe, 0.0)
        curvature = np.vdot(direction, product)
        if curvature <= 1e-10 * np.vdot(direction, direction):
            if not p.any():
                p = direction * (LONGEST_STEP / np.abs(direction).max())
            break
        length = rr / curvature
        p += length * direction
        residual = residual - length * product
        rr, last = np.vdot(residual, residual), rr
        if rr <= bound:
            break
        direction = residual + (rr / last) * direction
    longest = np.sqrt(np.einsum("ij,ij->i", p, p).max())
    return p * min(1.0, LONGEST_STEP / longest)


def _line_search(evaluate, x, energies, gradient, p, nonnegative):
    """Halve the step until the energy decreases (up to its rounding); None if it never does."""
    noise = 1e-15 * np.abs(energies).sum()
    scale = 1.0
    for _ in range(40):
        new = x + scale * p
        if nonnegative:
            new = np.maximum(new, 0.0)
        new_energies, new_gradient = evaluate(new)
        gain = (new_energies - energies).sum()
        if gain <= 1e-4 * np.vdot(gradient, new - x) + noise:
            return new, new_energies, new_gradient
        scale *= 0.5
    return None
