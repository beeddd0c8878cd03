"""exchange.out in the layout of TB2J, from a crystal and any bilinear model."""

import numpy as np

from ase_mag import units
from ase_mag.core import PairGraph, get_moments
from ase_mag.core.durable import replacing

#: Parts of tensors below this fraction of the largest are rounding.
_ZERO = 1e-12
_DOUBLE, _SINGLE = "=" * 90, "-" * 88


def write_tb2j(path, atoms, model):
    """Write the exchange of a model as ``exchange.out``.

    J_ij, the Dzyaloshinskii-Moriya vectors and the symmetric anisotropic exchange of the bilinear
    form, pair by pair in both orders, in meV of unit vectors that stand for the moments of
    ``atoms`` (see :func:`read_tb2j`), with 12 decimals instead of TB2J's four. Terms that depend on
    sizes only (Landau, lattice energies) are constants there and left out.

    Parameters
    ----------
    path : path of the file.
    atoms : ase.Atoms, the periodic cell, with moments; charges as in ``atoms``.
    model : Model with a bilinear form.

    Raises
    ------
    ValueError
        If the model has no bilinear form, or a field or an anisotropy, which the file has no place
        for; if the cell is not periodic in three directions; if atoms without moments are coupled.
    """
    if not atoms.pbc.all():
        raise ValueError(
            f"the file describes a crystal, but pbc is {atoms.pbc.tolist()}: use a cell with "
            "vacuum and pbc=True"
        )
    model.check_species(atoms.numbers)
    graph = PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, model.cutoff
    )
    form = model.bilinear(graph)
    if form is None:
        raise ValueError(
            f"{model!r} has no bilinear form, and the file holds bilinear exchange: write the "
            "exchange that the model has around a state (a linear fit), or leave the term out"
        )
    extra = {"field": form.field, "quadric": form.quadric, "cubic": form.cubic}
    found = [name for name, value in extra.items() if value is not None and np.any(value)]
    if found:
        raise ValueError(
            f"the model has on-site terms ({', '.join(found)}), fields or anisotropies, for which "
            "exchange.out has no place: leave them out, or use write_uppasd"
        )
    moments = get_moments(atoms)
    tensors = _unit_tensors(graph, form, np.linalg.norm(moments, axis=1))
    with replacing(path) as temporary:
        temporary.write_text(
            "\n".join([*_head(atoms, moments), *_lines(atoms, graph, tensors)]) + "\n",
            encoding="utf-8",
        )


def _unit_tensors(graph, form, sizes):
    """Return J of -sum_{i!=j} e_i.J.e_j of every pair, (n_pairs, 3, 3), meV."""
    tensors = np.zeros((graph.n_pairs, 3, 3)) if form.tensors is None else form.tensors.copy()
    if form.exchange is not None:
        tensors += form.exchange[:, None, None] * np.eye(3)
    i, j = graph.centers, graph.neighbors
    coupled = np.abs(tensors).max(axis=(1, 2), initial=0.0) > 0
    bare = coupled & (sizes[i] * sizes[j] == 0)
    if bare.any():
        pair = int(np.argmax(bare))
        raise ValueError(
            f"atoms {i[pair]} and {j[pair]} are coupled, but one of them has no moment, which unit "
            "vectors could stand for: give it one"
        )
    factor = units.exchange_factor("TB2J", "meV", (1.0, 1.0))
    return tensors * (sizes[i] * sizes[j])[:, None, None] / factor


def _head(atoms, moments):
    yield from [_DOUBLE, "Information: "]
    yield from ["Exchange parameters by ase_mag in the format of TB2J", "", _DOUBLE]
    yield "Cell (Angstrom):"
    yield from ("  ".join(f"{x:.12f}" for x in row) for row in atoms.cell.array)
    yield from ["", _DOUBLE, "Atoms:  "]
    yield "Atom_number   x   y   z   w_charge   M(x)   M(y)   M(z)"
    charges = atoms.get_initial_charges()
    table = np.column_stack([atoms.positions, charges, moments])
    for name, row in zip(_names(atoms), table, strict=True):
        yield f"{name:<12s}" + " ".join(f"{value:17.12f}" for value in row)
    total = [charges.sum(), *moments.sum(axis=0)]
    yield "Total       " + " " * 54 + " ".join(f"{value:17.12f}" for value in total)
    yield from ["", _DOUBLE, "Exchange: "]
    yield "    i      j          R        J_iso(meV)          vector          distance(A)"


def _names(atoms):
    """Return Fe1, Fe2, O1, ... of all atoms."""
    counts, names = {}, []
    for symbol in atoms.symbols:
        counts[symbol] = counts.get(symbol, 0) + 1
        names.append(f"{symbol}{counts[symbol]}")
    return names


def _lines(atoms, graph, tensors):
    odd = 0.5 * (tensors - tensors.transpose(0, 2, 1))
    means = np.trace(tensors, axis1=1, axis2=2) / 3
    even = tensors - odd - means[:, None, None] * np.eye(3)
    vectors = np.stack([odd[:, 1, 2], odd[:, 2, 0], odd[:, 0, 1]], axis=1)
    scale = _ZERO * np.abs(tensors).max(initial=0.0)
    with_vectors = np.abs(vectors).max(initial=0.0) > scale
    with_matrices = np.abs(even).max(initial=0.0) > scale
    names, shifts = _names(atoms), graph.topology.shifts
    for p in np.flatnonzero(np.abs(tensors).max(axis=(1, 2), initial=0.0) > scale):
        x, y, z = graph.vectors[p]
        a, b, c = shifts[p]
        yield _SINGLE
        yield (
            f"   {names[graph.centers[p]]:5s} {names[graph.neighbors[p]]:5s} "
            f"({a:3d}, {b:3d}, {c:3d}) {means[p]:.12f}   ({x:.6f}, {y:.6f}, {z:.6f}) "
            f"{graph.distances[p]:.6f} "
        )
        yield f"J_iso: {means[p]:.12f} "
        if with_vectors:
            yield "DMI: ({:.12f} {:.12f} {:.12f})".format(*vectors[p])
        if with_matrices:
            yield "J_ani:"
            for k, row in enumerate(even[p]):
                text = " ".join(f"{value:.12f}" for value in row)
                yield ("[[" if k == 0 else " [") + text + ("]]" if k == 2 else "]")
