"""Vector fields of OOMMF, version 2.0, text (Spirit, OOMMF, mumax)."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from ase_mag.core import get_moments, set_moments
from ase_mag.core.durable import replacing
from ase_mag.io.spirit.order import spirit_order
from ase_mag.io.text_file import TextFile

_HEAD = "# OOMMF OVF 2.0"


@dataclass
class OvfField:
    """One segment of an OVF file.

    Attributes
    ----------
    values : (n, dim) float array, x fastest, then y, then z.
    nodes : (3,) int array, points along x, y, z; None for an irregular mesh.
    points : (n, 3) float array, positions in units of ``unit``.
    unit : str, of the mesh. title, description : str. value_units : tuple of str.
    """

    values: np.ndarray
    nodes: np.ndarray | None
    points: np.ndarray
    unit: str = "unspecified"
    title: str = ""
    description: str = ""
    value_units: tuple = ()


def read_ovf(path, index=-1, *, atoms=None, repeat=None):
    """Read the segments of an OVF 2.0 file with text data.

    Parameters
    ----------
    path : path
    index : int or slice, of the segments.
    atoms : ase.Atoms with moments, optional; the sample that a file of Spirit belongs to. Its
        moments take the directions of the file and keep their sizes (OVF files of spins hold unit
        vectors).
    repeat : three int, with ``atoms``; the cells along a, b, c, if they are in the order of
        ``cell.repeat(repeat)`` (Spirit has another). Default: the order of the file.

    Returns
    -------
    OvfField, or ase.Atoms with ``atoms``; lists of them for a slice.

    Raises
    ------
    ValueError
        For lines that cannot be understood, naming file and line, binary data, files that are cut
        off; with ``atoms``, for another number of points, and vectors that are not of length 1
        or 0.
    IndexError
        If there is no such segment.
    """
    file = TextFile(path, errors="replace")
    if not file.lines or file.lines[0].strip() != _HEAD:
        raise ValueError(f"{path}, line 1: an OVF 2.0 file begins with {_HEAD!r}")
    fields = []
    declared = None
    while not file.ended():
        line = file.next_filled("a segment")
        key, value = _entry(line)
        if key == "segment count":
            declared = file.whole(value, "the segment count", least=1)
        elif (key, value) == ("begin", "segment"):
            fields.append(_segment(file))
    if not fields or (declared is not None and len(fields) != declared):
        raise ValueError(
            f"{path} has {len(fields)} segments, but should have {declared or 'some'}: the file is "
            "cut off"
        )
    if atoms is not None:
        fields = [_directed(path, field, atoms, repeat) for field in fields]
    return fields[index]


def _entry(line):
    """Return (key, value) of a line '# key: value  ## comment' in lower case, or (None, '')."""
    text = line.lstrip("# \t").partition("##")[0]
    key, colon, value = text.partition(":")
    return (key.strip().lower(), value.strip().lower()) if colon else (None, "")


def _segment(file):
    header = _header(file)
    dim = file.whole(header.get("valuedim", "none"), "valuedim", least=1)
    mesh = header.get("meshtype")
    if mesh == "rectangular":
        nodes = np.array(
            [file.whole(header.get(f"{k}nodes", "none"), f"{k}nodes", 1) for k in "xyz"]
        )
        count, columns = int(nodes.prod()), dim
    elif mesh == "irregular":
        nodes = None
        count = file.whole(header.get("pointcount", "none"), "pointcount", least=1)
        columns = dim + 3
    else:
        raise file.error(f"meshtype must be rectangular or irregular, got {mesh!r}")
    kind = _begin(file)
    rows = np.empty((count, columns))
    for k in range(count):
        line = file.next(f"point {k + 1} of {count}")
        words = line.replace(",", " ").split() if kind == "csv" else line.split()
        if len(words) > columns:
            raise file.error(f"point {k + 1} of {count} has more than {columns} numbers: {line!r}")
        rows[k] = file.numbers(words, columns, f"point {k + 1} of {count}")
    if _entry(file.next_filled("'# End: Data'")) != ("end", f"data {kind}"):
        raise file.error(f"expected '# End: Data {kind}' after {count} points")
    if _entry(_content(file, "'# End: Segment'")) != ("end", "segment"):
        raise file.error("expected '# End: Segment'")
    points = rows[:, :3] if nodes is None else _points(file, header, nodes)
    return OvfField(
        rows[:, columns - dim :],
        nodes,
        points,
        header.get("meshunit", "unspecified"),
        header.get("title", ""),
        header.get("desc", ""),
        tuple(header.get("valueunits", "").split()),
    )


def _content(file, what):
    """Return the next line that is more than a #."""
    while not (line := file.next_filled(what)).strip("# \t"):
        pass
    return line


def _header(file):
    if _entry(_content(file, "'# Begin: Header'")) != ("begin", "header"):
        raise file.error("expected '# Begin: Header'")
    header = {}
    while True:
        line = _content(file, "the header")
        key, value = _entry(line)
        if (key, value) == ("end", "header"):
            return header
        if key in ("title", "desc"):
            value = line.partition(":")[2].strip()
            header[key] = f"{header[key]} {value}" if key in header else value
        elif key is not None:
            header[key] = value


