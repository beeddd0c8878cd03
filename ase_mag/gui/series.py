"""Numbers behind the graphs: one value per frame, and distributions of moment sizes."""

import numpy as np
from ase import units
from ase.io.trajectory import Trajectory

from ase_mag.core import PairGraph
from ase_mag.dynamics import spin_temperature
from ase_mag.gui.frames import moments_of
from ase_mag.gui.quantities import sizes


def magnetization(frames):
    """Return mean moment and mean size per frame, ((n_frames, 3), (n_frames,)), mu_B per atom.

    nan for frames without moments; frames may differ in their numbers of atoms.
    """
    means, mean_sizes = np.full((len(frames), 3), np.nan), np.full(len(frames), np.nan)
    for index, atoms in enumerate(frames):
        moments = moments_of(atoms)
        if moments is not None and len(moments):
            means[index] = moments.mean(axis=0)
            mean_sizes[index] = sizes(moments).mean()
    return means, mean_sizes


def spin_temperatures(frames):
    """Return the transverse spin temperature of every frame, (n_frames,), K; nan without one.

    What the dynamics has written (``info['spin_temperature_K']``), else
    :func:`ase_mag.dynamics.spin_temperature` of the model of an attached calculator that has a
    bilinear form. A single value of an ordered magnet fluctuates by T/sqrt(N).
    """
    return np.array([_spin_temperature(atoms) for atoms in frames], dtype=float)


def _spin_temperature(atoms):
    if "spin_temperature_K" in atoms.info:
        return atoms.info["spin_temperature_K"]
    model, moments = getattr(atoms.calc, "model", None), moments_of(atoms)
    if model is None or moments is None or not len(atoms):
        return np.nan
    graph = PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, model.cutoff
    )
    form = model.bilinear(graph)
    return np.nan if form is None else spin_temperature(form, moments)


def temperatures(frames):
    """Return one temperature per frame, (n_frames,), K, and what it is, a str or None.

    The spin temperature where there is one, else that of the motion of the atoms.
    """
    spin = spin_temperatures(frames)
    if np.isfinite(spin).any():
        return spin, "spin temperature"
    atoms = np.array([a.get_temperature() if a.has("momenta") else np.nan for a in frames])
    return atoms, "temperature of the atoms" if np.isfinite(atoms).any() else None


def time_between(names):
    """Return the time between two frames, fs, or None where it is not known.

    It is known for frames of one trajectory file of a dynamics, at equal distances.

    Parameters
    ----------
    names : list of 'file@number' or None, as ``ase.gui.images.Images.filenames``.
    """
    parts = [(name or "").rpartition("@") for name in names]
    paths = {path for path, _, _ in parts}
    if len(names) < 2 or len(paths) > 1 or not all(_is_integer(number) for *_, number in parts):
        return None
    steps = set(np.diff([int(number) for *_, number in parts]).tolist())
    try:
        with Trajectory(*paths) as file:
            description = file.description or {}
    except (OSError, ValueError, TypeError):  # no trajectory of ASE
        return None
    if len(steps) > 1 or "timestep" not in description:
        return None
    return steps.pop() * description["timestep"] * description.get("interval", 1) / units.fs


def _is_integer(text):
    return text.lstrip("-").isdigit()


def size_groups(frames, current, by_temperature=None, groups=3):
    """Return moment sizes in groups of frames, a dict label -> (n,) float array, mu_B.

    Without temperatures: the first frame, the frame ``current`` and all frames. With them: frames
    sorted by temperature in ``groups`` parts of equal numbers, labelled with their mean.

    Parameters
    ----------
    frames : sequence of Atoms.
    current : int, index of a frame.
    by_temperature : (n_frames,) float array, K, or None; frames with nan are left out.
    groups : int
    """

    def pooled(indices):
        found = [sizes(moments_of(frames[k])) for k in indices]
        found = [values for values in found if values is not None]
        return np.concatenate(found) if found else np.zeros(0)

    if by_temperature is None:
        chosen = {"first frame": [0], f"frame {current}": [current], "all": range(len(frames))}
        if len(frames) == 1:
            chosen = {"frame 0": [0]}
        labelled = chosen.items()
    else:
        order = np.argsort(by_temperature)[: np.isfinite(by_temperature).sum()]
        parts = [part for part in np.array_split(order, groups) if len(part)]
        labelled = [(f"{by_temperature[part].mean():.0f} K", part) for part in parts]
    return {label: pooled(indices) for label, indices in labelled}


def densities(groups, bins=30):
    """Return histograms of groups on common bins.

    Parameters
    ----------
    groups : dict label -> (n,) float array, mu_B.
    bins : int

    Returns
    -------
    (bins + 1,) edges, mu_B, and a dict label -> (bins,) probability densities, 1/mu_B, whose
    integral is 1.
    """
    filled = {label: values for label, values in groups.items() if len(values)}
    everything = np.concatenate([*filled.values()]) if filled else np.zeros(0)
    edges = np.histogram_bin_edges(everything, bins)
    return edges, {
        label: np.histogram(values, edges, density=True)[0] for label, values in filled.items()
    }
