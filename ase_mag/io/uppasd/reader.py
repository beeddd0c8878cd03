"""Input folders of UppASD."""

import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from ase import Atoms
from ase import units as ase_units
from ase.data import atomic_numbers

from ase_mag.core import set_moments
from ase_mag.core.model import Sum
from ase_mag.io.uppasd import interactions
from ase_mag.io.uppasd.keywords import Keywords
from ase_mag.io.uppasd.moments import read_uppasd_moments
from ase_mag.io.uppasd.tables import index, number, rows
from ase_mag.models import NonMagnetic, Zeeman

#: Symbols of the types 1, 2, ... where none are given: UppASD knows no elements.
SYMBOLS = ("Fe", "Co", "Ni", "Mn", "Cr", "Gd", "V", "Ru", "Rh", "Pd", "Pt", "Ir", "Dy", "Tb", "Ho")
#: Interactions that change energies and are not read.
_NOT_READ = ("pd", "sa", "bq", "biqdm", "chir", "fourx", "ring")
_NOT_READ += ("ll", "mml", "lll", "mmll", "mrl")
#: Switches of such interactions, units and initial states, which are off with N, F or 0.
_SWITCHES = ("do_dip", "mult_axis", "random_anisotropy", "locfield", "demag", "do_bpulse")
_SWITCHES += ("do_lsf", "exc_inter", "aunits", "roteul")
_OFF = ("N", "F", "0")


@dataclass
class UppasdSettings:
    """How UppASD would run the folder.

    Attributes
    ----------
    temperature_K, damping : float or None. timestep : float or None, ASE time.
    steps : int or None. mode : str or None, 'S': spin dynamics, 'M': Monte Carlo, ...
    field : (3,) float array, tesla (it is part of the model).
    q_points : (n, 3) float array or None, of ``qfile``, in units of 2 pi/alat (``qpoints`` F, C)
        or of reciprocal lattice vectors (D), as ``q_kind`` says.
    q_kind : str or None
    ensembles : int
    keywords : dict from keyword to list of str, everything in inpsd.dat.
    """

    temperature_K: float | None
    damping: float | None
    timestep: float | None
    steps: int | None
    mode: str | None
    field: np.ndarray
    q_points: np.ndarray | None
    q_kind: str | None
    ensembles: int
    keywords: dict = field(repr=False)


def read_uppasd(folder, species=None, alat=None, rng=None):
    """Read an input folder of UppASD: the sample, its Hamiltonian and how it is run.

    H = -sum_{i!=j} [J_ij e_i.e_j + D_ij.(e_i x e_j)] + anisotropies - sum_i m_i e_i.B, both
    orders of a pair counted, unit vectors e, energies in mRy, lengths in alat. It becomes models
    of moments m e in eV and mu_B, whose energy is H for the moment sizes of the momfile.

    Parameters
    ----------
    folder : path of a folder with ``inpsd.dat``, or of such a file under another name.
    species : sequence of str, optional; symbols of the atom types 1, 2, ... (UppASD has none).
        Every type needs its own. Default: Fe, Co, Ni, Mn, Cr, ...
    alat : float, angstrom, optional; the unit of length. Default: that of the file, else 1.
    rng : int or numpy Generator, for random initial moments; default: the seed ``tseed`` of the
        file. Numbers differ from those that UppASD draws.

    Returns
    -------
    atoms : ase.Atoms, all atoms in UppASD's order (sites of a cell first, then x, y, z), with the
        initial moments of ``Initmag`` (1: random, 2: in a cone, 3: momfile, 4: restart file).
        Without it: those of ``restartfile`` if that is named, else of the momfile.
    model : Model
    settings : UppasdSettings

    Raises
    ------
    FileNotFoundError
        If the folder or a file that it names is not there.
    ValueError
        For lines that cannot be understood, naming file and line, random alloys, ``maptype`` 3,
        moment sizes or anisotropies that differ within a type, and a wrong number of ``species``.

    Warns
    -----
    UserWarning
        For interactions in the folder that are not read (biquadratic, dipole, lattice, ...) and
        other units (``aunits``), and where a number that settings want is a word, as in templates
        of scripts.
    """
    path = Path(folder)
    if path.is_dir():
        path = path / "inpsd.dat"
    if not path.is_file():
        near = ", ".join(sorted(p.name for p in path.parent.glob("inpsd*"))) or "none"
        raise FileNotFoundError(f"{path} does not exist (files called inpsd*: {near})")
    keywords = Keywords(path)
    if int(keywords.numbers("do_ralloy", 1, [0])[0]):
        raise ValueError(f"{path}: random alloys (do_ralloy) are not read: make an ordered cell")
    ignored = [key for key in _NOT_READ if key in keywords]
    ignored += [key for key in _SWITCHES if keywords.word(key, "N").upper() not in _OFF]
    if ignored:
        warnings.warn(
            f"{path}: the interactions and switches {', '.join(ignored)} are not read, energies "
            "lack them",
            UserWarning,
            stacklevel=2,
        )
    cell = _cell(keywords, species, alat)
    field = keywords.numbers("hfield", 3, np.zeros(3))
    terms = [
        interactions.exchange(cell, keywords),
        interactions.antisymmetric_exchange(cell, keywords),
        *interactions.anisotropies(cell, keywords),
        Zeeman(cell.symbols, field) if field.any() else None,
        NonMagnetic(cell.symbols),
    ]
    model = Sum([term for term in terms if term is not None])
    return _atoms(keywords, cell, rng), model, _settings(keywords, field)


