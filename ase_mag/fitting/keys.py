"""Under which names a frame of ASE holds its labels, and which moments are its state."""

import numpy as np
from ase.calculators.singlepoint import SinglePointCalculator

from ase_mag.core import as_moments, get_moments
from ase_mag.fitting.frame import Frame, plain, structure_digest
from ase_mag.fitting.labels import QUANTITIES, as_label, check_moments, check_nan, check_unit

#: Names in ``atoms.info`` and ``atoms.arrays``, the first one found counts; after them come the
#: results of the calculator, under ASE's names.
NAMES = {
    "energy": ("REF_energy",),
    "forces": ("REF_forces",),
    "stress": ("REF_stress",),
    "virial": ("REF_virials", "REF_virial"),
    "magforces": ("REF_magforces", "magforces"),
    "moments": ("REF_magmom", "REF_magmoms", "target_magmoms"),
}
#: Results of a calculator, in the order in which they count.
RESULTS = {
    "energy": ("free_energy", "energy"),
    "forces": ("forces",),
    "stress": ("stress",),
    "magforces": ("magforces",),
}
#: What may be said with ``moments``.
MOMENTS = ("auto", "initial", "results")
#: Moments that were reached may differ from their targets by this, mu_B.
TOLERANCE = 0.01


def check_keys(keys):
    """Return the names to look for, a dict from label to tuple, from what a user wrote."""
    unknown = [name for name in keys if name not in NAMES]
    if unknown:
        raise ValueError(
            f"keys names {', '.join(map(repr, unknown))}; labels are {', '.join(map(repr, NAMES))}"
        )
    return {
        name: (() if key is None else (key,)) if name in keys else NAMES[name]
        for name, key in {**dict.fromkeys(NAMES), **keys}.items()
    }


class Reader:
    """Makes frames of atoms; options are those of :func:`ase_mag.fitting.read`."""

    def __init__(self, keys=None, moments="auto", nan="error", check_units=True, groups=None):
        if moments not in MOMENTS:
            raise ValueError(f"moments must be one of {', '.join(MOMENTS)}, got {moments!r}")
        if nan not in ("error", "missing"):
            raise ValueError(f"nan must be 'error' or 'missing', got {nan!r}")
        if not (groups is None or isinstance(groups, str)):
            raise ValueError(
                f"groups must be None, 'source' or a name in atoms.info, got {groups!r}"
            )
        self.given = dict(keys or {})
        self.names = check_keys(self.given)
        #: A stress that is to be left out does not come from a virial, unless one is named.
        self.virials = self.given.get("virial", self.given.get("stress", True)) is not None
        self.moments, self.missing = moments, nan == "missing"
        self.check_units, self.groups = check_units, groups

    def frame(self, atoms, source, index):
        """Return the :class:`Frame` of atoms with labels."""
        where = f"frame {index} of {source}"
        _check_results(atoms, where)
        volume = atoms.cell.volume if atoms.pbc.all() and atoms.cell.rank == 3 else None
        labels = {}
        for name in QUANTITIES:
            value = self._label(atoms, name, where)
            if name == "stress" and value is None and self.virials:
                value = self._from_virial(atoms, volume, where)
            if value is None:
                continue
            array = as_label(name, value, len(atoms), volume, where)
            check_nan(name, array, where, self.missing)
            if self.check_units:
                check_unit(name, array, len(atoms), where)
            labels[name] = array
        if not labels:
            raise ValueError(
                f"{where} has none of the labels {', '.join(QUANTITIES)}: it holds info "
                f"{sorted(atoms.info)}, arrays {sorted(atoms.arrays)} and results "
                f"{sorted(_results(atoms))}. Name them with keys, e.g. keys={{'energy': 'E_dft'}}"
            )
        moments = self._moments(atoms, "magforces" in labels, where)
        if self.check_units:
            check_moments(moments, where)
        weight, weights = _weights(atoms, where)
        structure = plain(atoms, moments)
        group = self._group(atoms, structure, source, where)
        return Frame(structure, labels, weight, weights, source, index, group)

    def _label(self, atoms, name, where):
        found = _find(atoms, self.names[name])
        if found is not None:
            return found
        if name in self.given:
            key, results = self.given[name], _results(atoms)
            return None if key is None else results.get(key)
        results = _results(atoms)
        return next((results[k] for k in RESULTS[name] if results.get(k) is not None), None)

    def _from_virial(self, atoms, volume, where):
        """Return the stress of a virial, in eV, of the sign -volume x stress."""
        value = _find(atoms, self.names["virial"])
        if value is None:
            return None
        if volume is None:
            raise ValueError(
                f"{where} has a virial, but is not periodic in three directions, so it has no "
                "volume: remove that label, e.g. with keys={'stress': None}"
            )
        return -np.asarray(value, dtype=float) / volume

    def _moments(self, atoms, constrained, where):
        if "moments" in self.given:
            key = self.given["moments"]
            found = _find(atoms, (key,))
            found = _results(atoms).get(key) if found is None else found
            if found is None:
                raise ValueError(f"{where} has no {key!r}, which keys names as its moments")
            return as_moments(found, len(atoms))
        found = _find(atoms, self.names["moments"])
        targets = None if found is None else as_moments(found, len(atoms))
        if targets is None and "initial_magmoms" in atoms.arrays:
            targets = get_moments(atoms)
        reached = _results(atoms).get("magmoms")
        if reached is None:
            reached = atoms.arrays.get("magmoms")
        reached = None if reached is None else as_moments(reached, len(atoms))
        if targets is None and reached is None:
            if constrained:
                raise ValueError(
                    f"{where} has magnetic forces, but no moments at which they were computed: "
                    "name them with keys={'moments': ...}, or set_moments(atoms, ...)"
                )
            return np.zeros((len(atoms), 3))
        if targets is None or (self.moments == "results" and reached is not None):
            return reached
        if reached is None or self.moments == "initial":
            return targets
        return _agreed(targets, reached, constrained, where)

    def _group(self, atoms, structure, source, where):
        if self.groups is None:
            return structure_digest(structure)[:16]  # repetitions stay together
        if self.groups == "source":
            return source
        if self.groups not in atoms.info:
            raise ValueError(
                f"{where} has no info[{self.groups!r}], by which frames are to be grouped; it has "
                f"{', '.join(sorted(atoms.info)) or 'none'}"
            )
        return f"{source}:{self.groups}={atoms.info[self.groups]}"


