"""Tables of numbers that UppASD writes."""

from pathlib import Path

import numpy as np

from ase_mag.io.text_file import read_lines


def read_uppasd_table(path):
    """Read ``averages.*.out``, ``cumulants.*.out``, ``totenergy.*.out`` or a like table.

    Parameters
    ----------
    path : path

    Returns
    -------
    dict from column name, as in the first line of the file without ``#`` (``Iter``, ``<M>_x``,
    ``U_{Binder}``, ``Tot``, ...), to (n,) float array, in UppASD's units: mu_B per atom, mRy per
    atom, K.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If there is no line of names or no row, or a row has another number of columns, words or
        numbers that are not finite (a file that is cut off, a run that exploded).
    """
    path = Path(path)
    lines = read_lines(path)
    places = [k for k, line in enumerate(lines) if line.strip()]
    if not places or not lines[places[0]].lstrip().startswith("#"):
        raise ValueError(f"{path} does not begin with a line of column names that starts with #")
    names = lines[places[0]].replace("#", " ").split()
    table = []
    for k in places[1:]:
        words = lines[k].split()
        try:
            row = [float(word) for word in words]
        except ValueError:
            raise ValueError(f"{path}, line {k + 1}: not numbers, {lines[k].strip()!r}") from None
        if len(row) != len(names) or not np.isfinite(row).all():
            raise ValueError(
                f"{path}, line {k + 1}: expected {len(names)} finite numbers "
                f"({', '.join(names)}), got {lines[k].strip()!r}"
            )
        table.append(row)
    if not table:
        raise ValueError(f"{path} has no rows: the run ended before it measured")
    return dict(zip(names, np.array(table).T, strict=True))
