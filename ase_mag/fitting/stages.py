"""The four-stage fit of spin-lattice potentials."""

import json
from dataclasses import dataclass
from pathlib import Path

from ase_mag.core import PairGraph, Sum, get_moments, storage
from ase_mag.fitting.checkpoint import data_digest
from ase_mag.fitting.dataset import Dataset
from ase_mag.fitting.fit import fit
from ase_mag.fitting.held import Held, View
from ase_mag.fitting.labels import QUANTITIES
from ase_mag.fitting.loss import DEFAULT_WEIGHTS
from ase_mag.fitting.metrics import compare
from ase_mag.fitting.report import FitReport
from ase_mag.fitting.trainable import TrainableParts

#: The stages, and how many iterations each gets.
STAGES = {"nonmagnetic": 150, "bulk": 100, "network": 200, "together": 200}


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
    nonmagnetic, bulk, train : Dataset; ``train`` holds what is in neither of the others.
    test : Dataset, optional; judged after every stage, not used.
    weights : dict from label to float, or a dict from stage to such dicts; see :func:`fit`. Labels
        that the data of a stage do not have are left out, and magnetic forces in the first.
    scaling, ridge, tolerance, workers, progress : see :func:`fit`.
    device : 'auto', 'cpu', 'cuda' or None; see :func:`fit`: where torch computes the third stage.
        The others change more than the network and are not computed by torch.
    iterations : dict from stage to int, most iterations; 0 leaves a stage out. Default:
        nonmagnetic 150, bulk 100, network 200, together 200.
    folder : path, optional; what each stage found, and the checkpoint of the one that runs.
    restart : bool; go on from the folder: finished stages are read, one that was interrupted goes
        on exactly.

    Returns
    -------
    StagesReport

    Raises
    ------
    TypeError
        If the potential does not have the three terms, or for data that are no Dataset.
    ValueError
        For unknown stages, empty sets, a folder that does not exist or belongs to another fit, and
        what :func:`fit` refuses.
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
    iterations = _per_stage("iterations", STAGES if iterations is None else iterations)
    course = _Course(potential, Dataset([*nonmagnetic, *bulk, *train]), test, folder, restart)
    course.options = {
        "scaling": scaling,
        "ridge": ridge,
        "tolerance": tolerance,
        "workers": workers,
        "progress": progress,
    }
    held = Sum([potential.lattice, potential.moments])
    plans = {
        "nonmagnetic": (potential.lattice, nonmagnetic),
        "bulk": (Sum([Held(potential.lattice), potential.moments]), bulk),
        "network": (Sum([Held(held), potential.network]), course.data),
        "together": (View(potential, linear=False), course.data),
    }
    stages = []
    for name, (model, data) in plans.items():
        count = iterations.get(name, STAGES[name])
        if count:
            chosen = _weights(weights, name, data)
            where = device if name == "network" else None
            stages.append(course.stage(name, model, data, chosen, count, where))
    return StagesReport(tuple(stages))


class _Course:
    """Runs stages, or reads what they found."""

    def __init__(self, potential, data, test, folder, restart):
        self.potential, self.data, self.test = potential, data, test
        self.folder = None if folder is None else Path(folder)
        self.restart = restart
        if self.folder is not None and not self.folder.is_dir():
            raise ValueError(f"there is no folder {str(folder)!r}: make it first")
        if restart and self.folder is None:
            raise ValueError("restart needs the folder of the stages: folder='stages'")
        if not potential.prepared:
            parts = TrainableParts(potential)
            parts.prepare(_structures(data, potential.cutoff))

    def stage(self, name, model, data, weights, iterations, device=None):
        identity = {"data": data_digest(data), "weights": weights, "iterations": iterations}
        identity = json.loads(json.dumps(identity))
        checkpoint, finished = (
            None if self.folder is None else self.folder / f"{name}{end}"
            for end in (".checkpoint.npz", ".npz")
        )
        report = None
        if self.restart and finished.exists():
            summary = self._read(finished, identity)
        else:
            report = fit(
                model,
                data,
                weights,
                max_iterations=iterations,
                device=device,
                checkpoint=checkpoint,
                restart=self.restart and checkpoint.exists(),
                **self.options,
            )
            summary = report.to_dict()
            if finished is not None:
                storage.save(self.potential, finished, identity=identity, summary=summary)
        test = {} if self.test is None else compare(self.potential, self.test)
        return Stage(name, report, summary, compare(self.potential, self.data), test)

    def _read(self, path, identity):
        found, metadata = storage.load(path)
        if metadata["identity"] != identity or repr(found) != repr(self.potential):
            raise ValueError(
                f"{path} was made with other data, weights, iterations or another potential: go on "
                "with the same, or choose an empty folder"
            )
        self.potential.parameters = found.parameters
        return metadata["summary"]


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
    return dict(values)


def _weights(weights, stage, data):
    """Return the weights of the labels that count in a stage."""
    chosen = DEFAULT_WEIGHTS if weights is None else dict(weights)
    if any(isinstance(value, dict) for value in chosen.values()):
        chosen = _per_stage("weights", chosen).get(stage, DEFAULT_WEIGHTS)
    return {
        name: weight
        for name, weight in chosen.items()
        if name not in QUANTITIES
        or (name in data.labels and not (stage == "nonmagnetic" and name == "magforces"))
    }
