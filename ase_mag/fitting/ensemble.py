"""Several fits of one potential, whose disagreement tells where it does not know."""

import copy
from dataclasses import dataclass, replace

import numpy as np

from ase_mag.core import Gradients, Model, PairGraph, get_moments, storable
from ase_mag.core.jobs import run_jobs
from ase_mag.core.model import common_axis
from ase_mag.fitting.dataset import Dataset
from ase_mag.fitting.fit import fit
from ase_mag.fitting.trainable import TrainableParts

METHODS = ("bootstrap", "start", "both")


@dataclass(frozen=True)
class Uncertainty:
    """Standard deviations of what a model says; of ensembles over the members (size - 1).

    Attributes
    ----------
    energy : float, of the energy of the cell, eV.
    energies : (n_atoms,) float array, of the site energies, eV.
    forces : (n_atoms,) float array, sqrt(sum over x, y, z of the variance), eV/angstrom.
    magforces : (n_atoms,) float array, the same of magnetic forces, eV/mu_B.
    """

    energy: float
    energies: np.ndarray
    forces: np.ndarray
    magforces: np.ndarray


@storable
class Ensemble(Model):
    """The mean of several models, E = 1/n sum_k E_k, with their spread as uncertainty.

    Parameters
    ----------
    members : list of Model, at least two, all of the same species.

    Attributes
    ----------
    reports : list of FitReport of the members, where they were fitted here; not saved.
    """

    def __init__(self, members):
        self.members = tuple(members)
        if len(self.members) < 2:
            raise ValueError(f"an ensemble needs at least two members, got {len(self.members)}")
        self.species = self.members[0].species
        for member in self.members[1:]:
            if set(member.species) != set(self.species):
                raise ValueError(
                    f"the members describe different species: {', '.join(self.species)} and "
                    f"{', '.join(member.species)}"
                )
        self.cutoff = max(member.cutoff for member in self.members)
        self.homogeneous = all(member.homogeneous for member in self.members)
        self.directional = all(member.directional for member in self.members)
        self.moment_axis = common_axis(self.members)
        self.reports = []

    @property
    def addends(self):
        return tuple(part for member in self.members for part in member.addends)

    def gradients(self, graph, moments, *, lattice=True):
        total = Gradients(np.zeros(graph.n_sites))
        for member in self.members:
            total = total + member.gradients(graph, moments, lattice=lattice)
        share = 1.0 / len(self.members)
        return Gradients(
            *(
                None if part is None else share * part
                for part in (total.energies, total.moments, total.pairs, total.radial)
            )
        )

    def parameter_key(self):
        return sum((member.parameter_key() for member in self.members), ())

    def uncertainty(self, atoms, moments=None):
        """Return how much the members disagree, an :class:`Uncertainty`.

        Parameters
        ----------
        atoms : ase.Atoms or PairGraph
        moments : (N, 3) float array, mu_B; needed with a graph, else those of the atoms.
        """
        if isinstance(atoms, PairGraph):
            if moments is None:
                raise ValueError("a graph has no moments: give moments (N, 3) in mu_B")
            graph = atoms
        else:
            moments = get_moments(atoms) if moments is None else moments
            self.check_species(atoms.numbers)
            graph = PairGraph.build(
                atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, self.cutoff
            )
        responses = [member.evaluate(graph, moments) for member in self.members]

        def spread(name):
            return np.array([getattr(r, name) for r in responses]).std(axis=0, ddof=1)

        return Uncertainty(
            float(spread("energy")),
            spread("energies"),
            np.linalg.norm(spread("forces"), axis=1),
            np.linalg.norm(spread("magforces"), axis=1),
        )

    def to_dict(self):
        return {"members": list(self.members)}

    def __repr__(self):
        return f"Ensemble of {len(self.members)}: {self.members[0]!r}"


