"""The loss of a perceptron in torch, on a GPU where there is one."""

from itertools import groupby

import numpy as np

from ase_mag.core import Response
from ase_mag.core.extras import require
from ase_mag.core.tangents import tangents
from ase_mag.fitting.labels import QUANTITIES
from ase_mag.fitting.loss import Loss
from ase_mag.fitting.samples import predictions
from ase_mag.models import DescriptorModel
from ase_mag.regressors.torch_perceptron import TorchPerceptron, torch_device

#: Most bytes of the derivatives of features.
MEMORY = 8 << 30
_VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


class TorchLoss(Loss):
    """The :class:`Loss` of a descriptor model with perceptrons, computed by torch in float64.

    Features and their derivatives by positions, moments and strain do not change in a fit of the
    network. They are computed once by our descriptors and stay on the device as one matrix A per
    frame: forces, virial and magnetic forces are A de/dx. All other terms of the sum are constant
    and computed once. Everything that a fit needs besides the loss and its gradient (linear
    solutions, judgments) is that of :class:`Loss`, and the path of a fit the same but for rounding.

    Parameters
    ----------
    parts, data, weights, scaling, workers, prior : see :class:`Loss`.
    device : str, 'auto', 'cpu' or 'cuda', see
        :class:`ase_mag.regressors.torch_perceptron.TorchPerceptron`.
    memory : int, most bytes of all A.

    Raises
    ------
    ImportError
        Without torch; the message names the extra.
    TypeError
        If the one trainable term is no DescriptorModel of perceptrons.
    ValueError
        If the derivatives need more than ``memory``, and for an unknown device.
    """

    def __init__(
        self,
        parts,
        data,
        weights,
        scaling="configuration",
        workers=1,
        prior=True,
        *,
        device="auto",
        memory=MEMORY,
    ):
        self._torch = require("torch", "torch")
        self.device, self.memory = torch_device(device), int(memory)
        if len(parts.terms) != 1 or not isinstance(parts.terms[0], DescriptorModel):
            raise TypeError(
                "with device=... the only trainable term must be a DescriptorModel with "
                f"perceptrons, got {', '.join(type(term).__name__ for term in parts.terms)}: hold "
                "the others (fitting.Held), or leave device out"
            )
        super().__init__(parts, data, weights, scaling, workers, prior)
        self._model, self._batches = parts.terms[0], None

    def _prepared(self):
        """Return the batches of frames, made at the first use: the scales are known then."""
        if self._batches is None:
            self._functions = [
                TorchPerceptron(function, str(self.device)) for function in self._model.functions
            ]
            self._batches = self._make_batches()
        return self._batches

    def _make_batches(self):
        def size(sample):
            return sample.graph.n_sites, tuple(
                name for name in QUANTITIES if name in sample.targets
            )

        features = self._model.descriptor.n_features
        needed = sum(8 * _rows(s) * s.graph.n_sites * features for s in self.samples)
        if needed > self.memory:
            raise ValueError(
                f"the derivatives of the features of {len(self.samples)} frames need "
                f"{needed / 2**30:.3g} GiB, of {self.memory / 2**30:.3g} that are allowed: leave "
                "device out, or give fewer or smaller frames"
            )
        batches, self._places = [], {}
        for _, group in groupby(sorted(self.samples, key=size), key=size):
            samples = list(group)
            batches.append(self._batch([self._frame(sample) for sample in samples]))
            self._places |= {id(s): (batches[-1], k) for k, s in enumerate(samples)}
        return batches

    def _frame(self, sample):
        """Return the arrays of one frame: features, A, what is left of targets, factors."""
        graph, moments = sample.graph, np.ascontiguousarray(sample.moments, dtype=float)
        descriptor = self._model.descriptor
        features = descriptor.forward(graph, moments)
        mine = self._model.evaluate(graph, moments, lattice=self.lattice)
        others = _vectors(predictions(self.response(sample), sample.targets))
        own = _vectors(predictions(mine, sample.targets))
        targets, factors = _vectors(sample.targets), _vectors(sample.factors)
        factors = {
            name: _twice_off_diagonal(value) if name == "stress" else value
            for name, value in factors.items()
        }
        rest = {name: targets[name] - others[name] + own[name] for name in targets}
        rows = [np.zeros((0, graph.n_sites, self._model.descriptor.n_features))]
        for name in targets:
            if name != "energy":
                rows.append(self._derivatives(graph, moments, name))
        labels = [k for k, name in enumerate(QUANTITIES) if name in targets and name != "energy"]
        kinds = np.full(graph.n_sites, -1)
        for k, (_, sites) in enumerate(self._model._sites(graph)):
            kinds[sites] = k
        names = [name for name in targets if name != "energy"]
        return {
            "X": features,
            "A": np.concatenate(rows).reshape(-1, features.size),
            "energy": rest.get("energy", np.zeros(1)),
            "energy_factor": factors.get("energy", np.zeros(1)),
            "rest": np.concatenate([np.zeros(0), *(rest[name] for name in names)]),
            "factors": np.concatenate([np.zeros(0), *(factors[name] for name in names)]),
            "labels": np.repeat(labels, [len(rest[name]) for name in names]).astype(int),
            "kinds": kinds,
        }

    def _derivatives(self, graph, moments, name):
        """Return d(feature)/d(tangent) so that the label is the contraction with de/dx."""
        rows = []
        for index in np.ndindex((6,) if name == "stress" else (graph.n_atoms, 3)):
            weights = Response(None, None)
            if name == "stress":
                strain = np.zeros((3, 3))
                a, b = _VOIGT[index[0]]
                strain[a, b] += 0.5
                strain[b, a] += 0.5
                weights.virials = np.tile(strain, (graph.n_sites, 1, 1))
            else:
                unit = np.zeros((graph.n_atoms, 3))
                unit[index] = 1.0
                setattr(weights, name, unit)
            _, turns, pairs = tangents(graph, moments, weights)
            if pairs is None:
                pairs = np.zeros((graph.n_pairs, 3))
            rows.append(self._model.descriptor.jvp(graph, moments, turns, pairs))
        return np.array(rows)

    def _batch(self, frames):
        tensor = self._functions[0].tensor
        out = {
            name: tensor(np.stack([frame[name] for frame in frames]))
            for name in ("X", "A", "energy", "energy_factor", "rest", "factors")
        }
        long = self._torch.long
        out["labels"] = self._torch.tensor(frames[0]["labels"], dtype=long, device=self.device)
        kinds = np.stack([frame["kinds"] for frame in frames])
        out["sites"] = None
        if len(self._functions) > 1 or (kinds < 0).any():
            out["sites"] = [tensor(kinds == k) for k in range(len(self._functions))]
        return out

    def _sites(self, parameters, X, chosen):
        """Return e and de/dx of all sites of some frames, each with the function of its species."""
        if chosen is None:
            return self._functions[0].evaluate(parameters, X)
        energies, slopes, start = 0.0, 0.0, 0
        for function, here in zip(self._functions, chosen, strict=True):
            end = start + function.n_parameters
            e, slope = function.evaluate(parameters[start:end], X)
            energies = energies + here * e
            slopes = slopes + here[..., None] * slope
            start = end
        return energies, slopes

    def _evaluated(self, parameters, batch):
        """Return energies of frames and all other labels, (B,) and (B, rows) tensors."""
        energies, slopes = self._sites(parameters, batch["X"], batch["sites"])
        flat = slopes.reshape(len(slopes), -1, 1)
        return energies.sum(dim=1), (batch["A"] @ flat)[..., 0]

    def _terms(self, parameters):
        """Return the sums of the four labels over all frames, a (4,) tensor."""
        totals = self._torch.zeros(len(QUANTITIES), dtype=self._torch.float64, device=self.device)
        for batch in self._prepared():
            energies, values = self._evaluated(parameters, batch)
            squares = (batch["factors"] * (values - batch["rest"]) ** 2).sum(dim=0)
            totals = totals.index_add(0, batch["labels"], squares)
            first = batch["energy_factor"][:, 0] * (energies - batch["energy"][:, 0]) ** 2
            totals = totals + self._torch.nn.functional.pad(first.sum()[None], (0, 3))
        return totals

    def _leaf(self, requires_grad):
        values = self._torch.tensor(self.parts.parameters, device=self.device)
        return values.requires_grad_(requires_grad)

    def terms(self):
        self._prepared()
        with self._torch.no_grad():
            totals = self._terms(self._leaf(False)).cpu().numpy()
        return dict(zip(QUANTITIES, (totals / len(self.samples)).tolist(), strict=True))

    def value_and_gradient(self):
        self._prepared()
        parameters = self._leaf(True)
        total = self._terms(parameters).sum()
        total.backward()
        gradient = parameters.grad.cpu().numpy() + 2.0 * self.prior() * self.parts.parameters
        count = len(self.samples)
        return float(total.detach()) / count + self.penalty(), gradient / count

    def products(self, sample, vectors):
        self._prepared()
        parameters, torch = self._leaf(False), self._torch
        batch, place = self._places[id(sample)]
        X, sites = batch["X"][place], sample.graph.n_sites
        weights = np.zeros((len(vectors), sites))
        rows = np.zeros((len(vectors), len(batch["labels"])))
        labels = batch["labels"].cpu().numpy()
        for k, (name, vector) in enumerate(vectors):
            if name == "energy":
                weights[k] = vector
                continue
            if name == "stress":
                vector = _twice_off_diagonal(_voigt(0.5 * (vector + vector.T)))
            rows[k, labels == list(QUANTITIES).index(name)] = np.ravel(vector)
        tensor = self._functions[0].tensor
        turns = (tensor(rows) @ batch["A"][place]).reshape(len(vectors), *X.shape)

        def contracted(values, weight, turn):
            energies, slopes = self._sites(values, X[None], _part(batch["sites"], place))
            return (weight * energies[0]).sum() + (turn * slopes[0]).sum()

        gradients = torch.func.vmap(torch.func.grad(contracted), in_dims=(None, 0, 0))
        return gradients(parameters, tensor(weights), turns).cpu().numpy()


def _rows(sample):
    """Return how many rows A has."""
    sizes = {"forces": 3 * sample.graph.n_atoms, "stress": 6, "magforces": 3 * sample.graph.n_atoms}
    return sum(size for name, size in sizes.items() if name in sample.targets)


def _vectors(arrays):
    """Return labels as flat vectors, virials in the order of Voigt."""
    out = {}
    for name in QUANTITIES:
        if name in arrays:
            value = np.asarray(arrays[name], dtype=float)
            if name == "stress":
                value = _voigt(value)
            out[name] = value.reshape(-1)
    return out


def _voigt(matrix):
    return np.array([matrix[place] for place in _VOIGT])


def _part(sites, place):
    return None if sites is None else [here[place : place + 1] for here in sites]


def _twice_off_diagonal(factors):
    return factors * np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])
