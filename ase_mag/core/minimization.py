"""Minimization of an energy over moments or moment sizes by truncated Newton steps."""

from dataclasses import dataclass, field

import numpy as np

#: Largest change of one moment in one step, mu_B.
LONGEST_STEP = 0.5
#: Length of the probe along which the gradient is differenced to one side, mu_B.
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
    energies : energies of sites as ``evaluate`` gave them at ``x``, eV.
    reason : str, why it did not converge: 'steps' (there were not enough), 'not finite', 'too
        large' (a row passed ``largest``) or 'no descent' (the energy does not fall along the
        gradient: the two contradict each other); '' if it did.
    slopes : list of float, the slope before every step and at the end.
    """

    x: np.ndarray
    converged: bool
    slope: float
    worst: int
    n_steps: int
    n_evaluations: int
    energies: np.ndarray
    reason: str = ""
    slopes: list = field(default_factory=list)


def minimize(
    evaluate,
    x,
    *,
    fmax,
    max_steps=200,
    nonnegative=False,
    fixed_norms=False,
    hessian=None,
    probe=None,
    largest=LARGEST,
    noise=0.0,
):
    """Minimize E(x) from ``x``: truncated Newton steps with a line search.

    The Newton equation H p = -g is solved by conjugate gradients, cut at negative curvature, to a
    relative residual of min(0.1, |g|), so that the steps converge quadratically; p is limited to
    0.5 mu_B per row. With ``nonnegative``, x >= 0 is kept by projection and rows at 0 with an
    outward gradient rest there. With ``fixed_norms`` the rows move on spheres: with the unit
    vector e of a row, g and H p are projected to its tangent plane and -(g.x/x.x) p is added to
    H p. Symmetric starts (a gradient of exactly zero) are returned as they are, also when they
    are saddle points.

    Parameters
    ----------
    evaluate : function of an (n, k) array that returns energies of sites (any shape, eV) and the
        gradient (n, k), eV/mu_B. It must not keep its argument.
    x : (n, k) float array, mu_B.
    fmax : float, bound for the largest norm of a row of the projected gradient, eV/mu_B.
    max_steps : int.
    nonnegative, fixed_norms : bool, not both.
    hessian : function of x that returns the function v -> H v, optional.
    probe : float, mu_B, optional; without ``hessian``, H v is the two-sided difference of
        gradients at x -+ probe v/max|v|. Default: a difference to one side at 1e-6 mu_B, half as
        many evaluations for energies that are exact to rounding.
    largest : float, mu_B; a row beyond it ends the minimization.
    noise : float, eV; a step may raise the energy by so much (beyond its rounding).

    Returns
    -------
    Minimum
    """
    x = np.array(x, dtype=float)
    counted = _Counter(evaluate)
    energies, gradient = counted(x)
    slopes = []

    def ended(reason):
        return Minimum(
            x, not reason, slope, worst, len(slopes) - 1, counted.n, energies, reason, slopes
        )

    while True:
        restrict = _restriction(x, gradient, nonnegative, fixed_norms)
        g = restrict(gradient)
        rows = _norms(g)
        slope = float(rows.max(initial=0.0))
        worst = int(rows.argmax()) if len(rows) else 0
        slopes.append(slope)
        if not (slope < np.inf and np.isfinite(energies).all()):
            return ended("not finite")
        if _norms(x).max(initial=0.0) > largest:
            return ended("too large")
        if slope < fmax:
            return ended("")
        if len(slopes) > max_steps:
            return ended("steps")
        if hessian is not None:
            product, accuracy = hessian(x), 1e-12
        elif probe is not None:
            product, accuracy = two_sided(counted, x, probe), 1e-8
        else:
            product, accuracy = _one_sided(counted, x, gradient), 1e-5
        if fixed_norms:
            product = _on_spheres(product, x, gradient)
        tolerance = max(min(0.1, slope), 0.1 * fmax / slope, accuracy)
        p = _newton_direction(product, restrict, g, tolerance)
        found = _line_search(counted, x, energies, gradient, p, nonnegative, fixed_norms, noise)
        if found is None:
            return ended("no descent")
        x, energies, gradient = found


class _Counter:
    def __init__(self, evaluate):
        self.evaluate = evaluate
        self.n = 0

    def __call__(self, x):
        self.n += 1
        return self.evaluate(x)


def two_sided(evaluate, x, probe):
    """Return the function v -> H v at ``x`` by central differences of the gradient."""

    def product(v):
        h = probe / max(np.abs(v).max(), 1e-300)
        return (evaluate(x + h * v)[1] - evaluate(x - h * v)[1]) / (2 * h)

    return product


def _one_sided(evaluate, x, gradient):
    def product(v):
        h = PROBE / max(np.abs(v).max(), 1e-300)
        return (evaluate(x + h * v)[1] - gradient) / h

    return product


def _norms(rows):
    return np.sqrt(np.einsum("ij,ij->i", rows, rows))


def tangent(x, vectors):
    """Return the part of ``vectors`` across the rows of ``x``; zero where a row is zero."""
    squares = np.einsum("ij,ij->i", x, x)
    along = np.divide(
        np.einsum("ij,ij->i", x, vectors), squares, out=np.zeros(len(x)), where=squares > 0
    )
    return np.where(squares[:, None] > 0, vectors - along[:, None] * x, 0.0)


def _on_spheres(product, x, gradient):
    squares = np.einsum("ij,ij->i", x, x)
    along = np.einsum("ij,ij->i", x, gradient)
    bending = np.divide(along, squares, out=np.zeros(len(x)), where=squares > 0)[:, None]
    return lambda v: product(v) - bending * v


def _restriction(x, gradient, nonnegative, fixed_norms):
    """Return the projection of gradients to the directions in which ``x`` may move."""
    if fixed_norms:
        return lambda vectors: tangent(x, vectors)
    if nonnegative:
        free = ~((x <= 0) & (gradient > 0))
        return lambda vectors: np.where(free, vectors, 0.0)
    return lambda vectors: vectors


def _newton_direction(product, restrict, g, tolerance):
    """Solve H p = -g in the free directions by conjugate gradients; p goes downhill."""
    p = np.zeros_like(g)
    residual = -g
    direction = residual.copy()
    rr = rr0 = np.vdot(residual, residual)
    for _ in range(max(20, min(g.size, 200))):
        bent = restrict(product(direction))
        curvature = np.vdot(direction, bent)
        if not curvature > 1e-10 * np.vdot(direction, direction):
            if not p.any():
                p = direction * (LONGEST_STEP / np.abs(direction).max())
            break
        length = rr / curvature
        p += length * direction
        residual = residual - length * bent
        rr, last = np.vdot(residual, residual), rr
        if rr <= tolerance**2 * rr0:
            break
        direction = residual + (rr / last) * direction
    return p * min(1.0, LONGEST_STEP / _norms(p).max())


def _line_search(evaluate, x, energies, gradient, p, nonnegative, fixed_norms, noise):
    """Halve the step until the energy decreases (up to its noise); None if it never does."""
    noise = noise + 1e-15 * np.abs(energies).sum()
    scale = 1.0
    for _ in range(40):
        new = x + scale * p
        if nonnegative:
            new = np.maximum(new, 0.0)
        if fixed_norms:
            norms = _norms(new)
            ratio = np.divide(_norms(x), norms, out=np.ones(len(x)), where=norms > 0)
            new *= ratio[:, None]
        new_energies, new_gradient = evaluate(new)
        gain = (new_energies - energies).sum()
        moved = scale * p if fixed_norms else new - x
        if gain <= 1e-4 * np.vdot(gradient, moved) + noise:
            return new, new_energies, new_gradient
        scale *= 0.5
    return None
