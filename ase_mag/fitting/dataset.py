"""A list of frames with labels."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ase_mag.core import get_moments
from ase_mag.fitting.frame import Frame
from ase_mag.fitting.labels import QUANTITIES, as_label, is_label
from ase_mag.fitting.references import atomic_references, reference_energy
from ase_mag.fitting.summary import summary

#: Labels of duplicates that differ by less, in their units, are the same.
_SAME = 1e-6


class Dataset(Sequence):
    """Frames with labels, an immutable sequence; slices and index arrays give Datasets.

    Parameters
    ----------
    frames : list of Frame; labels in the shapes that :func:`ase_mag.fitting.read` takes.
    references : dict from symbol to float, eV, what has been subtracted from the energies.

    Raises
    ------
    TypeError
        For what is no Frame.
    ValueError
        For unknown labels, labels of a wrong shape or with infinite numbers, a stress without a
        cell that is periodic in three directions; messages name frame and label.
    """

    def __init__(self, frames, references=None):
        frames = tuple(frames)
        for frame in frames:
            if not isinstance(frame, Frame):
                raise TypeError(
                    f"a Dataset is made of Frames, got {type(frame).__name__}: use fitting.read"
                )
        self.frames = tuple(_checked(frame, place) for place, frame in enumerate(frames))
        self.references = dict(references or {})

    def __len__(self):
        return len(self.frames)

    def __getitem__(self, key):
        if isinstance(key, int | np.integer):
            return self.frames[key]
        if isinstance(key, slice):
            return self._like(self.frames[key])
        key = np.asarray(key)
        if key.dtype == bool:
            if key.shape != (len(self),):
                raise ValueError(f"a mask of {len(self)} frames has shape {key.shape}")
            key = np.flatnonzero(key)
        return self._like([self.frames[k] for k in key.tolist()])

    def __add__(self, other):
        if not isinstance(other, Dataset):
            return NotImplemented
        if self.references != other.references:
            raise ValueError(
                f"the data have other atomic references ({self.references} and "
                f"{other.references}): subtract them after joining the data"
            )
        return self._like(self.frames + other.frames)

    def _like(self, frames):
        return Dataset(frames, self.references)

    @property
    def symbols(self):
        """Chemical symbols of all species that occur, a sorted tuple."""
        return tuple(sorted({s for frame in self.frames for s in set(frame.atoms.symbols)}))

    @property
    def labels(self):
        """Names of the labels that any frame has, a tuple."""
        return tuple(name for name in QUANTITIES if any(frame.has(name) for frame in self))

    @property
    def groups(self):
        """The group of every frame, a list of str."""
        return [frame.group for frame in self.frames]

    def summary(self):
        """Return a table of counts, ranges and spreads of the labels with units, a str."""
        return summary(self)

    def __repr__(self):
        return f"Dataset({len(self)} frames of {', '.join(self.symbols)}: {', '.join(self.labels)})"

    def without_duplicates(self, duplicates="drop"):
        """Return the data without repetitions of a structure with the same moments.

        Parameters
        ----------
        duplicates : 'error', 'drop' or 'keep', see :func:`ase_mag.fitting.read`.

        Raises
        ------
        ValueError
            For duplicates, with 'error'; for those that contradict each other, with 'drop'.
        """
        if duplicates == "keep":
            return self
        first, kept = {}, []
        for frame in self.frames:
            original = first.setdefault(frame.digest, frame)
            if original is frame:
                kept.append(frame)
            elif duplicates == "error":
                raise ValueError(
                    f"{frame.where} is a duplicate of {original.where}: the same structure with "
                    "the same moments. Pass duplicates='drop' to use the first one only, or "
                    "duplicates='keep' to use all"
                )
            else:
                _check_equal(original, frame)
        return self._like(kept)

    def without(self, label, species=None):
        """Return the data without a label, or without that of the atoms of some species.

        Parameters
        ----------
        label : str; species : str or tuple of str, only for 'forces' and 'magforces'.
        """
        _check_label(label)
        if species is None:
            return self._like(
                replace(f, labels={k: v for k, v in f.labels.items() if k != label}) for f in self
            )
        if not QUANTITIES[label].per_atom:
            raise ValueError(f"{label} is a label of the whole frame, not of atoms of one species")
        species = [species] if isinstance(species, str) else list(species)
        frames = []
        for frame in self:
            labels = dict(frame.labels)
            if label in labels:
                labels[label] = labels[label].copy()
                labels[label][np.isin(frame.atoms.symbols, species)] = np.nan
            frames.append(replace(frame, labels=labels))
        return self._like(frames)

    def perpendicular(self):
        """Return the data with the part of the magnetic forces perpendicular to the moments.

        B - (B.e) e, e = M/|M|: the part that turns moments. Models of directions
        (:class:`ase_mag.models.SpinOrientationPotential`) describe no other, and constrained DFT
        that fixes directions knows no other. Moments of zero have no direction: their magnetic
        forces become NaN, which is not fitted.
        """
        frames = []
        for frame in self:
            labels = dict(frame.labels)
            if "magforces" in labels:
                labels["magforces"] = transverse(labels["magforces"], get_moments(frame.atoms))
            frames.append(replace(frame, labels=labels))
        return self._like(frames)

    def reweighted(self, weights, label=None):
        """Return the data with other weights of the frames, or of one label of each frame.

        Parameters
        ----------
        weights : float or (n_frames,) array, not negative.
        label : str, optional
        """
        values = np.broadcast_to(np.asarray(weights, dtype=float), len(self)).tolist()
        if not all(np.isfinite(v) and v >= 0 for v in values):
            raise ValueError("weights must be finite and not negative")
        if label is None:
            pairs = zip(self, values, strict=True)
            return self._like(replace(frame, weight=w) for frame, w in pairs)
        _check_label(label)
        return self._like(
            replace(frame, weights=frame.weights | {label: w})
            for frame, w in zip(self, values, strict=True)
        )

    def grouped(self, groups):
        """Return the data with other groups, a list of one str or int per frame."""
        groups = [str(group) for group in groups]
        if len(groups) != len(self):
            raise ValueError(f"there are {len(groups)} groups for {len(self)} frames")
        return self._like(replace(f, group=g) for f, g in zip(self, groups, strict=True))

    def relative_to(self, references="least squares"):
        """Return the data with the energies of the atoms subtracted.

        Parameters
        ----------
        references : 'least squares' (:func:`atomic_references`) or dict from symbol to eV. For test
            data take the ``references`` of the training data, which then know nothing of them.
        """
        if self.references:
            raise ValueError(f"atomic references have been subtracted already: {self.references}")
        if isinstance(references, str):
            if references != "least squares":
                raise ValueError(f"references must be 'least squares' or a dict: {references!r}")
            references = atomic_references(self)
        frames = []
        for frame in self:
            labels = dict(frame.labels)
            if "energy" in labels:
                labels["energy"] = labels["energy"] - reference_energy(
                    frame.atoms.numbers, references
                )
            frames.append(replace(frame, labels=labels))
        return Dataset(frames, references)

    def split(self, fraction, rng=None):
        """Return two Datasets, the first with about ``fraction`` of the frames.

        Frames of one group stay together, so that sizes may differ from what was asked for by one
        group. The order of the frames is kept.

        Parameters
        ----------
        fraction : float between 0 and 1.
        rng : int or numpy.random.Generator, shuffles the groups.
        """
        if not 0 < fraction < 1:
            raise ValueError(f"the fraction must be between 0 and 1, got {fraction}")
        parts = self.shuffled_groups(rng, "a split")
        if len(parts) < 2:
            raise ValueError(f"{len(parts)} group of {len(self)} frames cannot be split")
        first, wanted = [], fraction * len(self)
        for number, part in enumerate(parts[:-1]):
            if number and abs(len(first) + len(part) - wanted) >= abs(len(first) - wanted):
                break
            first += part
        inside = np.zeros(len(self), dtype=bool)
        inside[first] = True
        return self[inside], self[~inside]

    def folds(self, k, rng=None):
        """Return [(training data, test data)] of k folds, every frame once in a test set.

        Groups stay together; each goes to the fold that is smallest at its turn.

        Parameters
        ----------
        k : int, at least 2. rng : int or numpy.random.Generator, shuffles the groups.
        """
        parts = self.shuffled_groups(rng, "folds")
        if int(k) != k or not 2 <= k <= len(parts):
            raise ValueError(
                f"the number of folds must be an integer from 2 to the number of groups, "
                f"{len(parts)}, got {k!r}"
            )
        which, sizes = np.empty(len(self), dtype=int), np.zeros(int(k), dtype=int)
        for part in sorted(parts, key=len, reverse=True):
            which[part] = place = int(sizes.argmin())
            sizes[place] += len(part)
        return [(self[which != fold], self[which == fold]) for fold in range(int(k))]

    def shuffled_groups(self, rng, what="an order of groups"):
        """Return the places of the frames of every group, a list of lists in random order."""
        if rng is None:
            raise ValueError(f"{what} is drawn at random: give rng, a seed or a numpy Generator")
        members = {}
        for place, frame in enumerate(self.frames):
            members.setdefault(frame.group, []).append(place)
        parts = list(members.values())
        return [parts[k] for k in np.random.default_rng(rng).permutation(len(parts))]


def transverse(vectors, moments):
    """Return the part of vectors (N, 3) perpendicular to moments (N, 3); NaN where these are 0."""
    sizes = np.linalg.norm(moments, axis=1)[:, None]
    units = np.divide(moments, sizes, out=np.full(moments.shape, np.nan), where=sizes > 0)
    return vectors - np.einsum("ic,ic->i", vectors, units)[:, None] * units


def check_apart(train, test):
    """Raise ValueError if a frame is in both sets."""
    known = {frame.digest: frame for frame in train}
    both = [frame for frame in test if frame.digest in known]
    if both:
        raise ValueError(
            f"{len(both)} test frames are in the training data too, the first is {both[0].where} = "
            f"{known[both[0].digest].where}: split the data with data.split(...), and drop "
            "duplicates (duplicates='drop')"
        )


def composition(frames):
    """Return the numbers of frames by formula, a Counter."""
    return Counter(frame.atoms.get_chemical_formula() for frame in frames)


def _checked(frame, place):
    """Return a frame whose labels have the shapes that frames keep."""
    where, labels = f"frame {place} of the data ({frame.where})", {}
    for name, value in frame.labels.items():
        if name not in QUANTITIES:
            raise ValueError(
                f"{where} has a label {name!r}; labels are {', '.join(QUANTITIES)}: rename or "
                "remove it"
            )
        if not is_label(name, value, len(frame), frame.volume):
            labels[name] = as_label(name, value, len(frame), frame.volume, where)
    return replace(frame, labels=frame.labels | labels) if labels else frame


def _check_label(label):
    if label not in QUANTITIES:
        raise ValueError(f"{label!r} is no label; labels are {', '.join(QUANTITIES)}")


def _check_equal(original, frame):
    for name in QUANTITIES:
        a, b = original.labels.get(name), frame.labels.get(name)
        if a is not None and b is not None and not np.allclose(a, b, 0, _SAME, equal_nan=True):
            raise ValueError(
                f"{frame.where} is a duplicate of {original.where}, but its {name} differs by "
                f"{np.nanmax(np.abs(a - b)):.3g} {QUANTITIES[name].unit}: one of them is wrong, or "
                "they were computed with different settings; remove one"
            )
