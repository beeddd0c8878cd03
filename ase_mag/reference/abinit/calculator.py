"""Constrained density-functional theory with ABINIT."""

import numpy as np
from ase.calculators.abinit import AbinitProfile
from ase.calculators.calculator import CalculationFailed
from ase.config import cfg

from ase_mag.core.execution import execute, split_command
from ase_mag.reference.abinit.input import atom_types, write_input
from ase_mag.reference.abinit.output import error_message, parse_output
from ase_mag.reference.abinit.pseudopotentials import DEBIAN, find_pseudopotentials
from ase_mag.reference.abinit.settings import check_settings, sphere_radii
from ase_mag.reference.base import BadOutput, ConstrainedDFT, Solution

#: Keywords of the attempts after the first one: slower mixing, longer memory.
SAFER = (
    {"iscf": 7, "diemix": 0.3, "diemixmag": 0.3, "npulayit": 12},
    {"iscf": 7, "diemix": 0.15, "diemixmag": 0.15, "npulayit": 20},
)
SAFER_NONCOLLINEAR = (
    {"iscf": 4, "diemix": 0.15, "diemixmag": 0.15},
    {"iscf": 7, "diemix": 0.3, "diemixmag": 0.3, "npulayit": 12},
)

#: By how much printed derivatives of spinor runs of 9.6.2 miss differences of the energy (relative,
#: measured): the largest values seen.
NONCOLLINEAR_ERRORS = {
    "magforces_longitudinal": 0.01,
    "magforces_transverse": 0.08,
    "forces": 0.02,
}


