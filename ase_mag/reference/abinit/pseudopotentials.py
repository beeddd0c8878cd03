"""PAW data sets of ABINIT: where they are, and what their headers say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ase.units import Bohr

#: Where Debian's package abinit-data puts PAW data sets (JTH v1.1, PBE).
DEBIAN = Path("/usr/share/abinit/psp/Pseudodojo_paw_pbe_standard")


@dataclass(frozen=True)
class Pseudopotential:
    """A PAW data set in the XML format.

    Attributes
    ----------
    symbol : str; path : Path; digest : str, SHA-256 of the file.
    valence : float, number of valence electrons.
    radius : float, PAW radius, angstrom. functional : str.
    """

    symbol: str
    path: Path
    digest: str
    valence: float
    radius: float
    functional: str

    @classmethod
    def read(cls, path):
        """Read the header of a file.

        Raises
        ------
        ValueError
            If it is not a PAW data set in XML.
        """
        content = Path(path).read_bytes()
        header = content[:20_000].decode("utf-8", errors="replace")
        atom = re.search(r"<atom\b([^>]*)>", header)
        radius = re.search(r"<paw_radius\b([^>]*)>", header)
        functional = re.search(r"<xc_functional\b([^>]*)>", header)
        if atom is None or radius is None or functional is None:
            raise ValueError(
                f"{path} is not a PAW data set in XML (no <atom>, <paw_radius> or <xc_functional> "
                "in its header): use the JTH sets, e.g. of Debian's abinit-data or pseudo-dojo.org"
            )
        return cls(
            symbol=_attribute(atom, "symbol").strip(),
            path=Path(path).absolute(),
            digest=sha256(content).hexdigest(),
            valence=float(_attribute(atom, "valence")),
            radius=float(_attribute(radius, "rc")) * Bohr,
            functional=_attribute(functional, "name").strip(),
        )


def _attribute(match, name):
    return re.search(rf'\b{name}\s*=\s*"([^"]*)"', match.group(1)).group(1)


def find_pseudopotentials(symbols, chosen=None, folders=()):
    """Return a dict symbol -> Pseudopotential for the species in ``symbols``.

    Parameters
    ----------
    symbols : iterable of str
    chosen : dict symbol -> path or file name, optional; default ``<symbol>.xml``.
    folders : paths that are searched in this order, ahead of the working folder.

    Raises
    ------
    FileNotFoundError
        If there is no file for a species; the message names all places that were looked at.
    ValueError
        If a file is not a PAW data set in XML, or belongs to another element.
    """
    chosen = {} if chosen is None else chosen
    if not isinstance(chosen, Mapping):
        raise ValueError(f"pseudopotentials must be a dict like {{'Fe': 'Fe.xml'}}, got {chosen!r}")
    found = {}
    for symbol in sorted(set(symbols)):
        path = _find(symbol, Path(chosen.get(symbol, f"{symbol}.xml")), folders)
        found[symbol] = Pseudopotential.read(path)
        if found[symbol].symbol != symbol:
            raise ValueError(f"{path} is a data set of {found[symbol].symbol}, not of {symbol}")
    return found


def _find(symbol, name, folders):
    places = [name] if name.is_absolute() else [Path(folder) / name for folder in [*folders, "."]]
    for place in places:
        if place.is_file():
            return place
    looked = ", ".join(str(place.absolute()) for place in places)
    raise FileNotFoundError(
        f"no pseudopotential for {symbol}: looked for {looked}. Set pp_paths in the section "
        "[abinit] of ASE's config.ini, or give pseudopotentials={'"
        f"{symbol}': '/path/to/{symbol}.xml'}} (on Debian: apt install abinit-data)"
    )
