"""The four-stage fit of spin-lattice potentials."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ase_mag.core import PairGraph, Sum, get_moments, storage
from ase_mag.fitting.checkpoint import FitCheckpoint, data_digest
from ase_mag.fitting.dataset import Dataset
from ase_mag.fitting.fit import fit
from ase_mag.fitting.held import Held, View
from ase_mag.fitting.identity import differences, digest, form
from ase_mag.fitting.labels import QUANTITIES
from ase_mag.fitting.loss import DEFAULT_WEIGHTS, check_weights
from ase_mag.fitting.metrics import compare
from ase_mag.fitting.report import FitReport
from ase_mag.fitting.trainable import TrainableParts

#: The stages, and how many iterations each gets.
STAGES = {"nonmagnetic": 150, "bulk": 100, "network": 200, "together": 200}
#: The largest moment of what counts as non-magnetic, mu_B: a Landau energy of some 0.05 meV.
_NONMAGNETIC = 0.01


@dataclass(frozen=True)
class Stage:
    """One stage of :func:`fit_stages`.

    Attributes
    ----------
    name : str, 'nonmagnetic', 'bulk', 'network' or 'together'.
    report : FitReport of the data and terms of this stage; None if it was read from the folder.
    summary : dict, ``report.to_dict()``.
    train, test : dict from label to Errors of the whole potential after this stage, on all data.
    """

    name: str
    report: FitReport | None
    summary: dict
    train: dict
    test: dict


@dataclass(frozen=True)
class StagesReport:
    """What :func:`fit_stages` found; ``str()`` is a table of the errors after every stage.

    Attributes
    ----------
    stages : tuple of Stage
    """

    stages: tuple

    def __getitem__(self, name):
        """Return the Stage of this name."""
        return {stage.name: stage for stage in self.stages}[name]

    def __str__(self):
        lines = []
        for part in ("train", "test"):
            rows = [getattr(stage, part) for stage in self.stages]
            names = [name for name in QUANTITIES if name in rows[0]]
            if not names:
                continue
            heads = [f"{name} ({rows[0][name].unit})" for name in names]
            lines.append(f"RMSE, {part:5s}      " + "".join(f"{head:>24s}" for head in heads))
            for stage, row in zip(self.stages, rows, strict=True):
                cells = "".join(f"{row[name].rmse:24.4g}" for name in names)
                lines.append(f"{stage.name:17s}{cells}")
        seconds = sum(stage.summary["seconds"] for stage in self.stages)
        counts = ", ".join(f"{s.name} {s.summary['iterations']}" for s in self.stages)
        lines.append(f"iterations: {counts}; {seconds:.3g} s")
        return "\n".join(lines)


def fit_stages(
    potential,
    *,
    nonmagnetic,
    bulk,
    train,
    test=None,
    weights=None,
    scaling="atom",
    iterations=None,
    ridge=0.0,
    tolerance=1e-3,
    workers=1,
    device=None,
    folder=None,
    restart=False,
    progress=True,
):
    """Fit a spin-lattice potential in the four stages of Chapman and Ma (2022), in place.

    1. 'nonmagnetic': V^NM to non-magnetic data, alone. 2. 'bulk': V^HL to data near the perfect
    crystal, V^NM held. 3. 'network': V^NN to all data, both held. 4. 'together': all parameters to
    all data, from where they are: no linear solutions, so that every step is a small one.
    All data are the three sets together; each stage is a :func:`fit`.

    Parameters
    ----------
    potential : SpinLatticePotential, or an object with the attributes ``lattice``, ``moments`` and
        ``network``, its terms.
    nonmagnetic, bulk, train : Dataset; ``train`` holds what is in neither of the others. Moments
        in ``nonmagnetic`` are zero: V^NM would take up the energy of others.
    test : Dataset, optional; judged after every stage, not used.
    weights : dict from label to float, see :func:`fit`, for all stages: labels that the data of a
        stage do not have are left out there, and magnetic forces in the first. Or a dict from stage
        to such dicts, in which the data of the stage have every weighted label.
    scaling, ridge, tolerance, workers, progress : see :func:`fit`.
    device : 'auto', 'cpu', 'cuda' or None; see :func:`fit`: where torch computes the third stage.
        The others change more than the network and are not computed by torch.
    iterations : dict from stage to int, most iterations; 0 leaves a stage out. Default:
        nonmagnetic 150, bulk 100, network 200, together 200.
    folder : path, optional; where the fit began, what each stage found, and the checkpoint of the
        one that runs.
    restart : bool; go on from the folder: finished stages are read, one that was interrupted goes
        on exactly, both from the parameters with which the fit in the folder began. Stages after
        the last may be added; data, the form of the potential and all options but ``device``
        (rounding), ``workers`` and ``progress`` are as before. Folders of versions of ase_mag that
        did not write all of that down are refused.

    Returns
    -------
    StagesReport

    Raises
    ------
    TypeError
        If the potential does not have the three terms, or for data that are no Dataset.
    ValueError
        For unknown stages, empty sets, moments in ``nonmagnetic``, labels that are weighted and
        in no frame, a folder that does not exist or belongs to another fit (naming what differs),
        and what :func:`fit` refuses. All but the last before any stage.
    """
    for name in ("lattice", "moments", "network"):
        if not hasattr(potential, name):
            raise TypeError(
                f"{potential!r} has no term called {name!r}: fit_stages needs a "
                "SpinLatticePotential; use fitting.fit for other potentials"
            )
    sets = {"nonmagnetic": nonmagnetic, "bulk": bulk, "train": train}
    for name, data in sets.items():
        if not isinstance(data, Dataset):
            raise TypeError(f"{name} must be a Dataset, got {type(data).__name__}")
        if not len(data):
            raise ValueError(f"the data called {name!r} are empty: every stage needs some")
    iterations = STAGES | _per_stage("iterations", {} if iterations is None else iterations)
    data = nonmagnetic + bulk + train
    held = Sum([potential.lattice, potential.moments])
    plans = {
        "nonmagnetic": (potential.lattice, nonmagnetic),
        "bulk": (Sum([Held(potential.lattice), potential.moments]), bulk),
        "network": (Sum([Held(held), potential.network]), data),
        "together": (View(potential, linear=False), data),
    }
    plans = {name: plan for name, plan in plans.items() if iterations[name]}
    if "nonmagnetic" in plans:
        _check_nonmagnetic(nonmagnetic)
    chosen = _weights(weights, {name: own for name, (_, own) in plans.items()}, data)
    course = _Course(potential, data, test, {"workers": workers, "progress": progress})
    if folder is not None or restart:
        same = {"scaling": scaling, "ridge": ridge, "tolerance": tolerance}
        course.keep(folder, restart, {name: data_digest(own) for name, own in sets.items()}, same)
    course.options |= {"scaling": scaling, "ridge": ridge, "tolerance": tolerance}
    stages = []
    for name, (model, own) in plans.items():
        where = device if name == "network" else None
        stages.append(course.stage(name, model, own, chosen[name], iterations[name], where))
    return StagesReport(tuple(stages))


class _Course:
    """Runs stages, or reads what they found."""

    def __init__(self, potential, data, test, options):
        self.potential, self.data, self.test, self.options = potential, data, test, options
        self.folder, self.restart, self.identity, self.before = None, False, {}, {}
        if not potential.prepared:
            TrainableParts(potential).prepare(_structures(data, potential.cutoff))

    def keep(self, folder, restart, digests, options):
        """Keep what is found in a folder, or go on from what is there."""
        if folder is None:
            raise ValueError("restart needs the folder of the stages: folder='stages'")
        self.folder, self.restart = Path(folder), restart
        if not self.folder.is_dir():
            raise ValueError(f"there is no folder {str(folder)!r}: make it first")
        self.identity = {"data": digests, "potential": form(self.potential), **options}
        start = self.folder / "start.npz"
        if restart and start.exists():
            self._take(start, self.identity)
        elif restart and any(path.exists() for name in STAGES for path in self._paths(name)):
            raise ValueError(
                f"{self.folder} has stages, but not where they began (start.npz): it is of an "
                "earlier version of ase_mag, which did not write down of which fit they are. "
                "Choose an empty folder, or begin anew with restart=False"
            )
        else:
            storage.save(self.potential, start, identity=self.identity)
        self.identity["start"] = digest(self.potential.parameters)

    def stage(self, name, model, data, weights, iterations, device=None):
        own = {"weights": weights, "iterations": iterations}
        identity = json.loads(json.dumps(self.identity | own | {"before": self.before}))
        self.before = self.before | {name: own}
        report = checkpoint = None
        if self.folder is not None:
            path, finished = self._paths(name)
            checkpoint = FitCheckpoint(path, {"stages": identity})
        if self.restart and finished.exists():
            summary = self._take(finished, identity)
        else:
            report = fit(
                model,
                data,
                weights,
                max_iterations=iterations,
                device=device,
                checkpoint=checkpoint,
                restart=self.restart,
                **self.options,
            )
            summary = report.to_dict()
            if self.folder is not None:
                storage.save(self.potential, finished, identity=identity, summary=summary)
        test = {} if self.test is None else compare(self.potential, self.test)
        return Stage(name, report, summary, compare(self.potential, self.data), test)

    def _paths(self, name):
        return self.folder / f"{name}.checkpoint.npz", self.folder / f"{name}.npz"

    def _take(self, path, identity):
        """Take the parameters of a file of this fit, and return its summary."""
        found, metadata = storage.load(path)
        other = differences(metadata["identity"], json.loads(json.dumps(identity)))
        if other:
            raise ValueError(
                f"{path} belongs to another fit: {other}. Go on with what it was, choose an empty "
                "folder, or begin anew with restart=False"
            )
        self.potential.parameters = found.parameters
        return metadata.get("summary")


def _structures(data, cutoff):
    for frame in data:
        atoms = frame.atoms
        graph = PairGraph.build(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, cutoff)
        yield graph, get_moments(atoms)


def _per_stage(what, values):
    unknown = [name for name in values if name not in STAGES]
    if unknown:
        raise ValueError(
            f"{what} names {', '.join(map(repr, unknown))}; stages are {', '.join(STAGES)}"
        )
    if what == "weights" and not all(isinstance(value, dict) for value in values.values()):
        raise ValueError(f"weights by stage must all be dicts from label to float, got {values!r}")
    return dict(values)


def _check_nonmagnetic(data):
    """Raise ValueError for moments in the data to which V^NM is fitted."""
    for frame in data:
        sizes = np.linalg.norm(get_moments(frame.atoms), axis=1)
        if sizes.max(initial=0.0) > _NONMAGNETIC:
            raise ValueError(
                f"{frame.where} in the data called 'nonmagnetic' is magnetic: the moment of atom "
                f"{int(sizes.argmax())} is {sizes.max():.4g} mu_B. V^NM does not depend on moments "
                "and is fitted to states without them: put this frame into bulk or train, or "
                "compute it without moments"
            )


def _weights(weights, sets, data):
    """Return the weights of the labels that count, by stage, after checking them.

    Parameters
    ----------
    sets : dict from stage to Dataset; data : Dataset, all.
    """
    given = {} if weights is None else dict(weights)
    by_stage = any(isinstance(value, dict) for value in given.values())
    if by_stage:
        given = _per_stage("weights", given)
    elif weights is not None:
        check_weights(given, data)
    out = {}
    for name, own in sets.items():
        if by_stage and name in given:
            chosen = dict(given[name])
            if name == "nonmagnetic" and chosen.get("magforces"):
                raise ValueError(
                    "weights of the stage 'nonmagnetic' name magforces, but V^NM does not depend "
                    "on moments: leave them out there"
                )
        else:
            chosen = DEFAULT_WEIGHTS if weights is None or by_stage else given
            chosen = {
                label: weight
                for label, weight in chosen.items()
                if any(frame.has(label) and frame.weight_of(label) > 0 for frame in own)
                and not (name == "nonmagnetic" and label == "magforces")
            }
        try:
            out[name] = check_weights(chosen, own)
        except ValueError as error:
            raise ValueError(f"stage {name!r}: {error}") from error
    return out