class ConstrainedAbinit(ConstrainedDFT):
    """A reference (see :mod:`ase_mag.reference`) whose energies are those of ABINIT 9.6 or 10.

    The moments are those of atomic spheres, held at the moments of the atoms by ABINIT's
    ``constraint_kind`` (a Lagrange constraint: no penalty is in the energy). PAW with the
    functional of the data sets, without spin-orbit coupling. Command and folders of
    pseudopotentials are those of ASE's Abinit calculator (section ``[abinit]`` of ASE's
    config.ini, or ``profile``); input and output are own ones, since ASE's take no constraint per
    atom, no (N, 3) moments, and return runs that did not converge.

    Parameters
    ----------
    profile : ase.calculators.abinit.AbinitProfile, optional
        Default: that of ASE's configuration, else the command ``abinit``.
    pseudopotentials : dict symbol -> file, optional; default ``<symbol>.xml`` in ``pp_paths``.
    kpts : three int, Monkhorst-Pack divisions, shifted by half a step unless ``gamma``.
    gamma : bool, whether the mesh contains the zone center.
    ecut, pawecutdg : float, eV, cutoff of the plane waves and of the fine grid.
    smearing : (kind, width in eV); 'gaussian', 'fermi-dirac', 'cold' or 'methfessel-paxton'.
    sphere_radius : float or dict symbol -> float, angstrom; default: the PAW radius rounded up to
        0.1 bohr (2.2 bohr for iron).
    tolerance : float, residual of the potential (tolvrs); default 1e-8, non-collinear 1e-6.
    max_iterations : int, of one attempt.
    magcon_lambda : float, speed of the constraint in the iterations; no effect on results.
    reuse_density : bool, start from the density of the last run when cell, species, constraints and
        collinearity are the same.
    extra : dict of further ABINIT keywords.
    constraint, noncollinear, moment_tolerance, directory : see :class:`ConstrainedDFT`.

    Raises
    ------
    FileNotFoundError
        In a calculation without the program or a pseudopotential, naming where it was looked for.
    ValueError
        For settings or targets that cannot be, before anything runs.
    ase_mag.reference.NotConverged
        If no attempt converges (ABINIT itself prints numbers then).
    ase_mag.reference.BadOutput
        For an output file that is incomplete or damaged.

    Notes
    -----
    In non-collinear runs of 9.6.2 magnetic forces transverse to the moment are 3-8 % smaller than
    differences of the energy (its on-site expansion in the moment), longitudinal ones are right
    within 1 %, and forces within 2 % (collinear runs: all within 0.3 %).
    ``provenance['relative_error']`` says so, for the weights of labels.
    """

    code = "ABINIT"
    default_parameters = {  # noqa: RUF012
        "pseudopotentials": None,
        "kpts": (4, 4, 4),
        "gamma": False,
        "ecut": 410.0,
        "pawecutdg": 1090.0,
        "smearing": ("gaussian", 0.27),
        "sphere_radius": None,
        "tolerance": None,
        "max_iterations": 120,
        "magcon_lambda": 0.01,
        "reuse_density": True,
        "extra": {},
    }

    def __init__(self, *, profile=None, constraint="vector", **options):
        self.profile = _default_profile() if profile is None else profile
        super().__init__(constraint=constraint, **options)

    def data_sets(self):
        """Return the folders of the PAW data sets, part of what this reference is."""
        return [str(path) for path in self.profile.pp_paths or ()]

    def set(self, **kwargs):
        """Change parameters; results and the density to restart from are discarded."""
        allowed = {*self.default_parameters, "constraint", "noncollinear", "moment_tolerance"}
        unknown = sorted(set(kwargs) - allowed)
        if unknown:
            raise TypeError(
                f"unknown parameter {', '.join(unknown)}; allowed are {', '.join(sorted(allowed))} "
                "(other keywords of ABINIT: extra={...})"
            )
        settings = {**self.parameters, **kwargs}
        check_settings({**settings, "tolerance": settings["tolerance"] or 1e-8})
        changed = super().set(**kwargs)
        if changed:
            self.reset()
            self.folder.kept = None
        return changed

    def check(self, job):
        """Raise before anything runs: program, pseudopotentials, radii, targets, cell."""
        atoms = job.atoms
        if not atoms.pbc.all() or atoms.cell.rank != 3:
            raise ValueError(
                f"ABINIT needs a cell that is periodic in three directions, pbc is "
                f"{atoms.pbc.tolist()}: set a cell (with vacuum if need be) and pbc=True"
            )
        self._words()
        pseudopotentials = self._pseudopotentials(atoms)
        sphere_radii(self.parameters["sphere_radius"], pseudopotentials)
        for i, (symbol, target) in enumerate(zip(atoms.symbols, job.targets, strict=True)):
            valence, size = pseudopotentials[symbol].valence, np.linalg.norm(target)
            if size > valence:
                raise ValueError(
                    f"atom {i} ({symbol}) has a target moment of {size:g} mu_B, more than its "
                    f"{valence:g} valence electrons can give"
                )

    def attempts(self, job):
        """Return keywords and density of each attempt; later ones start from scratch."""
        signature, density = self.folder.kept or (None, None)
        if signature != self._signature(job) or not density.exists():
            density = None
        first = [{"density": density, "keywords": {}}]
        if density is not None:
            first.append({"density": None, "keywords": {}})
        safer = [dict(keywords) for keywords in (SAFER_NONCOLLINEAR if job.noncollinear else SAFER)]
        for keywords in safer:
            keywords["nstep"] = 2 * int(self.parameters["max_iterations"])
        return first + [{"density": None, "keywords": keywords} for keywords in safer]

    def run(self, job, attempt):
        """Run ABINIT once; see :meth:`ConstrainedDFT.run`."""
        folder, words = self.folder.path, self._words()
        pseudopotentials = self._pseudopotentials(job.atoms)
        radii = sphere_radii(self.parameters["sphere_radius"], pseudopotentials)
        default = 1e-6 if job.noncollinear else 1e-8
        settings = {**self.parameters, "tolerance": self.parameters["tolerance"] or default}
        density = attempt["density"]
        text, method = write_input(
            job, pseudopotentials, radii, settings, attempt["keywords"], density
        )
        for old in [*folder.glob("run.abo*"), *folder.glob("runo_*")]:
            old.unlink()
        (folder / "run.abi").write_text(text, encoding="utf-8")
        status, seconds = execute([*words, "run.abi"], folder, "run.log")
        output = folder / "run.abo"
        log = (folder / "run.log").read_text(encoding="utf-8", errors="replace")
        if status != 0:
            raise CalculationFailed(
                f"ABINIT ended with exit status {status} in {folder}: {error_message(log)}"
            )
        if not output.exists():
            raise BadOutput(f"ABINIT wrote no {output}: {error_message(log)}")
        found = parse_output(output.read_text(encoding="utf-8", errors="replace"), str(output))
        self._check_structure(found, job, output)
        self._keep_density(job, folder)
        return Solution(
            energy=found.energy,
            forces=found.forces,
            stress=found.stress,
            moments=found.moments,
            magforces=-found.gradient,
            version=found.version,
            iterations=found.iterations,
            seconds=seconds,
            settings={"command": self.profile.command, **method},
            notes={
                "residual": found.residual,
                "restarted": density is not None,
                "total_moment": found.total_moment.tolist(),
            },
        )

    def describe(self, job):
        """Return the pseudopotentials, radii and known errors for the provenance."""
        pseudopotentials = self._pseudopotentials(job.atoms)
        return {
            "pseudopotentials": {
                symbol: {
                    "file": found.path.name,
                    "sha256": found.digest,
                    "functional": found.functional,
                    "valence": found.valence,
                }
                for symbol, found in pseudopotentials.items()
            },
            "sphere_radius": sphere_radii(self.parameters["sphere_radius"], pseudopotentials),
            "relative_error": NONCOLLINEAR_ERRORS if job.noncollinear else {},
        }

    def _check_structure(self, found, job, output):
        """Raise BadOutput if the results belong to other atoms than those asked for."""
        same = np.array_equal(found.atomic_numbers, job.atoms.numbers) and np.allclose(
            found.positions, job.atoms.positions, atol=1e-6
        )
        if not same:
            raise BadOutput(f"{output} belongs to other atoms than those that were asked for")

    def _keep_density(self, job, folder):
        source = folder / "runo_DEN"
        self.folder.kept = None
        if self.parameters["reuse_density"] and source.exists():
            kept = folder / "last_DEN"
            source.replace(kept)
            self.folder.kept = (self._signature(job), kept)

    def _signature(self, job):
        """Return what a density must have in common with a job to start it."""
        types, typat = atom_types(job.atoms.symbols, job.kinds)
        return (tuple(types), tuple(typat), job.atoms.cell.array.tobytes(), job.noncollinear)

    def _words(self):
        return split_command(
            self.profile.command,
            "ABINIT",
            "Install it (Debian: apt install abinit abinit-data), or set command in the section "
            "[abinit] of ASE's config.ini, or give profile=AbinitProfile(command, pp_paths=[...])",
        )

    def _pseudopotentials(self, atoms):
        return find_pseudopotentials(
            atoms.symbols, self.parameters["pseudopotentials"], self.profile.pp_paths
        )

    def __repr__(self):
        return f"ConstrainedAbinit(constraint={self.parameters['constraint']!r})"


def _default_profile():
    """Return the profile of ASE's configuration, or the program in the PATH."""
    if "abinit" in cfg.parser:
        return AbinitProfile.from_config(cfg, "abinit")
    return AbinitProfile("abinit", pp_paths=[str(DEBIAN)] if DEBIAN.is_dir() else [])
