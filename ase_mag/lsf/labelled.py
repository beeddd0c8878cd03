"""Landscapes from frames that were labelled elsewhere, and the frames to label."""

import numpy as np

from ase_mag.core import as_moments, get_moments, set_moments
from ase_mag.lsf.fit import check_sizes, fit_landscapes, within
from ase_mag.lsf.ideal import set_ideal_lattice
from ase_mag.lsf.table import LandscapeTable

#: Name of the array with the moments that a calculation was constrained to, mu_B.
TARGET = "target_magmoms"
#: Name of the array with the moments of a frame before its background was set, mu_B.
BEFORE = "frame_magmoms"
_SAME = 1e-6


def scan_frames(frames, sizes=7, atoms=None, window=(0.5, 2.9), background=None, first=0):
    """Return the frames whose energies make landscapes, one per moment size.

    All other moments keep those of the given frames, or have the sizes ``background`` and the
    directions of the frames. Label them with any reference, for instance by
    ``reference.campaign``, and make a table with :func:`landscapes_from_frames`.

    Parameters
    ----------
    frames : list of ase.Atoms with moments that are not zero where scanned.
    sizes, window : as in :func:`ase_mag.lsf.landscapes`.
    atoms : sequence of int, optional; indices of the atoms to scan in every frame, default all.
    background : float, or array (N,) or (frames, N), optional, mu_B
        Sizes of the moments that are not scanned. The procedure for moments that exist by entropy
        only (see :func:`ase_mag.lsf.landscapes`) is 0 at first, then the mean sizes of these
        landscapes at the temperature.
    first : int, number of the first landscape; for several lists of scans in one file.

    Returns
    -------
    list of ase.Atoms
        ``info`` holds 'landscape' (a running number), 'point' and 'scanned_atom'; with a
        background, the array 'frame_magmoms' has the moments of the given frame.

    Raises
    ------
    ValueError
        For too few sizes, scanned moments that are zero, or a background of another shape, or one
        that is negative or not finite.
    """
    values = check_sizes(sizes, window=window)
    out, number = [], int(first)
    for k, frame in enumerate(frames):
        moments = get_moments(frame)
        around = _around(moments, background, k, len(frames))
        for i in range(len(frame)) if atoms is None else atoms:
            norm = np.linalg.norm(moments[i])
            if norm == 0:
                raise ValueError(
                    f"atom {i} of frame {k} has no moment, so the direction for its scan is "
                    "unknown: set moments, e.g. with lsf.snapshots(..., sizes=2.2)"
                )
            for point, size in enumerate(values):
                scanned = around.copy()
                scanned[i] = moments[i] * (size / norm)
                new = frame.copy()
                if background is not None:
                    new.set_array(BEFORE, moments)
                set_moments(new, scanned)
                new.info |= {"landscape": number, "point": point, "scanned_atom": int(i)}
                out.append(new)
            number += 1
    return out


def _around(moments, background, k, n_frames):
    """Return the moments of frame k with background sizes."""
    if background is None:
        return moments
    sizes = np.asarray(background, dtype=float)
    n = len(moments)
    if sizes.ndim == 2 and len(sizes) == n_frames:
        sizes = sizes[k]
    if sizes.shape not in ((), (n,)) or not (np.isfinite(sizes) & (sizes >= 0)).all():
        raise ValueError(
            f"background must be a number, ({n},) or ({n_frames}, {n}) numbers in mu_B, finite and "
            f"not negative, got an array of shape {np.shape(background)}: {background}"
        )
    norms = np.linalg.norm(moments, axis=1)
    return moments * np.divide(sizes, norms, out=np.zeros(n), where=norms > 0)[:, None]


