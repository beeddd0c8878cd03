"""Parameter files of moment tensor potentials (``.mtp``, ``.almtp``), with and without magnetism.

A file holds one ``key = value`` per line after the first line ``MTP``, lists in braces, and the
radial coefficients of every ordered pair of species below ``radial_coeffs``: one row for each
radial function, over the Chebyshev polynomials of r; with a magnetic basis of size N over
(zeta N + beta) N + gamma. ``scaling`` multiplies the radial functions. What MLIP-3 appends for
active learning (from ``#MVS`` on) is not read. Names of the basis's keys differ between programs:
min_dist, min and min_val, and so on.
"""

import re
from pathlib import Path

import numpy as np

from ase_mag.models.moment_tensor_basis import MomentTensorBasis
from ase_mag.models.moment_tensor_potential import MomentTensorPotential

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_PAIR = re.compile(r"\s*(\d+)\s*-\s*(\d+)\s*")
_KEY = re.compile(r"\s*(\w+)\s*=\s*(.*)")
#: Names of the same thing in different programs.
_MEANING = {
    "min_dist": "radial min",
    "max_dist": "radial max",
    "radial_basis_size": "radial size",
    "min_mag": "magnetic min",
    "max_mag": "magnetic max",
    "mag_basis_size": "magnetic size",
    "magnetic_basis_size": "magnetic size",
}
_SHARED = {"min": "min", "max": "max", "size": "size"} | {
    "min_val": "min",
    "max_val": "max",
    "basis_size": "size",
}


def read_mtp(path, species, *, axis=(0.0, 0.0, 1.0), extrapolate=False, rng=0):
    """Read a moment tensor potential from a file of MLIP-2, MLIP-3 or motep.

    Files without magnetic basis give a potential that does not read the moments; those with one
    are magnetic potentials with E = 1/2 [V(M) + V(-M)]. Untrained files give fresh parameters.

    Parameters
    ----------
    path : str or Path
    species : str or tuple of str, the symbols of the file's species 0, 1, ...
    axis, extrapolate, rng : see :class:`MomentTensorPotential`.

    Returns
    -------
    MomentTensorPotential

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If the file is no such file or incomplete, has another radial basis than RBChebyshev,
        an interval of the moments that is not symmetric, or another number of species.
    """
    path = Path(path)
    values, radial, order = _parse(path)

    def value(key):
        if key not in values:
            raise ValueError(f"{path} has no {key!r}: the file is incomplete")
        return values[key]

    def numbers(key, columns=1):
        found = [float(number) for number in _NUMBER.findall(value(key))]
        if len(found) % columns:
            raise ValueError(f"{path}: {key} must have rows of {columns} numbers")
        return found

    def number(key):
        found = numbers(key)
        if len(found) != 1:
            raise ValueError(f"{path}: {key} must be one number, got {value(key)!r}")
        return found[0]

    symbols = (species,) if isinstance(species, str) else tuple(species)
    if int(number("species_count")) != len(symbols):
        raise ValueError(
            f"{path} describes {int(number('species_count'))} species, but {len(symbols)} were "
            f"given ({', '.join(symbols)}): name all of them, in the order of the file"
        )
    if value("radial_basis_type") != "RBChebyshev":
        raise ValueError(
            f"{path} has the radial basis {value('radial_basis_type')!r}; only RBChebyshev, "
            "Chebyshev polynomials times (R - r)^2, is supported"
        )
    basis = MomentTensorBasis(
        np.array(numbers("alpha_index_basic", 4), dtype=int),
        np.array(numbers("alpha_index_times", 4), dtype=int),
        np.array(numbers("alpha_moment_mapping"), dtype=int),
    )
    magnetic = "magnetic size" in values
    potential = MomentTensorPotential(
        symbols,
        None,
        int(number("magnetic size")) if magnetic else 1,
        number("radial max"),
        axis=axis,
        n_radial_basis=int(number("radial size")),
        r_min=number("radial min"),
        max_moment=_largest(path, number) if magnetic else 1.0,
        max_factors=None,
        extrapolate=extrapolate,
        rng=rng,
        basis=basis,
        scaling=number("scaling") if "scaling" in values else None,
    )
    if basis.n_functions != int(number("radial_funcs_count")):
        raise ValueError(
            f"{path}: radial_funcs_count is {int(number('radial_funcs_count'))}, but the moments "
            f"use {basis.n_functions} radial functions"
        )
    if radial is None:
        return potential
    n, _, channels, functions, size = potential.coefficient_shape
    if len(radial) != n * n * channels * functions * size:
        raise ValueError(
            f"{path} holds {len(radial)} radial coefficients instead of "
            f"{n * n * channels * functions * size}"
        )
    if "scaling" not in values:
        potential.scaling = 1.0
    expected = [(a, b) for a in range(n) for b in range(n)]
    if order != expected:
        raise ValueError(
            f"{path} holds the radial coefficients of the pairs of species {_pairs(order)}; they "
            f"must be {_pairs(expected)}, in this order"
        )
    c = np.array(radial).reshape(n, n, functions, size, channels)
    rest = [numbers("moment_coeffs"), numbers("species_coeffs")]
    if [len(part) for part in rest] != [potential.n_scalars, n]:
        raise ValueError(
            f"{path} must have {potential.n_scalars} moment_coeffs and {n} species_coeffs, got "
            f"{len(rest[0])} and {len(rest[1])}"
        )
    potential.parameters = np.concatenate([c.transpose(0, 1, 4, 2, 3).ravel(), *rest])
    return potential


