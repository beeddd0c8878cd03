"""Contract of propagators."""

import copy

import numpy as np

from ase_mag.core import get_threads, set_threads

_ARRAYS = ("positions", "momenta", "moments", "cell")
_FIXED = ("numbers", "masses", "pbc")


def check_propagator(make, state, dt, *, order=None, conserves=(), energy=None, handed=False):
    """Check that a propagator keeps the contract of :class:`ase_mag.dynamics.Propagator`.

    Parameters
    ----------
    make : callable () -> Propagator, a fresh one each time (noise at its start).
    state : ase_mag.core.State, not changed.
    dt : float, ASE time.
    order : int or None; for deterministic propagators, the order of convergence in dt: the
        error over a fixed time falls by 2**order when dt is halved (checked to 25 %). Propagators
        that are exact at any dt pass with ``order=None``.
    conserves : names of arrays of the state that must not change at all (for example
        ``("positions", "momenta", "cell")`` for spins), and ``"sizes"`` for |M| to 1e-12.
    energy : callable (state) -> float (eV) or None; must change by less than 1e-6 of its scale at
        ``dt``/16 over ``dt``.
    handed : bool; check that a propagator of moments turns a lone moment along x towards +y.
        ``make`` must then give a field along +z.

    Raises
    ------
    AssertionError
        If it is not reproducible, depends on the number of threads, forgets to raise the version
        of what it changed, touches what it must not, gives values that are not finite, moves
        atoms without moment, or misses the order.
    """
    _check_reproducible(make, state, dt)
    _check_versions(make, state, dt)
    _check_untouched(make, state, dt, conserves)
    _check_zero_moments(make, state, dt)
    if order is not None:
        _check_order(make, state, dt, order)
    if energy is not None:
        start, end = copy.deepcopy(state), copy.deepcopy(state)
        propagator = make()
        for _ in range(16):
            propagator.advance(end, dt / 16)
        change, scale = abs(energy(end) - energy(start)), abs(energy(start)) + 1e-12
        assert change <= 1e-6 * scale, f"energy changed by {change:g} eV of {scale:g} eV"
    if handed:
        turned = copy.deepcopy(state)
        turned.moments[:] = [1.0, 0.0, 0.0]
        make().advance(turned, dt)
        assert (turned.moments[:, 1] > 0).all(), (
            "a moment along x in a field along z must turn towards +y, but M_y is "
            f"{turned.moments[:, 1].min():g}"
        )


def _advanced(make, state, dt, steps=3):
    result = copy.deepcopy(state)
    propagator = make()
    for _ in range(steps):
        propagator.advance(result, dt)
    return result


def _same(a, b, why):
    for name in _ARRAYS:
        x, y = getattr(a, name), getattr(b, name)
        assert np.array_equal(x, y), f"{why}: {name} differ by up to {np.abs(x - y).max():g}"


def _check_reproducible(make, state, dt):
    before = get_threads()
    try:
        set_threads(1)
        one = _advanced(make, state, dt)
        _same(one, _advanced(make, state, dt), "two equal runs")
        set_threads(2)
        _same(one, _advanced(make, state, dt), "runs on 1 and 2 threads")
    finally:
        set_threads(before)
    for name in _ARRAYS:
        assert np.isfinite(getattr(one, name)).all(), f"{name} are not finite"


def _check_versions(make, state, dt):
    after = _advanced(make, state, dt, 1)
    moved = not (
        np.array_equal(after.positions, state.positions) and np.array_equal(after.cell, state.cell)
    )
    turned = not np.array_equal(after.moments, state.moments)
    assert not moved or after.geometry_version > state.geometry_version, (
        "positions or cell changed without geometry_changed()"
    )
    assert not turned or after.moments_version > state.moments_version, (
        "moments changed without moments_changed()"
    )


def _check_untouched(make, state, dt, conserves):
    after = _advanced(make, state, dt)
    for name in (*_FIXED, *(name for name in conserves if name != "sizes")):
        assert np.array_equal(getattr(after, name), getattr(state, name)), f"{name} changed"
    if "sizes" in conserves:
        before, now = (np.linalg.norm(s.moments, axis=1) for s in (state, after))
        worst = np.abs(now - before).max()
        assert worst <= 1e-12 * (1 + before.max()), f"moment sizes changed by {worst:g} mu_B"


def _check_zero_moments(make, state, dt):
    empty = copy.deepcopy(state)
    empty.moments[0] = 0.0
    empty.moments_changed()
    after = _advanced(make, empty, dt)
    for name in _ARRAYS:
        assert np.isfinite(getattr(after, name)).all(), f"{name} not finite beside a moment of zero"


def _check_order(make, state, dt, order):
    def run(steps):
        return _advanced(make, state, dt / steps, steps)

    fine, errors = run(64), []
    for steps in (2, 4):
        coarse = run(steps)
        errors.append(max(np.abs(getattr(coarse, n) - getattr(fine, n)).max() for n in _ARRAYS))
    ratio = errors[0] / errors[1]
    assert abs(np.log2(ratio) - order) < 0.25 * order, (
        f"halving the time step lowers the error by {ratio:.3g}, expected about {2**order}"
    )
