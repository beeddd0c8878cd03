"""Tables of what data hold."""

import numpy as np

from ase_mag.fitting.labels import QUANTITIES

_HEAD = ("frames", "numbers", "lowest", "highest", "spread")


def spread_of(name, frames):
    """Return the numbers of a label over frames in the unit of tables, and their spread.

    The spread is the standard deviation of energies per atom and of stress components, and the
    root mean square of forces and magnetic forces, whose mean is zero: what a potential without
    parameters would get wrong.

    Returns
    -------
    (n,) float array without NaN, float
    """
    quantity = QUANTITIES[name]
    parts = [
        np.ravel(frame.labels[name]) / (len(frame) if name == "energy" else 1)
        for frame in frames
        if name in frame.labels
    ]
    values = np.concatenate(parts) if parts else np.zeros(0)
    values = values[~np.isnan(values)] * quantity.factor
    if not len(values):
        return values, float("nan")
    center = 0.0 if quantity.per_atom else values.mean()
    return values, float(np.sqrt(np.mean((values - center) ** 2)))


def summary(data):
    """Return a table of the labels of a Dataset, a str."""
    sizes = [len(frame) for frame in data]
    sources = {}
    for frame in data:
        sources[frame.source] = sources.get(frame.source, 0) + 1
    moments = [np.linalg.norm(f.atoms.get_initial_magnetic_moments(), axis=1) for f in data]
    sizes_of_moments = np.concatenate(moments) if moments else np.zeros(1)
    lines = [
        f"{len(data)} frames of {', '.join(data.symbols)}, {min(sizes, default=0)} to "
        f"{max(sizes, default=0)} atoms, {len(set(data.groups))} groups; moments from "
        f"{sizes_of_moments.min():.3g} to {sizes_of_moments.max():.3g} mu_B",
        *(f"  {count} frames from {source}" for source, count in sources.items()),
        f"{'label':24s}" + "".join(f"{word:>13s}" for word in _HEAD),
    ]
    for name, quantity in QUANTITIES.items():
        count = sum(frame.has(name) for frame in data)
        values, spread = spread_of(name, data)
        title = f"{name} ({quantity.shown})"
        row = f"{title:24s}{count:13d}{len(values):13d}"
        if len(values):
            row += f"{values.min():13.5g}{values.max():13.5g}{spread:13.5g}"
        lines.append(row)
    if data.references:
        shown = ", ".join(f"{symbol} {value:.6g}" for symbol, value in data.references.items())
        lines.append(f"energies relative to atoms of (eV): {shown}")
    lines.append(
        "spread: standard deviation of energies and stresses, root mean square of forces and "
        "magnetic forces"
    )
    return "\n".join(lines)
