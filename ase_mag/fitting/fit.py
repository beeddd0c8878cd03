"""Fitting the parameters of a model to a data set."""

import warnings
from time import monotonic

import numpy as np

from ase_mag.core import storage
from ase_mag.fitting.checkpoint import FitCheckpoint, data_digest
from ase_mag.fitting.dataset import Dataset, check_apart, transverse
from ase_mag.fitting.loss import Loss, check_weights
from ase_mag.fitting.metrics import compare
from ase_mag.fitting.minimize import FitRun, check_course, method_for
from ase_mag.fitting.report import FitReport
from ase_mag.fitting.samples import graph_bytes
from ase_mag.fitting.torch_loss import TorchLoss
from ase_mag.fitting.trainable import TrainableParts

#: The longitudinal share of magnetic forces of which models of directions warn.
_ALONG = 0.01


def fit(
    potential,
    train,
    weights=None,
    *,
    test=None,
    scaling="configuration",
    missing="skip",
    method="auto",
    max_iterations=1000,
    tolerance=1e-3,
    patience=None,
    ridge=0.0,
    workers=1,
    device=None,
    checkpoint=None,
    checkpoint_interval=60.0,
    restart=False,
    progress=True,
):
    """Fit a model to energies, forces, stresses and magnetic forces, in place.

    The loss is eq 8 of Kotykhov et al., arXiv:2405.07069 (2024), as a mean over configurations
    (:class:`ase_mag.fitting.loss.Loss`): energies of configurations (eV), virials = stress x volume
    (eV), forces (eV/angstrom), magnetic forces (eV/mu_B), all squared and summed over components.

    Parameters that enter linearly are solved for exactly, by least squares over a stream of
    frames; if there are others, these are found by BFGS with the gradient of ``parameter_vjp``.
    Models with scales or reference points of their own (:meth:`ase_mag.core.Trainable.prepare`)
    take them from the training frames before their first fit, and keep them in later ones.

    Parameters
    ----------
    potential : Trainable, or a sum with trainable terms; terms without parameters stay as they
        are, and what they say is subtracted.
    train : Dataset
    weights : dict from 'energy', 'forces', 'stress', 'magforces' to float, optional
        Labels that are not named have weight zero. Default: 1, 0.01, 0.001, 0.1 (those of the
        paper) for the labels that the data have.
    test : Dataset, optional; judged, and used for ``patience``.
    scaling : 'configuration' (eq 8) or 'atom' (terms of energy and virial divided by the number of
        atoms, for cells of different sizes).
    missing : 'skip' or 'error', whether every frame must have every weighted label.
    method : str
        'bfgs': BFGS in all parameters. Its inverse Hessian starts from the Gauss-Newton matrix,
        which random vectors estimate at the cost of a few gradients, and the linear parameters
        are solved for; both again after 10, 20, 30, 40, 50, 62, ... iterations.
        'projection': the same in the other parameters only, with the linear ones solved for at
        every point (variable projection: the gradient is that at the solution): fewer iterations,
        each of which takes several times as long. 'linear': the linear ones only. 'auto': 'linear'
        if there are no others, else 'bfgs'.
    max_iterations : int, steps of BFGS (of both parts, when a fit goes on).
    tolerance : float; stop when 20 iterations have lowered the loss by less than this fraction.
    patience : int, optional; stop after so many iterations without a lower test loss, and keep the
        parameters of the lowest. The test frames then take part in the fit: judge by others.
    ridge : float, see :func:`ase_mag.fitting.linear.solve_linear`.
    workers : int, threads that share the frames; results do not depend on it.
    device : 'auto', 'cpu', 'cuda' or None; not None: the network of a DescriptorModel, as the only
        term that is not held, is trained by torch on this device, in float64 and with the same
        steps but for rounding (:class:`ase_mag.fitting.torch_loss.TorchLoss`; extra ``torch``).
        'auto' is 'cuda' where there is one. Derivatives of all features stay in its memory.
    checkpoint : path or FitCheckpoint, optional; the state is kept there every
        ``checkpoint_interval`` seconds, when the fit is interrupted, and at the end.
    restart : bool; go on from the checkpoint if it exists, bit for bit as without interruption.
    progress : bool; False: no bar (there is none without a terminal either).

    Returns
    -------
    FitReport

    Raises
    ------
    TypeError
        For a model without parameters, data that are no Dataset, and with ``device`` trainable
        terms other than one DescriptorModel of perceptrons.
    ImportError
        With ``device``, without torch.
    ValueError
        For an empty set, labels that are weighted and not there, frames that the potential refuses
        (species, distances, moments), test frames that are training frames, a checkpoint of another
        fit, and arguments out of range. Messages name the frame.

    Warns
    -----
    UserWarning
        If a model of the directions of moments is fitted to magnetic forces with a part along
        the moments, the fitted parameters are not ones that the model could be made with (e.g. a
        Landau energy that is not bounded below), or the data do not determine all linear
        parameters.
    """
    start = monotonic()
    test = Dataset([]) if test is None else test
    _check_data(train, test)
    check_course(max_iterations, tolerance, patience, checkpoint, restart, len(test) > 0)
    weights = check_weights(weights, train, missing)
    parts = TrainableParts(potential)
    method = method_for(method, parts)
    loss = _loss(parts, train, weights, scaling, workers, device)
    _check_directional(parts, loss.samples)
    parts.prepare([(sample.graph, sample.moments) for sample in loss.samples])
    test_loss = None
    if len(test):
        test_loss = _loss(parts, test, weights, scaling, workers, device, prior=False)
    identity = {
        "train": data_digest(train),
        "test": data_digest(test),
        "weights": weights,
        "scaling": scaling,
        "method": method,
        "ridge": ridge,
        "model": parts.structure(),
    }
    kept = None if checkpoint is None else FitCheckpoint.of(checkpoint, identity)
    run = FitRun(loss, test_loss, method, ridge, kept, checkpoint_interval)
    before = parts.parameters
    try:
        run.run(
            max_iterations=max_iterations,
            tolerance=tolerance,
            patience=patience,
            restart=restart,
            progress=progress,
        )
    except FloatingPointError as error:
        parts.parameters = before
        raise ValueError(f"{error}; start from other parameters") from error
    except Exception:
        parts.parameters = before
        raise
    _check_result(potential)
    _check_rank(run.linear)
    history = np.array(run.history, dtype=float).reshape(-1, 2)
    return FitReport(
        train=compare(potential, train),
        test=compare(potential, test) if len(test) else {},
        n_train=len(train),
        n_test=len(test),
        weights=weights,
        scaling=scaling,
        loss=loss.value(),
        test_loss=float("nan") if test_loss is None else test_loss.value(),
        history=history,
        stopped=run.stopped,
        iterations=run.iteration,
        evaluations=run.evaluations,
        n_parameters=parts.n_parameters,
        linear=run.linear,
        seconds=run.seconds + monotonic() - start,
        graph_bytes=graph_bytes(loss.samples),
        references=train.references,
    )


