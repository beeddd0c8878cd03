"""Input folders for UppASD from a crystal and any bilinear model."""

from pathlib import Path

import numpy as np
from ase import units as ase_units

from ase_mag import units
from ase_mag.core import PairGraph, get_moments
from ase_mag.core.durable import replacing
from ase_mag.core.model import Sum
from ase_mag.io.uppasd.moments import write_uppasd_restart
from ase_mag.models import CubicAnisotropy, UniaxialAnisotropy

_MRY = units.energy_unit("mRy")
#: Parts of tensors and matrices below this fraction of the largest are rounding.
_ZERO = 1e-12


def write_uppasd(
    folder,
    cell,
    model,
    *,
    repeat=(1, 1, 1),
    simid="ase_mag",
    temperature_K=300.0,
    timestep=0.1 * ase_units.fs,
    damping=0.1,
    steps=10_000,
    mode="S",
    moments=None,
    alat=None,
    keywords=None,
):
    """Write inpsd.dat, posfile, momfile, jfile (and dmfile, kfile) for a crystal.

    The bilinear form of the model on the cell is written pair by pair (``sym 0``, ``maptype 2``),
    every site as a type of its own, for moments of the sizes in ``cell``; terms that depend on
    sizes only (Landau, lattice energies) are constants there and left out. Energies of directions
    are those of the model to the 15 digits of the files: :func:`read_uppasd` reads them back.

    Parameters
    ----------
    folder : path, made if needed; files of these names are replaced.
    cell : ase.Atoms with moments, the unit cell of the crystal (any cell is one).
    model : Model with a bilinear form; fourth-order uniaxial anisotropy is allowed beside it.
    repeat : three int, ``ncell``.
    simid : str of at most 8 characters.
    temperature_K, damping : float. timestep : float, ASE time. steps : int. mode : str.
    moments : (N, 3) float array, mu_B, optional; of all atoms in UppASD's order (sites first, then
        x, y, z), written as a restart file; default: those of ``cell``, in every cell.
    alat : float, angstrom, unit of lengths in the files; default: the longest cell vector (or 1).
    keywords : dict from keyword to str, optional; more lines of inpsd.dat, or other values.

    Raises
    ------
    ValueError
        If the model has no bilinear form, an anisotropy that UppASD has no form for, fields that
        differ between sites, a moment of zero, or a simid that is too long.
    """
    folder = Path(folder)
    if not 1 <= len(simid) <= 8 or len(simid.split()) != 1:
        raise ValueError(f"simid must be one word of at most 8 characters, got {simid!r}")
    model.check_species(cell.numbers)
    vectors = get_moments(cell)
    sizes = np.linalg.norm(vectors, axis=1)
    if not (sizes > 0).all():
        raise ValueError(
            f"atom {int(sizes.argmin())} has no moment, but UppASD's Hamiltonian is one of unit "
            "vectors that stand for a size: give it one, or leave the atom out"
        )
    alat = alat if alat is not None else float(max(cell.cell.lengths().max(), 0.0)) or 1.0
    terms, anisotropies = _parted(model)
    graph = PairGraph.build(cell.positions, cell.cell.array, cell.pbc, cell.numbers, model.cutoff)
    form = None if terms is None else terms.bilinear(graph)
    if terms is not None and form is None:
        raise ValueError(
            f"{terms!r} has no bilinear form, and UppASD's Hamiltonian is bilinear: write the "
            "exchange that it has around a state (a linear fit, or TB2J), or leave the term out"
        )
    files = {
        "posfile": _table(_places(cell, alat)),
        "momfile": _table(
            f"{k} 1 {_digits(size, *vector / size)}"
            for k, (size, vector) in enumerate(zip(sizes, vectors, strict=True), start=1)
        ),
    }
    lines = {
        "simid": simid,
        "ncell": " ".join(str(int(n)) for n in repeat),
        "bc": " ".join("P" if p else "0" for p in cell.pbc),
        "cell": "\n      ".join(_digits(*row / alat) for row in cell.cell.array),
        "sym": "0",
        "maptype": "2",
        # Without it an atom that is a neighbor twice, across a small box, counts once.
        "map_multiple": "T",
        "alat": _digits(alat * 1e-10),
        "posfile": "./posfile",
        "momfile": "./momfile",
        "initmag": "3",
    }
    if form is not None:
        exchange, dm, tensorial = _couplings(graph, form, sizes)
        lines |= {"exchange": "./jfile"} | (
            {"do_jtensor": "1", "calc_jtensor": "F"} if tensorial else {}
        )
        files["jfile"] = _table(exchange)
        if dm:
            lines["dm"], files["dmfile"] = "./dmfile", _table(dm)
        field = np.zeros((1, 3)) if form.field is None else form.field / units.tesla
        if np.abs(field - field[0]).max() > 1e-9:
            raise ValueError("the external field differs between sites, but hfield is one vector")
        if field.any():
            lines["hfield"] = _digits(*field[0])
    kfile = _anisotropy_lines(cell, form, anisotropies, sizes)
    if kfile:
        lines["anisotropy"], files["kfile"] = "./kfile", _table(kfile)
    if moments is not None:
        lines |= {"initmag": "4", "restartfile": "./restart.dat"}
    lines |= {
        "mode": mode,
        "temp": _digits(temperature_K),
        "damping": _digits(damping),
        ("mcnstep" if mode in "MH" else "nstep"): str(int(steps)),
        "timestep": _digits(timestep / ase_units.s),
    } | {key.lower(): str(value) for key, value in (keywords or {}).items()}
    files["inpsd.dat"] = "".join(f"{key:<12} {value}\n" for key, value in lines.items())
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        with replacing(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    if moments is not None:
        write_uppasd_restart(folder / "restart.dat", moments)


def _digits(*numbers):
    return " ".join(f"{x:.15e}" for x in numbers)


def _table(lines):
    return "".join(f"{line}\n" for line in lines)


def _places(cell, alat):
    for k, position in enumerate(cell.positions / alat, start=1):
        yield f"{k} {k} {_digits(*position)}"


def _parted(model):
    """Return the terms with a bilinear form as a sum (or None), and the anisotropies."""
    terms = model.terms if type(model) is Sum else (model,)
    special = [t for t in terms if isinstance(t, UniaxialAnisotropy | CubicAnisotropy)]
    others = [t for t in terms if t not in special]
    return (Sum(others) if others else None), special


def _couplings(graph, form, sizes):
    """Return lines of the exchange file and of the file of D vectors, and whether J is a tensor."""
    n = graph.n_pairs
    tensors = np.zeros((n, 3, 3)) if form.tensors is None else form.tensors.copy()
    if form.exchange is not None:
        tensors += form.exchange[:, None, None] * np.eye(3)
    i, j = graph.centers, graph.neighbors
    tensors *= (sizes[i] * sizes[j] / (2 * _MRY))[:, None, None]
    scale = _ZERO * np.abs(tensors).max(initial=0.0)
    odd = 0.5 * (tensors - tensors.transpose(0, 2, 1))
    even = tensors - odd
    mean = np.trace(even, axis1=1, axis2=2) / 3
    tensorial = bool(np.abs(even - mean[:, None, None] * np.eye(3)).max(initial=0.0) > scale)
    heads = [
        f"{a + 1} {b + 1} {x} {y} {z}"
        for a, b, (x, y, z) in zip(i, j, graph.topology.shifts, strict=True)
    ]
    if tensorial:
        kept = np.flatnonzero(np.abs(tensors).max(axis=(1, 2)) > scale)
        return [f"{heads[p]} {_digits(*tensors[p].ravel())}" for p in kept], [], True
    exchange = [f"{heads[p]} {_digits(mean[p])}" for p in np.flatnonzero(np.abs(mean) > scale)]
    vectors = np.stack([odd[:, 1, 2], odd[:, 2, 0], odd[:, 0, 1]], axis=1)
    kept = np.flatnonzero(np.abs(vectors).max(axis=1, initial=0.0) > scale)
    if not exchange:
        exchange = [f"1 1 1 0 0 {_digits(0.0)}"]
    return exchange, [f"{heads[p]} {_digits(*vectors[p])}" for p in kept], False


def _anisotropy_lines(cell, form, anisotropies, sizes):
    if form is not None and (form.quadric is not None or form.cubic is not None):
        raise ValueError(
            "an on-site anisotropy that is neither UniaxialAnisotropy nor CubicAnisotropy cannot "
            "be written: UppASD has these two forms"
        )
    if not anisotropies:
        return []
    found = [[0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0] for _ in cell]
    for term in anisotropies:
        uniaxial = isinstance(term, UniaxialAnisotropy)
        if not uniaxial and not np.allclose(np.abs(term.axes).max(axis=1), 1.0):
            raise ValueError("UppASD's cubic anisotropy has the axes x, y, z; this one is turned")
        for k, symbol in enumerate(cell.symbols):
            if symbol not in term.species:
                continue
            if found[k][0]:
                raise ValueError(f"atom {k} has two anisotropies: UppASD takes one")
            x = sizes[k] / term.moment
            if uniaxial:
                fourth = term.fourth * x**4
                first = -term.constant * x**2 - 2 * fourth / sizes[k] ** 2
                values = (1, first, fourth, *term.axis)
            else:
                values = (2, -term.k1 * x**4, -term.k2 * x**6, 0.0, 0.0, 1.0)
            sort, k1, k2, *axis = values
            found[k] = [sort, k1 / _MRY, k2 / _MRY, *axis, 0.0]
    return [f"{k} {sort} {_digits(*rest)}" for k, (sort, *rest) in enumerate(found, start=1)]