def _begin(file):
    line = _content(file, "'# Begin: Data Text'")
    key, value = _entry(line)
    if key != "begin" or not value.startswith("data"):
        raise file.error(f"expected '# Begin: Data Text', got {line!r}")
    kind = value.removeprefix("data").strip()
    if kind not in ("text", "csv"):
        raise file.error(f"data {kind} is not read: write the file as text (OVF 2.0, Data Text)")
    return kind


def _points(file, header, nodes):
    """Return the points of a rectangular mesh, (n, 3), x fastest."""
    axes = []
    for k, n in zip("xyz", nodes, strict=True):
        base, step = (header.get(f"{k}{name}", "0").split() for name in ("base", "stepsize"))
        axes.append(file.numbers(base, 1, f"{k}base") + np.arange(n) * file.numbers(step, 1, k))
    z, y, x = np.meshgrid(*axes[::-1], indexing="ij")
    return np.column_stack([x.ravel(), y.ravel(), z.ravel()])


def _directed(path, field, atoms, repeat):
    if field.values.shape != (len(atoms), 3):
        raise ValueError(
            f"{path} holds {len(field.values)} vectors of {field.values.shape[1]} components, but "
            f"there are {len(atoms)} atoms"
        )
    lengths = np.linalg.norm(field.values, axis=1)
    bad = np.flatnonzero((np.abs(lengths - 1) > 1e-3) & (lengths != 0))
    if len(bad):
        raise ValueError(
            f"{path}: vector {bad[0] + 1} has length {lengths[bad[0]]:g}: only files of unit "
            "vectors give directions of moments; read the field without atoms"
        )
    directions = np.empty((len(atoms), 3))
    directions[spirit_order(len(atoms), repeat)] = (
        field.values / np.where(lengths > 0, lengths, 1.0)[:, None]
    )
    result = atoms.copy()
    set_moments(result, np.linalg.norm(get_moments(atoms), axis=1)[:, None] * directions)
    return result


def write_ovf(path, images, *, repeat=None):
    """Write an OVF 2.0 file with text data.

    Parameters
    ----------
    path : path
    images : ase.Atoms with moments or OvfField, or a sequence of them; one segment each. Of atoms
        the directions of the moments are written (zeros for atoms without one).
    repeat : three int, the cells along a, b, c of atoms in the order of ``cell.repeat(repeat)``,
        which are written in Spirit's order. Default: the order of the atoms, as one row of points.

    Raises
    ------
    ValueError
        If ``repeat`` does not fit, or there is nothing to write.
    """
    images = [images] if isinstance(images, Atoms | OvfField) else list(images)
    if not images:
        raise ValueError("there are no images to write")
    fields = [_field(item, repeat) if isinstance(item, Atoms) else item for item in images]
    lines = [_HEAD, "#", f"# Segment count: {len(fields):06d}", "#"]
    for field in fields:
        lines += _segment_lines(field)
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _field(atoms, repeat):
    moments = get_moments(atoms)
    sizes = np.linalg.norm(moments, axis=1)
    values = moments / np.where(sizes > 0, sizes, 1.0)[:, None]
    order = spirit_order(len(atoms), repeat)
    repeat = np.array((1, 1, 1) if repeat is None else repeat)
    nodes = np.array([len(atoms) // repeat.prod() * repeat[0], repeat[1], repeat[2]])
    steps = 0.1 * atoms.cell.lengths() / repeat
    z, y, x = np.meshgrid(*(np.arange(n) for n in nodes[::-1]), indexing="ij")
    points = steps * np.column_stack([x.ravel(), y.ravel(), z.ravel()])
    return OvfField(values[order], nodes, points, "nm", "directions of moments", "", ("none",) * 3)


def _segment_lines(field):
    dim = field.values.shape[1]
    labels = (
        " ".join(f"spin_{k}" for k in "xyz")
        if dim == 3
        else " ".join(f"value_{k + 1}" for k in range(dim))
    )
    entries = [
        ("Title", field.title),
        ("Desc", field.description),
        ("valuedim", dim),
        ("valueunits", " ".join(field.value_units or ("none",) * dim)),
        ("valuelabels", labels),
        ("meshunit", field.unit),
    ]
    low, high = field.points.min(axis=0), field.points.max(axis=0)
    for name, values in (("min", low), ("max", high)):
        entries += [(f"{k}{name}", f"{v:.17g}") for k, v in zip("xyz", values, strict=True)]
    rows = field.values
    if field.nodes is None:
        entries += [("meshtype", "irregular"), ("pointcount", len(rows))]
        rows = np.hstack([field.points, rows])
    else:
        steps = (high - low) / np.maximum(field.nodes - 1, 1)
        entries += [("meshtype", "rectangular")]
        for name, values in (("base", low), ("stepsize", steps), ("nodes", field.nodes)):
            entries += [(f"{k}{name}", f"{v:.17g}") for k, v in zip("xyz", values, strict=True)]
    lines = ["# Begin: Segment", "# Begin: Header", "#"]
    lines += [f"# {key}: {value}" for key, value in entries]
    lines += ["#", "# End: Header", "#", "# Begin: Data Text"]
    lines += [" ".join(f"{x:.17g}" for x in row) for row in rows]
    return [*lines, "# End: Data Text", "# End: Segment", "#"]