def landscapes_from_frames(frames, order=4, fit_window=None, largest_error=0.05, reference=None):
    """Fit landscapes to labelled frames of scans.

    Frames with the same ``info['landscape']`` are one scan: the same structure, in which the moment
    of atom ``info['scanned_atom']`` changes in size. The moments are those that the calculation was
    constrained to: the array 'target_magmoms' if there is one, else those of the atoms. The frames
    of the table have the moments before a background was set ('frame_magmoms'), whose directions
    descriptors need.

    Parameters
    ----------
    frames : list of ase.Atoms with energies, e.g. from :func:`scan_frames` and a campaign, or
        ``ase.io.read('landscapes.extxyz', ':')``.
    order, fit_window, largest_error : as in :func:`ase_mag.lsf.landscapes`; refused fits are in
        ``table.failures``.
    reference : ase.Atoms, optional
        The ideal lattice of the same atoms, noted in each frame (:func:`set_ideal_lattice`), which
        descriptors 1 to 4 need.

    Returns
    -------
    LandscapeTable
        One row and one frame per scan; ``relaxed`` is NaN.

    Raises
    ------
    ValueError
        For frames without energy or number of the landscape, scans of different structures or of
        several moments, and if every fit was refused.
    """
    groups = {}
    for k, frame in enumerate(frames):
        if "landscape" not in frame.info or frame.calc is None:
            raise ValueError(
                f"frame {k} has no info['landscape'] or no energy: give labelled frames of scans, "
                "such as lsf.scan_frames makes for a campaign"
            )
        groups.setdefault(int(frame.info["landscape"]), []).append(frame)
    rows, structures, failures = [], [], []
    for number, group in groups.items():
        sizes, energies, atoms, atom = _scan_of(number, group)
        check_sizes(sizes, order, fit_window)
        values = fit_landscapes(sizes, energies[None], order, fit_window)
        *powers, constant, error = (float(value[0]) for value in values)
        a, b, c = (*powers, 0.0)[:3]
        place = len(structures)
        structures.append(atoms)
        if reference is not None:
            if not np.array_equal(reference.numbers, atoms.numbers):
                raise ValueError(
                    f"the reference {reference.get_chemical_formula()} and landscape {number} "
                    f"({atoms.get_chemical_formula()}) differ in number or order of atoms"
                )
            set_ideal_lattice(atoms, reference)
        if error > largest_error:
            reason = f"the fit of order {order} misses the energies by {error:.3g} eV"
            failures.append({"frame": place, "atom": atom, "reason": reason})
            continue
        used = sizes[within(sizes, fit_window)]
        rows.append(
            (place, atom, a, b, c, constant, error, used.min(), used.max(), sizes, energies)
        )
    if not rows:
        raise ValueError(
            f"every fit was refused, the first because {failures[0]['reason']}"
            if failures
            else "there are no frames"
        )
    width = max(len(row[-1]) for row in rows)
    *columns, sizes, energies = zip(*rows, strict=True)
    names = ("frame", "atom", "a", "b", "c", "constant", "error", "low", "high")
    unknown = np.full(len(rows), np.nan)
    return LandscapeTable(
        structures,
        **dict(zip(names, columns, strict=True)),
        relaxed=unknown,
        background=unknown,
        sizes=_filled(sizes, width),
        energies=_filled(energies, width),
        failures=failures,
    )


def _scan_of(number, group):
    """Return sizes, energies, one structure, and the scanned atom of a group of frames."""
    first = group[0]
    atom = int(first.info.get("scanned_atom", -1))
    if not 0 <= atom < len(first):
        raise ValueError(f"landscape {number} does not say its atom: set info['scanned_atom']")
    targets = np.array([_target(frame) for frame in group])
    sizes = np.linalg.norm(targets[:, atom], axis=1)
    direction = targets[np.argmax(sizes), atom] / sizes.max()
    others = np.delete(targets, atom, axis=1)
    same = all(
        frame.info.get("scanned_atom") == atom
        and np.allclose(frame.positions, first.positions, atol=_SAME)
        and np.allclose(frame.cell.array, first.cell.array, atol=_SAME)
        for frame in group
    )
    along = np.allclose(targets[:, atom], sizes[:, None] * direction, atol=1e-3)
    if not (same and along and np.allclose(others, others[0], atol=1e-3)):
        raise ValueError(
            f"landscape {number} is not a scan: positions, cell, the scanned atom, its direction "
            "and all other moments have to be the same in its frames (a file that holds several "
            "lists of scans needs different numbers: scan_frames(..., first=...); or take "
            "result.frames of the campaign, which are those of its last call)"
        )
    order = np.argsort(sizes)
    atoms = first.copy()
    atoms.calc = None
    atoms.arrays.pop(TARGET, None)
    before = atoms.arrays.pop(BEFORE, None)
    set_moments(atoms, targets[np.argmax(sizes)] if before is None else before)
    energies = np.array([frame.get_potential_energy() for frame in group])
    return sizes[order], energies[order], atoms, atom


def _target(frame):
    if TARGET in frame.arrays:
        return as_moments(frame.arrays[TARGET], len(frame))
    return get_moments(frame)


def _filled(rows, width):
    out = np.full((len(rows), width), np.nan)
    for k, row in enumerate(rows):
        out[k, : len(row)] = row
    return out
