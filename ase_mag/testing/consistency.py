"""Rules of the Model interface: pure functions, equal answers on every path."""

import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ase_mag.core import PairGraph, Topology, get_threads, set_threads, storage, threads
from ase_mag.testing.comparison import (
    PARTS,
    assert_close,
    assert_identical,
    assert_responses,
)
from ase_mag.testing.structures import Structure, along


def check_response(model, atoms):
    """Check shapes and types of a response, and that all its numbers are finite.

    Parameters and errors are those of :func:`check_model`.
    """
    structure = Structure.of(atoms)
    n = len(structure)
    response = structure.response(model)
    shapes = {"energies": (n,), "magforces": (n, 3), "forces": (n, 3), "virials": (n, 3, 3)}
    for part, shape in shapes.items():
        value = getattr(response, part)
        if not isinstance(value, np.ndarray) or value.dtype != float or value.shape != shape:
            raise AssertionError(
                f"{part} must be a float array of shape {shape}, got "
                f"{type(value).__name__} of shape {np.shape(value)}"
            )
        if not np.isfinite(value).all():
            raise AssertionError(f"{part} are not finite: {value}")
    assert_close(response.energy, response.energies.sum(), "energy against the sum over sites")


def check_purity(model, atoms, *, rng=0):
    """Check that a model has no hidden state and changes none of its inputs.

    The same input gives the same bits after other structures were evaluated, on a fresh graph
    and on one whose cache was filled with other moments.

    Parameters and errors are those of :func:`check_model`.
    """
    structure = Structure.of(atoms)
    rng = np.random.default_rng(rng)
    graph = structure.graph(model)
    before = {name: getattr(graph, name).copy() for name in ("vectors", "distances", "neighbors")}
    moments = structure.moments.copy()
    first = model.evaluate(graph, moments)
    first_parts = {p: getattr(first, p).copy() for p in PARTS}
    assert_identical(moments, structure.moments, "the moments given to evaluate were changed")
    other = along(rng.normal(size=moments.shape), model.moment_axis)
    moved = rng.normal(scale=0.05, size=moments.shape) + structure.positions
    structure.changed(positions=moved, moments=other).response(model)
    reused = model.evaluate(graph, other)
    _assert_bits(first, first_parts, "an earlier response was overwritten by a later one")
    fresh = structure.changed(moments=other).response(model)
    what = "other moments on a used graph (hidden state, or moments in its cache?)"
    assert_responses(reused, fresh, what, identical=True)
    for name, value in before.items():
        assert_identical(getattr(graph, name), value, f"graph.{name} was changed by evaluate")
    again = model.evaluate(graph, moments)
    _assert_bits(again, first_parts, "second evaluation on the same graph (hidden state?)")
    again = structure.response(model)
    _assert_bits(again, first_parts, "second evaluation on a fresh graph (hidden state?)")


def _assert_bits(response, parts, what):
    for part, value in parts.items():
        assert_identical(getattr(response, part), value, f"{what}: {part}")


def check_lattice_flag(model, atoms, *, rtol=1e-12):
    """Check that lattice=False gives the same energies and magnetic forces, and no forces.

    Parameters and errors are those of :func:`check_model`.
    """
    structure = Structure.of(atoms)
    short = structure.response(model, lattice=False)
    full = structure.response(model)
    parts = ("energies", "magforces")
    assert_responses(short, full, "lattice=False against lattice=True", rtol=rtol, parts=parts)
    if short.forces is not None or short.virials is not None:
        raise AssertionError("lattice=False must return no forces and virials")


def check_zero_moments(model, atoms, *, time_reversal=True):
    """Check that M = 0 is a legal state: finite, and without magnetic forces by time reversal.

    Parameters and errors are those of :func:`check_model`.
    """
    structure = Structure.of(atoms)
    for what, moments in (
        ("all moments zero", np.zeros_like(structure.moments)),
        ("every second moment zero", structure.moments * (np.arange(len(structure)) % 2)[:, None]),
    ):
        response = structure.changed(moments=moments).response(model)
        for part in PARTS:
            if not np.isfinite(getattr(response, part)).all():
                raise AssertionError(f"{what}: {part} are not finite")
        if time_reversal and not moments.any():
            assert_close(response.magforces, moments, f"{what}: magforces")


