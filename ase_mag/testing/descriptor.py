"""The contract of a descriptor: forward, vjp and jvp."""

import numpy as np

from ase_mag.testing.comparison import assert_close, assert_identical
from ase_mag.testing.differences import derivative
from ase_mag.testing.structures import Structure, example, random_rotation


def check_descriptor(
    descriptor, atoms=None, *, rng=0, spin_rotation=True, rtol=1e-7, invariance=1e-11
):
    """Check the three products of a descriptor D(graph, moments).

    Needs: ``species``, ``cutoff``; ``forward(graph, moments)`` -> features (n_sites, n_features);
    ``vjp(graph, moments, cotangents, lattice=True)`` -> an object with ``moments`` (n_atoms, 3),
    ``pairs`` (n_pairs, 3) and ``radial`` (n_pairs,), the gradients of sum(cotangents * D) with the
    meaning of :class:`ase_mag.core.Gradients` (None means zero; without ``lattice`` neither pairs
    nor radial are needed); ``jvp(graph, moments, moment_tangents, pair_tangents)`` -> (n_sites,
    n_features), the derivative of D along tangents of the moments and of the pair vectors.

    Checked: shapes and finiteness; adjointness <c, jvp t> = <vjp c, t> to 1e-12; jvp against
    two-sided differences along random displacements; no change of inputs; invariance under joint
    rotation, under rotation of the moments alone and under permutation.

    Parameters
    ----------
    descriptor : the object described above.
    atoms : ase.Atoms, optional; see :func:`check_model`.
    rng : int; spin_rotation : bool, False where spin-orbit terms break it.
    rtol : float, bound of the differences; invariance : float, bound of invariances, both
        relative to the largest feature.
    """
    structure = Structure.of(example(descriptor.species, rng) if atoms is None else atoms)
    rng = np.random.default_rng(rng)
    graph = structure.graph(descriptor)
    moments = structure.moments.copy()
    features = descriptor.forward(graph, moments)
    if features.ndim != 2 or len(features) != len(structure) or features.dtype != float:
        raise AssertionError(
            f"forward must return a float array ({len(structure)}, n_features), got "
            f"{features.dtype} {features.shape}"
        )
    if not np.isfinite(features).all():
        raise AssertionError("features are not finite")
    assert_identical(moments, structure.moments, "the moments given to forward were changed")
    scale = {"rtol": invariance, "atol": invariance}
    rotation = random_rotation(rng)
    turned = structure.rotated(rotation)
    assert_close(_features(descriptor, turned), features, "features after joint rotation", **scale)
    if spin_rotation:
        turned = structure.rotated(rotation, lattice=False)
        what = "features after rotation of the moments"
        assert_close(_features(descriptor, turned), features, what, **scale)
    order = rng.permutation(len(structure))
    permuted = structure.changed(
        **{name: getattr(structure, name)[order] for name in ("numbers", "positions", "moments")}
    )
    what = "features after permutation"
    assert_close(_features(descriptor, permuted), features[order], what, **scale)
    _check_products(descriptor, structure, graph, features, rng, rtol)


def _features(descriptor, structure):
    return descriptor.forward(structure.graph(descriptor), structure.moments)


def _check_products(descriptor, structure, graph, features, rng, rtol):
    moments = structure.moments
    displacements = rng.normal(size=moments.shape)
    turns = rng.normal(size=moments.shape)
    pairs = displacements[graph.neighbors] - displacements[graph.centers]
    cotangents = rng.normal(size=features.shape)
    tangent = descriptor.jvp(graph, moments, turns, pairs)
    gradients = descriptor.vjp(graph, moments, cotangents)
    forward = (cotangents * tangent).sum()
    along = np.einsum("pc,pc->p", graph.vectors, pairs) / graph.distances
    back = sum(
        (value * direction).sum()
        for value, direction in (
            (gradients.moments, turns),
            (gradients.pairs, pairs),
            (getattr(gradients, "radial", None), along),
        )
        if value is not None
    )
    scale = np.abs(cotangents * tangent).sum()
    what = "adjointness <c, jvp t> against <vjp c, t>"
    assert_close(forward, back, what, atol=1e-12 * scale)
    if gradients.moments is not None:
        only = descriptor.vjp(graph, moments, cotangents, lattice=False).moments
        what = "moment gradients of vjp without the lattice"
        assert_close(only, gradients.moments, what, rtol=1e-12, atol=1e-14 * scale)

    def moved(x):
        return _features(
            descriptor,
            structure.changed(
                positions=structure.positions + x * displacements, moments=moments + x * turns
            ),
        )

    noise = 1e-10 * max(1.0, np.abs(features).max(initial=0.0))
    expected = derivative(moved, 1e-4)
    assert_close(tangent, expected, "jvp against differences of forward", rtol=rtol, atol=noise)