def _agreed(targets, reached, constrained, where):
    """Return the moments of the state where targets and reached moments are both known."""
    difference = np.linalg.norm(targets - reached, axis=1)
    worst = int(difference.argmax()) if len(difference) else 0
    if not len(difference) or difference[worst] <= TOLERANCE:
        return targets
    if not constrained:
        return reached  # the initial moments were a guess
    raise ValueError(
        f"{where}: atom {worst} has the moment {np.round(targets[worst], 4).tolist()} mu_B as "
        f"initial or target moment and {np.round(reached[worst], 4).tolist()} mu_B as a result, "
        "and the frame has magnetic forces, which belong to one of them: say which with "
        "moments='initial' or moments='results'"
    )


def _find(atoms, names):
    data = atoms.info.get("data")  # of a row of a database
    for name in names:
        for place in (atoms.info, atoms.arrays, data if isinstance(data, dict) else {}):
            if name in place:
                return place[name]
    return None


def _check_results(atoms, where):
    """Raise ValueError if the calculator's results are those of other atoms."""
    calc = atoms.calc
    if getattr(calc, "atoms", None) is None or not hasattr(calc, "check_state"):
        return
    changes = set(calc.check_state(atoms)) if _results(atoms) else set()
    if isinstance(calc, SinglePointCalculator):
        # Stored results belong to their frame, whose moments a user may set to the targets.
        changes -= {"initial_magmoms", "initial_charges"}
    if changes:
        raise ValueError(
            f"{where}: the results of its calculator belong to another structure "
            f"({', '.join(sorted(changes))} differ), as when several frames share one calculator: "
            "label them by reference.campaign, or give each frame a calculator of its own"
        )


def _results(atoms):
    return getattr(atoms.calc, "results", {}) if atoms.calc is not None else {}


def _weights(atoms, where):
    """Return the weight of a frame and of its labels, MACE's names."""
    weight = atoms.info.get("config_weight", 1.0)
    weights = {
        name: atoms.info[f"config_{name}_weight"]
        for name in QUANTITIES
        if f"config_{name}_weight" in atoms.info
    }
    for name, value in {"config_weight": weight, **weights}.items():
        if not (np.isscalar(value) and np.isfinite(value) and value >= 0):
            raise ValueError(f"{where}: the weight {name} must not be negative, got {value!r}")
    return float(weight), {name: float(value) for name, value in weights.items()}