def _cell(keywords, species, alat):
    folder = keywords.path.parent
    if alat is None:
        alat = 1e10 * keywords.numbers("alat", 1, [1e-10])[0]
        if not 0.1 < alat < 1000:
            raise ValueError(
                f"{keywords.path}: alat is {keywords.word('alat')}, but it is in meters, so that "
                "2.87 angstrom are 2.87e-10"
            )
    if not (np.isfinite(alat) and alat > 0):
        raise ValueError(f"alat must be a positive length, got {alat} angstrom")
    path = folder / keywords.word("posfile", "posfile")
    sites, types, positions = [], [], []
    for place, words in rows(path, 5, "a site"):
        sites.append(index(path, place, words[0]))
        types.append(index(path, place, words[1]))
        positions.append([number(word) for word in words[2:5]])
    if sorted(sites) != list(range(len(sites))) or not sites:
        raise ValueError(f"{path}: the sites must be numbered 1 to {len(sites)}, each once")
    order = np.argsort(sites)
    types, positions = np.array(types)[order], np.array(positions)[order]
    count = types.max() + 1
    if set(types.tolist()) != set(range(count)):
        raise ValueError(f"{path}: the types must be numbered 1 to {count}, each used")
    vectors = keywords.cell
    if keywords.choice("posfiletype", ("C", "D"), "C") == "D":
        positions = positions @ vectors
    cell = interactions.Cell(vectors, positions, types, _symbols(species, count, path), alat)
    path = folder / keywords.word("momfile", "momfile")
    cell.sizes, cell.directions = np.full(len(types), np.nan), np.zeros((len(types), 3))
    for place, words in rows(path, 6, "a moment"):
        site = index(path, place, words[0], most=len(types))
        size, *direction = (number(word) for word in words[2:6])
        if size <= 0 or not np.any(direction):
            raise ValueError(f"{path}, line {place}: size and direction of a moment are zero")
        cell.sizes[site] = size
        cell.directions[site] = np.array(direction) / np.linalg.norm(direction)
    if np.isnan(cell.sizes).any():
        raise ValueError(f"{path}: site {int(np.isnan(cell.sizes).argmax()) + 1} has no moment")
    return cell


def _symbols(species, count, path):
    if species is None:
        species = SYMBOLS[:count]
    species = (species,) if isinstance(species, str) else tuple(species)
    unknown = [symbol for symbol in species if symbol not in atomic_numbers]
    if len(species) != count or len(set(species)) < count or unknown:
        raise ValueError(
            f"{path} has {count} types: species must be as many different chemical symbols, got "
            f"{species}"
        )
    return species


