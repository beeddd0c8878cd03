"""The contract of a trainable model."""

import numpy as np

from ase_mag.core import Response
from ase_mag.testing.comparison import PARTS, assert_close, assert_identical
from ase_mag.testing.differences import derivative
from ase_mag.testing.structures import Structure, example


def check_trainable(model, atoms=None, *, rng=0, step=1e-4, rtol=1e-6):
    """Check ``parameters`` and ``parameter_vjp`` of a :class:`ase_mag.core.Trainable`.

    Needs: ``parameters``, a flat float64 array that is a copy and can be assigned;
    ``parameter_vjp(graph, moments, weights)`` = d<weights, response>/d(parameters) with a
    Response of random cotangents. It is compared with two-sided differences of fourth order, for
    all parts together and for each part alone (other cotangents None). ``design`` must give the
    response of random linear parameters to rounding, and ``energy_design`` its energies. The
    parameters of ``model`` are the same afterwards.

    Parameters
    ----------
    model : Trainable
    atoms : ase.Atoms, optional; see :func:`check_model`.
    rng : int; step : float, step in every parameter; rtol : float, relative to the largest entry.
    """
    if atoms is None:
        atoms = example(model.species, rng, axis=model.moment_axis)
    structure = Structure.of(atoms)
    rng = np.random.default_rng(rng)
    graph = structure.graph(model)
    start = model.parameters
    _check_parameters(model, start)
    reference = model.evaluate(graph, structure.moments)
    random = {part: rng.normal(size=getattr(reference, part).shape) for part in PARTS}

    def responses(x, index):
        parameters = start.copy()
        parameters[index] += x
        model.parameters = parameters
        response = structure.response(model)
        return np.array([(random[part] * getattr(response, part)).sum() for part in PARTS])

    slopes = np.array(
        [derivative(lambda x, i=i: responses(x, i), step) for i in range(len(start))]
    ).reshape(-1, len(PARTS))
    model.parameters = start
    noise = 1e3 * np.finfo(float).eps / step
    for what, chosen in [("all parts", PARTS), *((part, (part,)) for part in PARTS)]:
        weights = Response(**{"energies": None, "magforces": None} | {p: random[p] for p in chosen})
        actual = model.parameter_vjp(graph, structure.moments, weights)
        expected = sum(slopes[:, PARTS.index(part)] for part in chosen)
        scale = max(1.0, np.abs(expected).max(initial=0.0))
        what = f"parameter_vjp ({what}) against differences"
        assert_close(actual, expected, what, rtol=rtol, atol=noise * scale)
    assert_identical(model.parameters, start, "parameters after parameter_vjp")
    _check_design(model, structure, graph, rng)


def _check_design(model, structure, graph, rng, rtol=1e-10):
    """Response of random linear parameters = response without them + their sum over the design."""
    start, linear = model.parameters, model.linear
    if not (isinstance(linear, np.ndarray) and linear.ndim == 1 and linear.dtype == np.intp):
        raise AssertionError(f"linear must be an array of indices (intp), got {linear!r}")
    if len(np.unique(linear)) != len(linear) or (len(linear) and linear.max() >= len(start)):
        raise AssertionError(
            f"linear must hold different indices below {len(start)}, got {linear.tolist()}"
        )
    design = model.design(graph, structure.moments)
    if len(linear):
        energies = model.energy_design(graph, structure.moments)
        scale = 1e-14 * np.abs(design.energies).max(initial=0.0)
        assert_close(energies, design.energies, "energy_design", rtol=1e-12, atol=scale)
    assert_identical(model.parameters, start, "parameters after design")
    if not len(linear):
        return
    values = rng.normal(size=len(linear)) * max(1.0, np.abs(start[linear]).max())
    responses = []
    for chosen in (np.zeros(len(linear)), values):
        parameters = start.copy()
        parameters[linear] = chosen
        model.parameters = parameters
        responses.append(model.evaluate(graph, structure.moments))
    model.parameters = start
    for part in PARTS:
        origin, expected = (getattr(response, part) for response in responses)
        actual = origin + np.tensordot(values, getattr(design, part), axes=1)
        scale = np.abs(values) @ np.abs(getattr(design, part)).reshape(len(linear), -1).max(axis=1)
        what = f"{part} of random linear parameters from the design"
        assert_close(actual, expected, what, rtol=rtol, atol=1e-14 * scale)


def _check_parameters(model, start):
    if not (isinstance(start, np.ndarray) and start.ndim == 1 and start.dtype == float):
        raise AssertionError(f"parameters must be a flat float64 array, got {start!r}")
    kept = start.copy()
    start += 1.0
    assert_identical(model.parameters, kept, "parameters must be a copy: writing to it")
    start -= 1.0
    start[:] = kept
    model.parameters = kept
    assert_identical(model.parameters, kept, "parameters after assigning them")
    try:
        model.parameters = np.append(kept, 0.0)
    except ValueError:
        return
    raise AssertionError(
        f"assigning {len(kept) + 1} parameters to a model of {len(kept)} must raise ValueError"
    )
