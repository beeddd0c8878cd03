"""Input files of constrained VASP runs: order of atoms, digits and keywords."""

import re
from pathlib import Path

import numpy as np
from ase.config import cfg

#: Keywords that ConstrainedVasp writes itself, and how they are asked for.
OWNED = {
    "i_constrained_m": "it follows from constraint=...",
    "m_constr": "the targets are the moments of the atoms",
    "lambda": "give lambdas=(1, 2.5, 5, 10)",
    "rwigs": "give rwigs={'Fe': 1.3}, in angstrom",
    "magmom": "the start moments are the moments of the atoms",
    "constrl": "it follows from constraint=...",
    "sctype": "give deltaspin=True",
    "isym": "symmetry is off",
    "lorbit": "it is 11, so that moments are printed",
    "nsw": "the reference computes one geometry",
    "ibrion": "the reference computes one geometry",
    "istart": "restarts are made from files in the directory",
    "icharg": "restarts are made from files in the directory",
    "lwave": "the next step of the ramp starts from WAVECAR",
    "lcharg": "the next step of the ramp starts from CHGCAR",
    "saxis": "moments are Cartesian, SAXIS is (0, 0, 1)",
}

#: Settings that users may change.
DEFAULTS = {"prec": "Accurate", "ediff": 1e-7, "nelm": 200, "gga_compat": False}

_COLLINEAR = (
    "VASP can hold the moment of an atom only in non-collinear runs (LNONCOLLINEAR = .TRUE.): a "
    "collinear run knows the total moment of the cell alone (NUPDOWN). Leave {0} out and give "
    "collinear moments along z; the run costs more and gives the same state"
)


def check_settings(settings):
    """Raise ValueError for settings that ConstrainedVasp writes itself, or that are collinear."""
    for name, value in settings.items():
        key = name.lower()
        if key in ("lnoncollinear", "ispin"):
            if key == "ispin" or not value:
                raise ValueError(_COLLINEAR.format(f"{name}={value!r}"))
        elif key in OWNED:
            raise ValueError(
                f"{name}={value!r} cannot be set, because ConstrainedVasp writes "
                f"{name.upper()}: {OWNED[key]}"
            )


class VaspInput:
    """The input of one structure, in the order of POSCAR.

    Parameters
    ----------
    atoms : ase.Atoms; moments do not count.
    settings : dict, keywords of ``ase.calculators.vasp.Vasp``.

    Attributes
    ----------
    sort : (N,) int array; ``atoms[sort]`` is the order of POSCAR, as ASE chooses it.
    species : list of (symbol, count), one per POTCAR.
    potcars : list of paths.

    Raises
    ------
    FileNotFoundError
        If a POTCAR is missing; the message says where it was looked for.
    """

    def __init__(self, atoms, settings):
        from ase.calculators.vasp import Vasp  # imports matplotlib

        self.atoms = atoms.copy()
        self.atoms.calc = None
        self.atoms.set_initial_magnetic_moments(None)
        settings = {k.lower(): v for k, v in settings.items() if k.lower() != "lnoncollinear"}
        self._vasp = Vasp(**(DEFAULTS | settings))
        try:
            self._vasp.initialize(self.atoms)
        except RuntimeError as error:
            raise _missing_potcar(error) from error
        self.sort = np.array(self._vasp.sort, dtype=int)
        self.species = list(self._vasp.symbol_count)
        self.potcars = [str(path) for path in self._vasp.ppp_list]

    def resorted(self, values):
        """Return an array (N, ...) in the order of POSCAR in the order of the atoms."""
        result = np.empty_like(np.asarray(values))
        result[self.sort] = values
        return result

    def radii(self, rwigs):
        """Return the radius of the spheres of every POTCAR, angstrom.

        Parameters
        ----------
        rwigs : dict by symbol, or None: the RWIGS of the POTCARs.
        """
        if rwigs is not None:
            missing = [symbol for symbol, _ in self.species if symbol not in rwigs]
            if missing:
                raise ValueError(
                    f"rwigs={rwigs} has no radius for {missing[0]}: name every species, in "
                    "angstrom, or leave rwigs out to take the RWIGS of the POTCAR files"
                )
            return [float(rwigs[symbol]) for symbol, _ in self.species]
        return [_potcar_radius(path) for path in self.potcars]

    def titles(self):
        """Return the TITEL of every POTCAR."""
        return [_potcar_entry(path, r"TITEL\s*=\s*(.+)").strip() for path in self.potcars]

    def write(self, directory, lines):
        """Write POSCAR, POTCAR, KPOINTS and INCAR.

        Parameters
        ----------
        directory : path
        lines : dict of further INCAR keywords and their values; arrays (N, 3) in the order of the
            atoms are written in that of POSCAR, one atom per line with eight decimals.
        """
        self._vasp.directory = str(directory)
        self._vasp.write_input(self.atoms)
        path = Path(directory) / "INCAR"
        text = path.read_text(encoding="utf-8").rstrip("\n") + "\n"
        path.write_text(
            text + "".join(f" {key} = {self._value(value)}\n" for key, value in lines.items()),
            encoding="utf-8",
        )

    def _value(self, value):
        if isinstance(value, bool):
            return ".TRUE." if value else ".FALSE."
        if np.ndim(value) == 2:
            rows = np.asarray(value)[self.sort]
            if rows.dtype.kind in "bi":
                return " \\\n   ".join(" ".join(str(int(v)) for v in row) for row in rows)
            return " \\\n   ".join(" ".join(f"{v:.8f}" for v in row) for row in rows)
        if np.ndim(value) == 1:
            return " ".join(f"{v:.6g}" for v in value)
        return f"{value:.8g}" if isinstance(value, float) else str(value)


