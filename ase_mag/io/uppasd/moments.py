"""Moment files of UppASD: restart files and trajectories, versions 5 and 6."""

from pathlib import Path

import numpy as np

from ase_mag.core import get_moments
from ase_mag.core.durable import replacing
from ase_mag.io.text_file import read_lines
from ase_mag.io.uppasd.tables import number


def read_uppasd_moments(path):
    """Read ``restart.*.out`` or ``moment.*.out``.

    Version 6 begins with comment lines and has rows "step ensemble atom |m| mx my mz" with unit
    vectors; version 5 a line with the step, then rows "ensemble atom |m| mx my mz".

    Parameters
    ----------
    path : path

    Returns
    -------
    moments : (n_steps, n_ensembles, n_atoms, 3) float array, mu_B.
    steps : (n_steps,) int array

    Raises
    ------
    ValueError
        If a line has neither form or is not finite, or rows are missing.
    """
    path = Path(path)
    table, step = [], 0
    for place, line in enumerate(read_lines(path), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            values = [number(word) for word in words]
        except ValueError:
            raise ValueError(f"{path}, line {place}: not numbers, {line.strip()!r}") from None
        if not np.isfinite(values).all():
            raise ValueError(f"{path}, line {place}: not finite, {line.strip()!r}")
        if len(values) == 1:
            step = int(values[0])
        elif len(values) == 6:
            table.append([step, *values])
        elif len(values) == 7:
            table.append(values)
        else:
            raise ValueError(
                f"{path}, line {place}: expected 7 columns (step ensemble atom |m| mx my mz), 6 "
                f"(version 5) or the step alone, got {len(values)}: {line.strip()!r}"
            )
    if not table:
        raise ValueError(f"{path} holds no moments")
    table = np.array(table)
    steps = np.unique(table[:, 0]).astype(int)
    shape = (len(steps), int(table[:, 1].max()), int(table[:, 2].max()))
    if len(table) != np.prod(shape):
        raise ValueError(
            f"{path} is not complete: {shape[0]} steps of {shape[1]} ensembles of {shape[2]} atoms "
            f"need {np.prod(shape)} rows, but there are {len(table)}"
        )
    order = np.lexsort((table[:, 2], table[:, 1], table[:, 0]))
    rows = table[order]
    if (np.diff(rows[:, :3], axis=0) == 0).all(axis=1).any():
        raise ValueError(f"{path} holds an atom twice in one step")
    return (rows[:, 3:4] * rows[:, 4:7]).reshape(*shape, 3), steps


def write_uppasd_restart(path, atoms, step=0):
    """Write the moments of one ensemble as a restart file of version 6.

    Parameters
    ----------
    path : path
    atoms : ase.Atoms with moments, in UppASD's order, or (N, 3) float array, mu_B.
    step : int
    """
    moments = get_moments(atoms) if hasattr(atoms, "arrays") else np.asarray(atoms, dtype=float)
    sizes = np.linalg.norm(moments, axis=1)
    directions = np.tile([0.0, 0.0, 1.0], (len(moments), 1))
    np.divide(moments, sizes[:, None], out=directions, where=sizes[:, None] > 0)
    bar = "#" * 80
    lines = [
        bar,
        "# File type: R",
        "# Simulation type: Init",
        f"# Number of atoms: {len(moments)}",
        "# Number of ensembles: 1",
        bar,
        "#iter ens iatom |Mom| M_x M_y M_z",
    ]
    lines += [
        f"{step:9d} {1:7d} {k:7d} {size:22.15E} {x:22.15E} {y:22.15E} {z:22.15E}"
        for k, (size, (x, y, z)) in enumerate(zip(sizes, directions, strict=True), start=1)
    ]
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