def _atoms(keywords, cell, rng):
    repeats = keywords.numbers("ncell", 3, [1, 1, 1]).astype(int)
    if (repeats < 1).any():
        raise ValueError(f"{keywords.path}: ncell must be positive, got {repeats.tolist()}")
    words = [word.upper() for word in keywords.values.get("bc", ["0"] * 3)[:3]]
    if len(words) != 3 or not set(words) <= {"P", "0"}:
        raise ValueError(f"{keywords.path}: bc must be three of P and 0, got {' '.join(words)}")
    z, y, x = np.meshgrid(*(np.arange(n) for n in repeats[::-1]), indexing="ij")
    shifts = np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1) @ cell.vectors
    positions = cell.alat * (shifts[:, None] + cell.positions).reshape(-1, 3)
    atoms = Atoms(
        list(np.tile(np.array(cell.symbols)[cell.types], len(shifts))),
        positions,
        cell=cell.alat * repeats[:, None] * cell.vectors,
        pbc=[word == "P" for word in words],
    )
    set_moments(atoms, _initial(keywords, cell, len(atoms), rng))
    return atoms


def _initial(keywords, cell, count, rng):
    kind = int(keywords.numbers("initmag", 1, [4 if "restartfile" in keywords else 3])[0])
    copies = count // len(cell.types)
    sizes = np.tile(cell.sizes, copies)
    if kind in (4, 7):
        path = keywords.path.parent / keywords.word("restartfile", "restart.dat")
        moments = read_uppasd_moments(path)[0][-1, 0]
        if len(moments) != count:
            raise ValueError(f"{path} holds {len(moments)} moments, but there are {count} atoms")
        return moments
    directions = np.tile(cell.directions, (copies, 1))
    if kind in (1, 2):
        seed = int(keywords.numbers("tseed", 1, [1])[0])
        rng = np.random.default_rng(seed if rng is None else rng)
    if kind == 1:
        directions = rng.normal(size=(count, 3))
        directions /= np.linalg.norm(directions, axis=1)[:, None]
    elif kind == 2:
        theta, phi = (np.radians(keywords.numbers(key, 1, [0.0])[0]) for key in ("theta0", "phi0"))
        polar, around = theta * rng.uniform(size=count), phi + 2 * np.pi * rng.uniform(size=count)
        directions = np.column_stack(
            [np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)]
        )
    elif kind != 3:
        raise ValueError(f"{keywords.path}: initmag {kind} is not read: 1 to 4 and 7 are")
    return sizes[:, None] * directions


def _settings(keywords, field):
    values = {}
    for key in ("temp", "damping", "timestep", "nstep"):
        values[key] = keywords.number_or_none(key)
        if key in keywords and values[key] is None:
            warnings.warn(
                f"{keywords.path}: {key} is {keywords.word(key)!r}, not a number: settings have "
                "None there",
                UserWarning,
                stacklevel=3,
            )
    if keywords.word("mode", "S").upper() in ("M", "H") and "mcnstep" in keywords:
        values["nstep"] = keywords.number_or_none("mcnstep")
    points = None
    path = keywords.path.parent / keywords.word("qfile", "")
    if "qfile" in keywords and path.is_file():
        lines = rows(path, 1, "wave vectors")[1:]
        try:
            points = np.array([[number(x) for x in words[:3]] for _, words in lines]).reshape(-1, 3)
        except ValueError:
            raise ValueError(f"{path}: a wave vector is not three numbers") from None
    step = values["timestep"]
    return UppasdSettings(
        temperature_K=values["temp"],
        damping=values["damping"],
        timestep=None if step is None else step * ase_units.s,
        steps=None if values["nstep"] is None else int(values["nstep"]),
        mode=keywords.word("mode"),
        field=field,
        q_points=points,
        q_kind=keywords.word("qpoints"),
        ensembles=int(keywords.numbers("mensemble", 1, [1])[0]),
        keywords=keywords.values,
    )