def check_bilinear(model, atoms, *, rng=0, rtol=1e-12):
    """Check that ``bilinear(graph)``, if not None, and its ``merged()`` equal ``evaluate``.

    Parameters and errors are those of :func:`check_model`.
    """
    structure = Structure.of(atoms)
    graph = structure.graph(model)
    form = model.bilinear(graph)
    if form is None:
        return
    rng = np.random.default_rng(rng)
    for moments in (structure.moments, rng.normal(scale=2.0, size=structure.moments.shape)):
        expected = model.evaluate(graph, moments, lattice=False)
        for what, each in (("bilinear form", form), ("merged bilinear form", form.merged())):
            energies, magforces = each.evaluate(moments)
            assert_close(energies, expected.energies, f"{what}: energies", rtol=rtol, atol=rtol)
            assert_close(magforces, expected.magforces, f"{what}: magforces", rtol=rtol, atol=rtol)


def check_storage(model, atoms):
    """Check that a model that was saved and loaded returns identical bits.

    Parameters and errors are those of :func:`check_model`.
    """
    structure = Structure.of(atoms)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.npz")
        model.save(path)
        loaded, _ = storage.load(path)
    for name in ("species", "cutoff"):
        if getattr(loaded, name) != getattr(model, name):
            raise AssertionError(
                f"{name} is {getattr(loaded, name)!r} after loading, was {getattr(model, name)!r}"
            )
    assert_responses(
        structure.response(loaded), structure.response(model), "loaded model", identical=True
    )


def check_threads(model, atoms):
    """Check that one and two threads give identical bits (every loop is made parallel).

    Parameters and errors are those of :func:`check_model`.
    """
    structure = Structure.of(atoms)
    responses = []
    for n in (1, 2):
        with _threads(n):
            responses.append(structure.response(model))
    assert_responses(*responses, "one thread against two", identical=True)


def check_ghosts(model, atoms, *, rtol=1e-12):
    """Check the answers on a graph with ghosts: folded to their owners they equal periodic ones.

    Every periodic image becomes an atom of its own without energy, as in LAMMPS.

    Parameters and errors are those of :func:`check_model`.
    """
    structure = Structure.of(atoms)
    periodic = structure.graph(model)
    keys = np.column_stack([periodic.neighbors, periodic.topology.shifts])
    images, inverse = np.unique(keys[keys[:, 1:].any(axis=1)], axis=0, return_inverse=True)
    neighbors = periodic.neighbors.copy()
    neighbors[keys[:, 1:].any(axis=1)] = len(structure) + inverse.ravel()
    owners = np.concatenate([np.arange(len(structure)), images[:, 0]])
    positions = structure.positions[owners]
    positions[len(structure) :] += images[:, 1:] @ structure.cell
    topology = Topology.from_shifts(
        structure.numbers[owners], periodic.offsets, neighbors, np.zeros((len(neighbors), 3))
    )
    graph = PairGraph.from_topology(
        topology, positions, structure.cell, periodic.volume, periodic.cutoff
    )
    response = model.evaluate(graph, structure.moments[owners])
    for part in ("forces", "magforces"):
        folded = np.zeros((len(structure), 3))
        np.add.at(folded, owners, getattr(response, part))
        setattr(response, part, folded)
    expected = model.evaluate(periodic, structure.moments)
    assert_responses(response, expected, "ghost atoms folded to their owners", rtol=rtol)


@contextmanager
def _threads(n):
    """Use exactly ``n`` threads in every kernel, however small the work."""
    limit, worth = threads._limit, threads._WORTH_A_THREAD
    try:
        threads._WORTH_A_THREAD = 1
        set_threads(n)
        assert get_threads() == n
        yield
    finally:
        threads._limit, threads._WORTH_A_THREAD = limit, worth