def ensemble(
    potential, train, size=5, rng=None, *, method="bootstrap", scatter=0.1, executor=None, **options
):
    """Fit several potentials that differ in their data, their start, or both.

    Parameters
    ----------
    potential : Trainable, or a sum with trainable terms; it is not changed.
    train : Dataset
    size : int, at least 2. rng : int or numpy.random.Generator
    method : str
        'bootstrap': every member sees as many groups of frames as there are, drawn with
        replacement; the spread is what other data of the same kind would change. 'start': all
        frames, other first values of the parameters that are not linear (as in Kotykhov et al.
        (2024)); the spread is that of local minima. 'both'.
    scatter : float, for 'start' and 'both'; first values are p + scatter s g with normal numbers g
        and the root mean square s of these parameters. Terms with a method
        ``initial_parameters(rng)`` are asked for new ones instead.
    executor : concurrent.futures.Executor, optional; the fits are independent jobs.
    **options : of :func:`ase_mag.fitting.fit`.

    Returns
    -------
    Ensemble
        A model; the spread of its members underestimates errors where all of them have the same
        shape and are wrong alike.

    Raises
    ------
    ValueError
        Without ``rng``, for a size below 2, for 'start' with linear parameters only, and for
        'bootstrap' and 'both' with frames of one group only.
    """
    if int(size) != size or size < 2:
        raise ValueError(f"size must be an integer of at least 2, got {size!r}")
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    if rng is None:
        raise ValueError("ensembles are random: give rng, an integer seed or a numpy Generator")
    if not (np.isfinite(scatter) and scatter > 0):
        raise ValueError(f"scatter must be positive, got {scatter!r}")
    if "checkpoint" in options or "restart" in options:
        raise ValueError("the members of an ensemble have no checkpoints: leave checkpoint out")
    if not len(train):
        raise ValueError("the training data are empty: there is nothing to fit to")
    if method != "start" and len(set(train.groups)) < 2:
        raise ValueError(
            f"all {len(train)} frames are of one group, {train.groups[0]!r}, so that every "
            "bootstrap sample is the same and the spread would be zero: use smaller groups "
            "(data.grouped(...)), or method='start'"
        )
    rng = np.random.default_rng(rng)
    jobs = {}
    for k in range(int(size)):
        member, data = copy.deepcopy(potential), train
        if method != "bootstrap":
            _scatter(TrainableParts(member), rng, scatter)
        if method != "start":
            data = resampled(train, rng)
        jobs[k] = (member, data, options | {"progress": False})
    found = dict(run_jobs(_fitted, jobs, executor))
    result = Ensemble([found[k][0] for k in jobs])
    result.reports = [found[k][1] for k in jobs]
    return result


def resampled(data, rng):
    """Return data with groups drawn with replacement: those drawn twice weigh twice."""
    groups = list(dict.fromkeys(data.groups))
    counts = np.bincount(rng.integers(len(groups), size=len(groups)), minlength=len(groups))
    times = dict(zip(groups, counts.tolist(), strict=True))
    return Dataset(
        [
            replace(frame, weight=frame.weight * times[frame.group])
            for frame in data
            if times[frame.group]
        ],
        data.references,
    )


def _fitted(potential, train, options):
    return potential, fit(potential, train, **options)


def _scatter(parts, rng, scatter):
    """Set other first values of the parameters that are not linear."""
    if not len(parts.nonlinear):
        raise ValueError(
            f"{parts.potential!r} has linear parameters only, whose fit does not depend on where "
            "it starts: use method='bootstrap'"
        )
    values = parts.parameters
    for term, place in zip(parts.terms, parts.places, strict=True):
        here = parts.nonlinear[(parts.nonlinear >= place.start) & (parts.nonlinear < place.stop)]
        if hasattr(term, "initial_parameters"):
            values[place] = term.initial_parameters(rng)
        elif len(here):
            size = np.sqrt(np.mean(values[here] ** 2)) or 1.0
            values[here] += scatter * size * rng.normal(size=len(here))
    parts.parameters = values


class Disagreement:
    """The spread of an ensemble as the uncertainty of atoms, for :func:`active_loop`.

    Parameters
    ----------
    potential : Trainable, or a sum with trainable terms; it is not changed.
    data : Dataset
    label : 'energies' (eV), 'forces' (eV/angstrom) or 'magforces' (eV/mu_B), whose spread counts.
    size, rng, **options : see :func:`ensemble`.

    Attributes
    ----------
    ensemble : Ensemble, fitted to ``data``.
    """

    def __init__(self, potential, data, label="forces", size=5, rng=0, **options):
        if label not in ("energies", "forces", "magforces"):
            raise ValueError(f"label must be 'energies', 'forces' or 'magforces', got {label!r}")
        self.label = label
        self.ensemble = ensemble(potential, data, size, rng, **options)

    def uncertainty(self, atoms):
        """Return the standard deviation over the members for every atom, (N,)."""
        return getattr(self.ensemble.uncertainty(atoms), self.label)
