"""Input files of ABINIT for constrained moments, at full precision."""

import numpy as np
from ase.data import atomic_numbers
from ase.units import Bohr, Hartree

from ase_mag.reference.abinit.settings import SMEARING

#: constraint_kind of ABINIT.
KIND_NUMBERS = {"free": 0, "vector": 1, "direction": 2, "magnitude": 3}


def atom_types(symbols, kinds):
    """Return the types of atoms, a list of (symbol, kind), and the type number of every atom.

    Atoms of one species with different constraints need different types; numbers start at 1.
    """
    pairs = list(zip(symbols, kinds, strict=True))
    types = list(dict.fromkeys(pairs))
    return types, [types.index(pair) + 1 for pair in pairs]


def write_input(job, pseudopotentials, radii, settings, attempt=None, density=None):
    """Return the text of an input file and the keywords of the method, a dict.

    Parameters
    ----------
    job : ase_mag.reference.base.Job
    pseudopotentials : dict symbol -> Pseudopotential. radii : dict symbol -> angstrom.
    settings : dict, the parameters of ConstrainedAbinit.
    attempt : dict, keywords of one attempt, which replace the others.
    density : path or None, the file of a density to start from.
    """
    symbols = list(job.atoms.symbols)
    types, typat = atom_types(symbols, job.kinds)
    method = _method(job, pseudopotentials, settings) | settings["extra"] | (attempt or {})
    structure = {
        "natom": len(symbols),
        "ntypat": len(types),
        "znucl": [atomic_numbers[symbol] for symbol, _ in types],
        "typat": typat,
        "pseudos": '"' + ", ".join(str(pseudopotentials[s].path) for s, _ in types) + '"',
        "ratsph": [radii[symbol] / Bohr for symbol, _ in types],
        "constraint_kind": [_kind_number(kind, job.noncollinear) for _, kind in types],
        "acell": [1.0, 1.0, 1.0],
        "rprim": job.atoms.cell.array / Bohr,
        "xcart": job.atoms.positions / Bohr,
        "spinat": np.asarray(job.targets, dtype=float),
    }
    if density is not None:
        structure["getden_filepath"] = f'"{density}"'
    lines = [f"{name} {_format(value)}" for name, value in (structure | method).items()]
    return "\n".join(lines) + "\n", method


def _kind_number(kind, noncollinear):
    """Return constraint_kind; a magnitude with a sign is the whole vector (3 stalls in 9.6.2)."""
    return KIND_NUMBERS["vector" if kind == "magnitude" and not noncollinear else kind]


def _method(job, pseudopotentials, settings):
    smearing, width = settings["smearing"]
    electrons = [pseudopotentials[symbol].valence for symbol in job.atoms.symbols]
    # Empty bands enough for 8 mu_B per atom in each of them; the same for all moments.
    bands = sum(electron + 5 for electron in electrons)
    if not job.noncollinear:
        bands = sum(electron / 2 + 4 for electron in electrons)
    keywords = {
        "ecut": settings["ecut"] / Hartree,
        "pawecutdg": settings["pawecutdg"] / Hartree,
        "ecutsm": 0.5,
        "occopt": SMEARING[smearing],
        "tsmear": width / Hartree,
        "ngkpt": [int(k) for k in settings["kpts"]],
        "nshiftk": 1,
        "shiftk": [0.0, 0.0, 0.0] if settings["gamma"] else [0.5, 0.5, 0.5],
        "nband": int(np.ceil(bands)),
        "nstep": int(settings["max_iterations"]),
        "tolvrs": settings["tolerance"],
        "iscf": 7,
        "magcon_lambda": settings["magcon_lambda"],
        # Symmetrization fights the constraint; cells of any shape are welcome.
        "nsym": 1,
        "chksymtnons": 0,
        "chkprim": 0,
        "optforces": 1,
        "optstress": 1,
        "prtwf": 0,
        "prtden": 1,
        "prteig": 0,
        "prtebands": 0,
    }
    if not job.noncollinear:
        return keywords | {"nsppol": 2, "nspden": 2, "nspinor": 1, "kptopt": 2}
    return keywords | {
        "nsppol": 1,
        "nspden": 4,
        "nspinor": 2,
        "pawspnorb": 0,
        "kptopt": 3,  # time reversal is no symmetry
        # What converges constrained spinors with 9.6.2; Pulay mixing stalls at 1e-5.
        "iscf": 4,
        "diemix": 0.3,
        "diemixmag": 0.3,
        "paral_kgb": 1,
        "wfoptalg": 114,
    }


def _format(value):
    """Write numbers so that they are read back to the last bit."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return f"{value:.16e}"
    array = np.asarray(value)
    if array.ndim == 2:
        return "".join("\n  " + " ".join(f"{v:.16e}" for v in row) for row in array.astype(float))
    return " ".join(_format(item) for item in value)