def _missing_potcar(error):
    found = re.search(r"Looking for (\S+?)\.?\s", str(error) + " ")
    where = found[1] if found else str(error)
    key = "VASP_PP_PATH"
    path = cfg.get(key, "not set")
    return FileNotFoundError(
        f"no POTCAR at {where}: VASP's pseudopotentials are looked for under {key} ({path}), an "
        "environment variable or an entry of ASE's configuration, in the folder that xc or pp "
        "name and with the setups that were asked for"
    )


def _potcar_entry(path, pattern):
    from ase.calculators.vasp.create_input import open_potcar  # imports matplotlib

    with open_potcar(path) as file:
        for line in file:
            line = line.decode(errors="replace") if isinstance(line, bytes) else line
            found = re.search(pattern, line)
            if found:
                return found[1]
    raise ValueError(f"{path} has no line like {pattern!r}: is it a POTCAR?")


def _potcar_radius(path):
    return float(_potcar_entry(path, r"RWIGS\s*=\s*[\d.]+;\s*RWIGS\s*=\s*([\d.]+)"))


def penalty_form(job, direction_penalty):
    """Return I_CONSTRAINED_M and M_CONSTR (N, 3) of a job, or raise ValueError."""
    kinds = set(job.kinds) - {"free"}
    if "magnitude" in kinds:
        raise ValueError(
            "VASP has no penalty for the magnitude of a moment alone: use 'vector' (magnitude and "
            "direction) or 'direction'"
        )
    if len(kinds) > 1:
        raise ValueError(
            f"VASP has one form of penalty for all atoms, so {' and '.join(sorted(kinds))} cannot "
            "be mixed: use one of them, and 'free'"
        )
    held = np.array([kind != "free" for kind in job.kinds])
    small = held & (np.linalg.norm(job.targets, axis=1) < 1e-6)
    if small.any():
        atom = int(np.argmax(small))
        raise ValueError(
            f"atom {atom} ({job.atoms.symbols[atom]}) has the target moment zero, which VASP takes "
            "as no constraint (M_CONSTR = 0 0 0): make it 'free', e.g. "
            "constraint={'Fe': 'vector'}, or use DeltaSpin"
        )
    targets = np.where(held[:, None], job.targets, 0.0)
    return (2 if "vector" in kinds else direction_penalty), targets


def check_weights(lambdas):
    """Return weights of a ramp as a list of floats, or raise ValueError."""
    weights = [float(v) for v in np.atleast_1d(lambdas)]
    if not weights or min(weights) <= 0 or sorted(set(weights)) != weights:
        raise ValueError(
            f"lambdas must be positive and growing, in eV/mu_B^2, e.g. (1, 2.5, 5, 10); got "
            f"{weights}"
        )
    return weights