def _parse(path):
    """Return ({key: text}, radial coefficients or None, pairs of species) of a file."""
    text = path.read_bytes().partition(b"#MVS")[0].decode("utf-8", "replace")
    lines = text.splitlines()
    if not lines or lines[0].strip() != "MTP":
        raise ValueError(f"{path} is not a moment tensor potential: its first line must be 'MTP'")
    values, radial, order, section, inside = {}, None, [], "radial", False
    for line in lines[1:]:
        match = _KEY.fullmatch(line)
        if match:
            key, inside = match[1], False
            if key in ("radial_basis_type", "magnetic_basis_type"):
                section = key.partition("_")[0]
            key = f"{section} {_SHARED[key]}" if key in _SHARED else _MEANING.get(key, key)
            values[key] = match[2].strip()
        elif line.strip() == "radial_coeffs":
            radial, inside = [], True
        elif inside and "{" in line:
            radial.extend(float(number) for number in _NUMBER.findall(line))
        elif inside and (pair := _PAIR.fullmatch(line)):
            order.append((int(pair[1]), int(pair[2])))
    return values, radial, order


def _pairs(order):
    return ", ".join(f"{a}-{b}" for a, b in order) or "none"


def _largest(path, number):
    low, high = number("magnetic min"), number("magnetic max")
    if low != -high:
        raise ValueError(
            f"{path} has magnetic polynomials on ({low:g}, {high:g}); only intervals that are "
            "symmetric around zero keep the energy the same when all moments turn over"
        )
    return high


def write_mtp(path, potential, *, name="MTP"):
    """Write a moment tensor potential to a file that MLIP and motep read.

    Non-magnetic potentials (``magnetic_basis`` 1) are written with the keys of MLIP-2 and MLIP-3,
    magnetic ones with those of motep.

    Parameters
    ----------
    path : str or Path
    potential : MomentTensorPotential
    name : str, without spaces.

    Raises
    ------
    TypeError
        For another model.
    ValueError
        If the file has no place for a property: on-site terms, a ``cutoff_power`` other than 2,
        different largest moments of the species.
    """
    if not isinstance(potential, MomentTensorPotential):
        raise TypeError(
            f"only a MomentTensorPotential can be written to an .mtp file, got "
            f"{type(potential).__name__}: use save() for other models"
        )
    magnetic = potential.magnetic_basis > 1
    for wrong, what in (
        (potential.onsite > 0, "on-site terms"),
        (potential.cutoff_power != 2, f"the cutoff function (R - r)^{potential.cutoff_power}"),
        (
            magnetic and len(set(potential.max_moment.tolist())) > 1,
            "different largest moments of the species",
        ),
    ):
        if wrong:
            raise ValueError(f".mtp files have no place for {what}: use save()")
    basis, n = potential.basis, len(potential.species)
    names = ("min", "max", "size") if magnetic else ("min_dist", "max_dist", "radial_basis_size")
    radial = (potential.r_min, potential.cutoff, potential.n_radial_basis)
    lines = [
        "MTP",
        "version = 1.1.0",
        f"potential_name = {name}",
        f"scaling = {potential.scaling!r}",
        f"species_count = {n}",
        "potential_tag = " + "_".join(potential.species),
        "radial_basis_type = RBChebyshev",
        *(f"\t{key} = {value!r}" for key, value in zip(names, radial, strict=True)),
    ]
    count = f"radial_funcs_count = {basis.n_functions}"
    if magnetic:
        largest = float(potential.max_moment[0])
        lines += ["magnetic_basis_type = BChebyshev", f"\tmin = {-largest!r}"]
        lines += [f"\tmax = {largest!r}", f"\tsize = {potential.magnetic_basis}", count]
    else:
        lines.append("\t" + count)
    lines.append("\tradial_coeffs")
    c = potential.coefficients.transpose(0, 1, 3, 4, 2).reshape(n, n, basis.n_functions, -1)
    for a, b in np.ndindex(n, n):
        lines.append(f"\t\t{a}-{b}")
        lines += [f"\t\t\t{_braces(row)}" for row in c[a, b]]
    first = c.size
    parameters = potential.parameters
    lines += [
        f"alpha_moments_count = {basis.n_moments}",
        f"alpha_index_basic_count = {len(basis.basic)}",
        f"alpha_index_basic = {_braces(basis.basic)}",
        f"alpha_index_times_count = {len(basis.times)}",
        f"alpha_index_times = {_braces(basis.times)}",
        f"alpha_scalar_moments = {potential.n_scalars}",
        f"alpha_moment_mapping = {_braces(basis.scalars)}",
        f"species_coeffs = {_braces(parameters[first + potential.n_scalars :])}",
        f"moment_coeffs = {_braces(parameters[first : first + potential.n_scalars])}",
    ]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _braces(array):
    if array.ndim > 1:
        return "{" + ", ".join(map(_braces, array)) + "}"
    return "{" + ", ".join(repr(value) for value in array.tolist()) + "}"
