"""Moment sizes drawn from the thermal distribution of their landscapes."""

import numpy as np

from ase_mag.lsf.thermodynamics import checked, window_of

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
#: Newton steps, each kept inside a bracket that shrinks; 64 halvings alone reach rounding.
_STEPS = 64
#: Landscapes at a time, to bound the memory.
_BLOCK = 4096


def sample_moment(a, b, temperature_K, measure=2, rng=None, c=0.0):
    """Draw moment sizes from the distribution of their landscapes.

    m = C^-1(u), C(m) = int_0^m p(x) dx,  p(m) ~ m^p exp(-E(m)/kT),  E(m) = a m^2 + b m^4 + c m^6,

    with independent u, uniform in [0, 1): the exact distribution whose mean is
    :func:`mean_moment` with the same arguments, one random number per moment.

    Parameters
    ----------
    a, b, temperature_K, measure, c : as in :func:`mean_moment`; everything broadcasts.
    rng : int or numpy.random.Generator

    Returns
    -------
    float or array of the broadcast shape, mu_B.

    Raises
    ------
    ValueError
        As :func:`mean_moment`, and without ``rng``.
    """
    if rng is None:
        raise ValueError("sizes are drawn at random: give rng, an integer seed or a Generator")
    shape = np.broadcast_shapes(*(np.shape(v) for v in (a, b, c, temperature_K)))
    return moment_quantile(
        np.random.default_rng(rng).random(shape), a, b, temperature_K, measure, c
    )


def moment_quantile(u, a, b, temperature_K, measure=2, c=0.0):
    """Return the moment size below which a share u of the thermal distribution lies.

    The inverse of C(m) = int_0^m p(x) dx, see :func:`sample_moment`. With uniform random numbers u
    from any source (such as counter-based noise) it draws moments; u = 1/2 gives the median.

    Parameters
    ----------
    u : float or array, 0 <= u <= 1.
    a, b, temperature_K, measure, c : as in :func:`mean_moment`; everything broadcasts.

    Returns
    -------
    float or array, mu_B; at 0 K the moment at the minimum. |C(m) - u| < 1e-12 (with c, above
        5 K, also for two minima).

    Raises
    ------
    ValueError
        As :func:`mean_moment`, and for u outside of [0, 1].
    """
    a, b, c, kT = checked(a, b, temperature_K, measure, c)
    u = np.asarray(u, dtype=float)
    if not ((u >= 0) & (u <= 1)).all():
        bad = u[~((u >= 0) & (u <= 1))].flat[0]
        raise ValueError(f"u is {bad}; a share of the distribution lies between 0 and 1")
    u, a, b, c, kT = np.broadcast_arrays(u, a, b, c, kT)
    out = np.empty(u.size)
    for start in range(0, u.size, _BLOCK):
        rows = slice(start, start + _BLOCK)
        window = window_of(*(values.ravel()[rows] for values in (a, b, c, kT)))
        out[rows] = _invert(u.ravel()[rows], window, measure)
    return out.reshape(u.shape)[()]


def _invert(u, window, measure):
    """Solve C(low + t) = u for every landscape of a window, by Newton's method in a bracket."""
    n = len(u)
    starts, widths = window.panels()
    t = starts[:, :, None] + 0.5 * widths[:, :, None] * (1.0 + _NODES)
    factors = window.factors(t.reshape(n, -1), measure)
    shares = widths / widths[:, :1]
    panels = factors.reshape(t.shape) @ _WEIGHTS * shares
    total = np.cumsum(panels, axis=1)
    wanted = u * total[:, -1]
    k = np.minimum((total < wanted[:, None]).sum(axis=1), widths.shape[1] - 1)
    rows = np.arange(n)
    start, width, share = starts[rows, k], widths[rows, k], shares[rows, k]
    panel = panels[rows, k] / share
    # What is left to integrate from the lower end of panel k.
    wanted = (wanted - (total[rows, k] - panels[rows, k])) / share
    error = 1e-15 * total[:, -1] / share
    lower, upper = np.zeros(n), np.ones(n)
    x = np.clip(wanted / np.where(panel > 0, panel, 1.0), 0.0, 1.0)
    for _ in range(_STEPS):
        nodes = start[:, None] + (width * x)[:, None] * 0.5 * (1.0 + _NODES)
        left = x * (window.factors(nodes, measure) @ _WEIGHTS) - wanted
        slope = 2.0 * window.factors((start + width * x)[:, None], measure)[:, 0]
        lower = np.where(left < 0, x, lower)
        upper = np.where(left >= 0, x, upper)
        with np.errstate(divide="ignore", invalid="ignore"):
            new = x - left / slope
        new = np.where((new > lower) & (new < upper), new, 0.5 * (lower + upper))
        done = np.abs(new - x) <= 1e-15 + 1e-14 * np.abs(x)
        x = np.where(np.abs(left) > error, new, x)
        if (done | (np.abs(left) <= error)).all():
            break
    return np.where(window.frozen, window.minimum, window.minimum + start + width * x)