def _loss(parts, data, weights, scaling, workers, device, prior=True):
    if device is None:
        return Loss(parts, data, weights, scaling, workers, prior)
    return TorchLoss(parts, data, weights, scaling, workers, prior, device=device)


def _check_rank(linear):
    """Warn if the data have left linear parameters open."""
    if linear is not None and linear.rank < linear.n_linear:
        warnings.warn(
            f"the data determine {linear.rank} of {linear.n_linear} linear parameters; of the "
            "others, the smallest values are taken: weight more labels, add frames (do all species "
            "appear?), or make the potential smaller",
            UserWarning,
            stacklevel=3,
        )


def _check_directional(parts, samples):
    """Warn if the parameters cannot describe the part of magnetic forces along the moments."""
    if not all(term.directional for term in parts.terms):
        return
    along = total = 0.0
    for sample in samples:
        if "magforces" in sample.targets:
            fields = sample.targets["magforces"]
            rest = np.nan_to_num(transverse(fields, sample.moments))
            total += np.sum(sample.factors["magforces"] * fields**2)
            along += np.sum(sample.factors["magforces"] * (fields - rest) ** 2)
    if along > _ALONG**2 * total:
        warnings.warn(
            f"{np.sqrt(along / total):.2g} of the size of the magnetic forces is along the "
            f"moments, which {parts.terms[0]!r} does not describe, because it depends on "
            "directions only: it stays in all errors. Fit to data.perpendicular(), or add a model "
            "of the sizes (e.g. models.Landau)",
            UserWarning,
            stacklevel=3,
        )


def _check_data(train, test):
    for name, data in (("train", train), ("test", test)):
        if not isinstance(data, Dataset):
            raise TypeError(
                f"{name} must be a Dataset, got {type(data).__name__}: use fitting.read(...)"
            )
    if not len(train):
        raise ValueError("the training data are empty: there is nothing to fit to")
    if len(test) and train.references != test.references:
        raise ValueError(
            f"training and test data have other atomic references ({train.references} and "
            f"{test.references}): subtract the same, test.relative_to(train.references)"
        )
    check_apart(train, test)


def _check_result(potential):
    """Warn if the model could not be made again from its present parameters."""
    arrays = {}
    try:
        description = storage.encode(potential, arrays)
    except TypeError:
        return  # a model that cannot be saved at all
    try:
        storage.decode(description, arrays)
    except ValueError as error:
        warnings.warn(
            f"the fitted model is not one that can be made, saved and loaded: {error}",
            UserWarning,
            stacklevel=3,
        )
