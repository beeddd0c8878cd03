"""Material files of VAMPIRE (.mat)."""

import re
import warnings
from dataclasses import dataclass, field

import numpy as np
from ase.data import atomic_numbers

from ase_mag.io.text_file import TextFile

#: Bohr magneton in J/T (CODATA 2018).
MU_B_SI = 9.2740100783e-24
_LINE = re.compile(r"material(?:\[(\d+)\])?:([\w-]+)(?:\[(\d+)\])?\s*(?:=\s*(.*))?$")
#: Keywords that change energies and are not read.
_NOT_READ = re.compile(r"(?!uniaxial|second-order-uniaxial).*(anisotropy|exchange|field).*")


@dataclass
class Material:
    """What a material says about the spins.

    Attributes
    ----------
    moment : float, mu_B. symbol : str. direction : (3,) float array, or None for random spins.
    constant : float, J; E = -K (e.n)^2. axis : (3,) float array, n.
    exchange : dict from material (from 0) to float, J.
    """

    moment: float = 1.72
    symbol: str = "Fe"
    direction: np.ndarray | None = field(default_factory=lambda: np.array([0.0, 0.0, 1.0]))
    constant: float = 0.0
    axis: np.ndarray = field(default_factory=lambda: np.array([0.0, 0.0, 1.0]))
    exchange: dict = field(default_factory=dict)


def read_materials(path):
    """Return the list of Material of a .mat file.

    Raises
    ------
    ValueError
        For lines that cannot be understood, naming file and line; if a material has no line.

    Warns
    -----
    UserWarning
        For anisotropies and fields that are not read, and moments that are not given.
    """
    file = TextFile(path)
    materials, ignored, given = None, set(), set()
    while not file.ended():
        line = file.next("a line").partition("#")[0].strip()
        if not line:
            continue
        match = _LINE.match(line)
        if match is None:
            raise file.error(f"expected material[1]:keyword = value, got {line!r}")
        number, key, partner, value = match.groups()
        value, _, unit = (part.strip() for part in (value or "").partition("!"))
        if key == "num-materials":
            materials = [Material() for _ in range(file.whole(value, key, least=1))]
            continue
        if materials is None:
            raise file.error("material:num-materials must come first")
        if number is None:
            raise file.error(f"{key} needs the number of its material: material[1]:{key}")
        index = file.whole(number, "the number of a material", 1, len(materials)) - 1
        given |= {(index, key), (index, None)}
        material = materials[index]
        if not _set(file, material, key, partner, value, unit):
            ignored |= {key} if _NOT_READ.match(key) else set()
    if materials is None:
        raise ValueError(f"{file.path} has no line material:num-materials")
    _check_complete(path, given, len(materials))
    if ignored:
        warnings.warn(
            f"{path}: {', '.join(sorted(ignored))} are not read, energies lack them",
            UserWarning,
            stacklevel=3,
        )
    return materials


def _check_complete(path, given, count):
    """Refuse materials without a line; warn of the moment that VAMPIRE takes by default."""
    for index in range(count):
        if (index, None) not in given:
            raise ValueError(
                f"{path} has {count} materials, but no line of material[{index + 1}]: it was cut "
                "off, or material:num-materials is wrong"
            )
    for index in range(count):
        if (index, "atomic-spin-moment") not in given:
            warnings.warn(
                f"{path}: material[{index + 1}] has no atomic-spin-moment; it gets "
                f"{Material.moment} mu_B, the default of VAMPIRE",
                UserWarning,
                stacklevel=4,
            )


def _set(file, material, key, partner, value, unit):
    """Set one property; return whether it is known."""
    if key == "atomic-spin-moment":
        size = _number(file, key, value, unit, ("muB", "mu_B", "J/T"))
        material.moment = size if unit in ("muB", "mu_B") else size / MU_B_SI
    elif key == "material-element":
        if value not in atomic_numbers:
            raise file.error(f"material-element is {value!r}, not a chemical symbol")
        material.symbol = value
    elif key == "initial-spin-direction":
        random = value in ("random", "true", "")
        material.direction = None if random else _direction(file, key, value)
    elif key in ("uniaxial-anisotropy-constant", "second-order-uniaxial-anisotropy-constant"):
        material.constant = _number(file, key, value, unit, ("J", "J/atom"))
    elif key == "uniaxial-anisotropy-direction":
        material.axis = _direction(file, key, value)
    elif key == "exchange-matrix" and partner is not None:
        constant = _number(file, key, value, unit, ("J", "J/link"))
        material.exchange[file.whole(partner, "the number of a material", 1) - 1] = constant
    else:
        return False
    return True


def _number(file, key, value, unit, units):
    if unit and unit not in units:
        raise file.error(f"{key} has the unit !{unit}, known are {', '.join(units)}")
    return float(file.numbers([value], 1, key)[0])


def _direction(file, key, value):
    words = re.split(r"[,\s]+", value.strip("[]() "))
    vector = file.numbers(words, 3, key)
    if not vector.any():
        raise file.error(f"{key} is zero")
    return vector / np.linalg.norm(vector)
