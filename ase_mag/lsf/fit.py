"""Polynomials through the energies of a scan."""

import numpy as np

#: Orders of E(m) and the fewest different sizes that they need.
ORDERS = {4: 3, 6: 4}


def fit_landscapes(sizes, energies, order=4, fit_window=None):
    """Fit E(m) = constant + a m^2 + b m^4 (+ c m^6) by least squares.

    Parameters
    ----------
    sizes : (k,) array, moment sizes in mu_B, at least three (order 6: four) different ones.
    energies : (n, k) array, eV.
    order : 4 or 6
    fit_window : two floats, optional
        Only sizes in this range enter the fit, mu_B; bounds included.

    Returns
    -------
    a, b, constant, error : (n,) arrays, eV/mu_B^2, eV/mu_B^4, eV and eV
        error is the root mean square of the residuals. For order 6: a, b, c, constant, error with
        c in eV/mu_B^6.

    Raises
    ------
    ValueError
        For another order, too few different sizes, or energies that are not finite.
    """
    sizes = check_sizes(sizes, order, fit_window)
    energies = np.asarray(energies, dtype=float)
    if not np.isfinite(energies).all():
        row, column = np.argwhere(~np.isfinite(energies))[0]
        raise ValueError(
            f"the energy of scan {row} at {sizes[column]:g} mu_B is {energies[row, column]}: "
            "look at that calculation"
        )
    inside = within(sizes, fit_window)
    scale = sizes[inside].max()
    design = np.vander((sizes[inside] / scale) ** 2, order // 2 + 1, increasing=True)
    offset = energies.min(axis=1)
    shifted = (energies[:, inside] - offset[:, None]).T
    solution = np.linalg.lstsq(design, shifted, rcond=None)[0]
    error = np.sqrt(np.mean((design @ solution - shifted) ** 2, axis=0))
    powers = (solution[k] / scale ** (2 * k) for k in range(1, order // 2 + 1))
    return (*powers, solution[0] + offset, error)


def within(sizes, fit_window):
    """Return which sizes lie in the window (all without one)."""
    if fit_window is None:
        return np.ones(np.shape(sizes), dtype=bool)
    low, high = fit_window
    return (np.asarray(sizes) >= low - 1e-9) & (np.asarray(sizes) <= high + 1e-9)


def check_sizes(sizes, order=4, fit_window=None, window=None):
    """Return the sizes of a scan as an array, or raise ValueError.

    An integer means so many between the ends of ``window``.
    """
    if order not in ORDERS:
        raise ValueError(f"order is {order!r}; the polynomial in m is of order 4 or 6")
    if np.ndim(sizes) == 0:
        if int(sizes) != sizes:
            raise ValueError(f"sizes must be an integer or an array of moments, got {sizes!r}")
        count, (low, high) = int(sizes), window
        values = np.linspace(low, high, max(count, 0))
        origin = f"{count} sizes"
    else:
        values = np.array(sizes, dtype=float)
        origin = f"sizes {values.tolist()} mu_B"
    if values.ndim != 1 or not (np.isfinite(values) & (values >= 0)).all():
        raise ValueError(f"{origin}: moment sizes must be finite and not negative, in mu_B")
    if len(np.unique(values[within(values, fit_window)])) < ORDERS[order]:
        sixth = " + c m^6" if order == 6 else ""
        place = "" if fit_window is None else f" within {tuple(fit_window)} mu_B"
        raise ValueError(
            f"{origin} are too few{place} for the fit of constant + a m^2 + b m^4{sixth}: give at "
            f"least {ORDERS[order]} different ones (7 are usual)"
        )
    return values
