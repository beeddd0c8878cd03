"""The sum of weighted squared differences that a fit makes small."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ase_mag.core import Response
from ase_mag.fitting.labels import QUANTITIES
from ase_mag.fitting.samples import SCALINGS, make_samples, predictions

#: Frames whose contributions are added up first; the same for every number of workers.
CHUNK = 16
#: Relative differences below this are rounding errors.
_EXACT = 1e-13
#: Weights of Kotykhov et al. (2024), Sec. 2.2: 1, A^2, 1 (of the virial in eV), mu_B^2.
DEFAULT_WEIGHTS = {"energy": 1.0, "forces": 0.01, "stress": 0.001, "magforces": 0.1}


def check_weights(weights, data, missing="skip"):
    """Return the weights of all labels, a dict, after checking them against the data.

    Raises
    ------
    ValueError
        For unknown labels, weights that are negative or all zero, weighted labels that no frame
        has or where all frames have weight zero, and with ``missing='error'`` frames that lack a
        weighted label.
    """
    if missing not in ("skip", "error"):
        raise ValueError(f"missing must be 'skip' or 'error', got {missing!r}")
    given = DEFAULT_WEIGHTS if weights is None else dict(weights)
    unknown = [name for name in given if name not in QUANTITIES]
    if unknown:
        raise ValueError(
            f"weights name {', '.join(map(repr, unknown))}; labels are {', '.join(QUANTITIES)}"
        )
    for name, weight in given.items():
        if not (np.isfinite(weight) and weight >= 0):
            raise ValueError(f"the weight of {name} must not be negative, got {weight!r}")
    out = {}
    for name in QUANTITIES:
        weight = float(given.get(name, 0.0))
        lacking = [frame for frame in data if not frame.has(name)]
        counts = any(frame.has(name) and frame.weight_of(name) > 0 for frame in data)
        if weight == 0 or (weights is None and not counts):
            out[name] = 0.0
            continue
        if len(lacking) == len(data) or (lacking and missing == "error"):
            raise ValueError(
                f"the weight of {name} is {weight:g}, but {len(lacking)} of {len(data)} frames "
                f"have no {name}, the first is {lacking[0].where}: set weights={{'{name}': 0}}, "
                "add the labels (or name them with keys=... in fitting.read)"
                + (", or pass missing='skip'" if missing == "error" else "")
            )
        out[name] = weight
        if not counts:
            raise ValueError(
                f"the weight of {name} is {weight:g}, but all frames with {name} have weight zero: "
                f"give frames a weight (data.reweighted), or set weights={{'{name}': 0}}"
            )
    if not any(out.values()):
        raise ValueError(
            f"all weights of labels or frames are zero, or the data have none of "
            f"{', '.join(QUANTITIES)}"
        )
    return out


class Loss:
    """L = 1/K sum_k w_k [w_e (E - E')^2 + w_f sum_i |F_i - F_i'|^2 + w_s sum_ab (W - W')_ab^2
    + w_t sum_i |B_i - B_i'|^2] + 1/K sum_k lambda_k p_k^2, the mean over K frames of the terms of
    eq 8 of Kotykhov et al., arXiv:2405.07069 (2024), and the prior of models that have one.

    E: energy of the configuration (eV), F: forces (eV/angstrom), W = stress x volume: virial (eV),
    all nine components, B: magnetic forces (eV/mu_B), primed: labels, w_k: weight of the frame.
    The paper gives w_e and w_s without unit, w_f in angstrom^2 and w_t in mu_B^2, so that L is in
    eV^2 and its stress is the virial. With ``scaling='atom'`` the terms of energy and virial are
    divided by the number of atoms, so that large and small cells count alike.

    lambda: precisions of the parameters p (:attr:`ase_mag.core.Trainable.prior`, mostly zero), so
    that with weights 1/variance the loss is lowest where the posterior probability of the
    parameters is highest.

    Parameters
    ----------
    parts : TrainableParts
    data : Dataset
    weights : dict from label to float, all four.
    scaling : 'configuration' or 'atom'.
    workers : int, threads that share the frames. Results do not depend on it.
    prior : bool; False: without the term of the prior, as for test data.
    """

    def __init__(self, parts, data, weights, scaling="configuration", workers=1, prior=True):
        if scaling not in SCALINGS:
            raise ValueError(f"scaling must be {' or '.join(map(repr, SCALINGS))}, got {scaling!r}")
        if int(workers) != workers or workers < 1:
            raise ValueError(f"workers must be a positive integer, got {workers!r}")
        self.parts, self.workers, self.has_prior = parts, int(workers), bool(prior)
        self.samples = list(make_samples(data, parts.potential, weights, scaling))
        self.lattice = weights["forces"] > 0 or weights["stress"] > 0
        self.chunks = [
            self.samples[start : start + CHUNK] for start in range(0, len(self.samples), CHUNK)
        ]

    def rounding(self):
        """Return the loss, eV^2, below which differences are rounding errors of the labels."""
        size = sum(
            np.sum(sample.factors[name] * target**2)
            for sample in self.samples
            for name, target in sample.targets.items()
        )
        return float(size) / len(self.samples) * _EXACT**2

    def over_chunks(self, function):
        """Yield function(chunk) in the order of the chunks, computed by all workers."""
        if self.workers == 1:
            yield from map(function, self.chunks)
            return
        with ThreadPoolExecutor(self.workers) as pool:
            running = deque()  # few at a time: what is finished waits in memory
            for chunk in self.chunks:
                running.append(pool.submit(function, chunk))
                if len(running) > 2 * self.workers:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()

    def terms(self):
        """Return the terms of the four labels at the present parameters, a dict."""
        totals = np.zeros(len(QUANTITIES))
        for part in self.over_chunks(lambda chunk: self._chunk(chunk, gradient=False)[0]):
            totals += part
        return dict(zip(QUANTITIES, (totals / len(self.samples)).tolist(), strict=True))

    def value(self):
        """Return L at the present parameters, eV^2."""
        return sum(self.terms().values()) + self.penalty()

    def prior(self):
        """Return the precisions lambda of all parameters, (n_parameters,)."""
        return self.parts.prior if self.has_prior else np.zeros(self.parts.n_parameters)

    def penalty(self):
        """Return 1/K sum_k lambda_k p_k^2 at the present parameters, eV^2."""
        return float(self.prior() @ self.parts.parameters**2) / len(self.samples)

    def value_and_gradient(self):
        """Return L and dL/d parameters at the present parameters."""
        totals, gradient = np.zeros(len(QUANTITIES)), np.zeros(self.parts.n_parameters)
        for terms, slope in self.over_chunks(lambda chunk: self._chunk(chunk, gradient=True)):
            totals += terms
            gradient += slope
        gradient += 2.0 * self.prior() * self.parts.parameters
        count = len(self.samples)
        return sum((totals / count).tolist()) + self.penalty(), gradient / count

    def response(self, sample):
        """Return the Response of the potential to the frame of a sample."""
        try:
            return self.parts.potential.evaluate(sample.graph, sample.moments, lattice=self.lattice)
        except ValueError as error:
            raise ValueError(f"{sample.frame.where}: {error}") from error

    def differences(self, sample):
        """Return potential minus label, a dict of arrays; virials instead of stresses."""
        found = predictions(self.response(sample), sample.targets)
        return {name: found[name] - target for name, target in sample.targets.items()}

    def products(self, sample, vectors):
        """Return J^T v of one frame for every v, (n_vectors, n_parameters).

        J is the derivative of all predictions by the parameters.

        Parameters
        ----------
        sample : Sample; vectors : list of (label, array of the shape of its target).
        """
        rows = []
        sites = sample.graph.n_sites
        for name, vector in vectors:
            weights = Response(None, None)
            if name == "energy":
                weights.energies = np.full(sites, vector)
            elif name == "stress":
                weights.virials = np.tile(0.5 * (vector + vector.T), (sites, 1, 1))
            else:
                setattr(weights, name, vector)
            rows.append(self.parts.parameter_vjp(sample.graph, sample.moments, weights))
        return np.array(rows).reshape(-1, self.parts.n_parameters)

    def _chunk(self, chunk, gradient):
        terms, slope = np.zeros(len(QUANTITIES)), np.zeros(self.parts.n_parameters)
        for sample in chunk:
            differences = self.differences(sample)
            for k, name in enumerate(QUANTITIES):
                if name in differences:
                    terms[k] += np.sum(sample.factors[name] * differences[name] ** 2)
            if gradient and differences:
                cotangents = _cotangents(sample, differences)
                slope += self.parts.parameter_vjp(sample.graph, sample.moments, cotangents)
        return terms, slope


def _cotangents(sample, differences):
    """Return dL/d(response) of one frame, a Response."""
    slopes = {name: 2.0 * sample.factors[name] * d for name, d in differences.items()}
    sites = sample.graph.n_sites
    energies = np.full(sites, slopes["energy"]) if "energy" in slopes else None
    virials = slopes.get("stress")
    if virials is not None:
        virials = np.tile(virials, (sites, 1, 1))
    return Response(energies, slopes.get("magforces"), slopes.get("forces"), virials)
