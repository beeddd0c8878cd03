"""Averages of a run with their errors, as a table of text."""

import numpy as np
from ase import units

from ase_mag.analysis.statistics import average, skipped


def summary(run, skip=0.5, temperature_K=None):
    """Return averages of a run after its beginning, a str.

    What the run does not have (a pressure without stresses) is said in a line. Errors are one
    standard error by block averages; 'or more' marks series that are shorter than 100 correlation
    times, whose errors are lower bounds.

    Parameters
    ----------
    run : Run
    skip : int or float, see :class:`ase_mag.analysis.Run`.
    temperature_K : float, optional; for the susceptibility, if the file lacks it.

    Raises
    ------
    ValueError
        For fewer than 20 frames after the beginning.
    """
    count = len(run)
    first = skipped(skip, count)
    if count - first < 20:
        raise ValueError(
            f"averages with errors need 20 frames or more after the first {first}, the run has "
            f"{count}: write frames more often, or run longer"
        )
    atoms = next(iter(run))
    lines = [f"{run.path.name}: {count} frames of {len(atoms)} atoms ({atoms.symbols})"]
    if run.timestep is not None:
        step = run.timestep / units.fs
        lines[0] += f", {step:g} fs apart, {1e-3 * step * (count - 1):g} ps"
    lines.append(f"averages of the last {count - first} frames, one standard error")
    lines.append("")
    for name, unit, values in rows(run):
        if isinstance(values, ValueError):
            lines.append(f"{name:24} {_reason(values)}")
            continue
        found = average(values, first)
        time = f"{found.correlation_time:.3g} frames"
        lines.append(f"{name:24} {str(found) + ' ' + unit:38} correlation time {time}")
    lines.append(f"{'mean-square displacement':24} {run.msd()[-1]:.5g} angstrom^2 at the end")
    try:
        lines += ["", str(run.fluctuations(temperature_K, skip=first))]
    except ValueError as error:
        lines += ["", f"no susceptibility: {error}"]
    return "\n".join(lines)


def rows(run):
    """Yield (name, unit, series or the ValueError that says why there is none)."""
    for name, unit, values in (
        ("magnetization", "mu_B", lambda: np.linalg.norm(run.magnetization, axis=1)),
        ("size of moments", "mu_B", lambda: run.mean_moment_size),
        ("spread of sizes", "mu_B", lambda: _or_zero(run.moment_size_spread)),
        ("temperature of atoms", "K", lambda: run.temperature_K),
        ("spin temperature", "K", lambda: run.spin_temperature),
        ("pressure", "GPa", run.pressure),
    ):
        try:
            yield name, unit, values()
        except ValueError as error:
            yield name, unit, error


def _or_zero(values):
    """Return values, or zeros where all of them are rounding errors."""
    return values if values.max() > 1e-12 else np.zeros_like(values)


def _reason(error):
    """Return the first half of a message: what is missing."""
    return f"none: {str(error).split(': ')[0]}"
