"""VASP as a reference: penalties that are ramped to the hard constraint, or DeltaSpin."""

from dataclasses import replace
from time import perf_counter

import numpy as np
from ase.calculators.calculator import CalculationFailed, PropertyNotImplementedError
from ase.config import cfg

from ase_mag.core import get_moments
from ase_mag.reference.base import BadOutput, ConstrainedDFT, NotConverged, Solution
from ase_mag.reference.penalty_ramp import PenaltyStep, at_last_weight, at_target, energy_ratio
from ase_mag.reference.vasp.deltaspin import incar_lines, read_deltaspin
from ase_mag.reference.vasp.input import VaspInput, check_settings, check_weights, penalty_form
from ase_mag.reference.vasp.output import constrained_moments, read_oszicar, read_run
from ase_mag.reference.vasp.program import can_restart, execute, find_command, forget

#: What is tried one after the other: the settings as given, then linear mixing in small steps.
_SAFER = ({}, {"AMIX": 0.1, "BMIX": 1e-5, "AMIX_MAG": 0.2, "BMIX_MAG": 1e-5})
_NOT_KEYWORDS = (
    "constraint",
    "noncollinear",
    "moment_tolerance",
    "rwigs",
    "lambdas",
    "extrapolate",
    "direction_penalty",
    "deltaspin",
    "magforces_verified",
    "energy_tolerance",
)


class ConstrainedVasp(ConstrainedDFT):
    """A reference (see :mod:`ase_mag.reference`) that runs VASP with constrained moments.

    VASP minimizes E + E_p, with a penalty for the moment M_i of every constrained atom i and its
    target T_i (unit vector e_i; I_CONSTRAINED_M = 2, 1 and 4):

        'vector':     E_p = sum_i lambda |M_i - T_i|^2
        'direction':  E_p = sum_i lambda |M_i - e_i (e_i.M_i)|^2   (direction_penalty=1)
        'direction':  E_p = sum_i lambda (|M_i| - e_i.M_i)         (direction_penalty=4)

    At the minimum dE/dM = -dE_p/dM, so that -dE/dM_i = 2 lambda (M_i - T_i), or 2 lambda times the
    part of M_i perpendicular to e_i. lambda grows from run to run (each starts from WAVECAR and
    CHGCAR of the one before); energies without penalty, forces, stress, moments and magnetic forces
    are extrapolated to 1/lambda = 0, where M_i = T_i. The run with DeltaSpin, a patched VASP, has
    Lagrange multipliers instead: E_p = 0, one run, -dE/dM = -lambda.

    M_i is what VASP prints as MW_int: the magnetization in the sphere RWIGS times a function that
    vanishes at its surface. It is smaller than the moment of the sphere (1.56 of 2.67 mu_B in the
    manual's iron dimer). Targets, ``magmoms``, ``moment_error`` and ``magforces`` are all of MW;
    the table of OUTCAR is ``sphere_magmoms``. For 'direction' the size of M_i is known to three
    decimals.

    Parameters
    ----------
    constraint : 'vector', 'direction' or 'free', or a dict by species or list of these
        VASP has one form of penalty for all atoms, so vectors and directions cannot be mixed, and
        there is none for magnitudes. A zero target cannot be held (M_CONSTR = 0 0 0 means free),
        except with DeltaSpin.
    command : str, optional, e.g. ``'mpirun -n 16 vasp_ncl'``
        Default: ASE_VASP_COMMAND, VASP_COMMAND or VASP_SCRIPT, as ASE's Vasp. Penalties and
        non-collinear moments need the non-collinear program.
    rwigs : dict of angstrom by symbol, optional; default: the RWIGS of the POTCARs.
    lambdas : growing weights, eV/mu_B^2.
    extrapolate : bool; False: the labels of the moments reached with the last lambda, which are
        exact ones of these moments (choose ``moment_tolerance`` accordingly).
    direction_penalty : 1 or 4 (VASP >= 6.4; no magnetic forces, see below).
    deltaspin : bool, whether ``command`` runs DeltaSpin.
    magforces_verified : bool
        The sign and factor of lambda*MW_perp are those of VASP's manual, but no output of a run
        with known derivatives was at hand here. So there are no ``magforces`` until
        :meth:`verify_magforces` has passed, or you know and say so. Every later run repeats the
        comparison with its own energies.
    noncollinear : True; VASP constrains atoms only in non-collinear runs.
    moment_tolerance : float, mu_B, for the moments that are returned.
    energy_tolerance : float, eV per atom, for the error of the extrapolated energy; more counts as
        not converged (the state may have jumped from one lambda to the next).
    directory : path or None, where VASP runs.
    settings : keywords of ``ase.calculators.vasp.Vasp`` (``xc``, ``kpts``, ``encut``, ...).

    Raises
    ------
    ValueError
        For settings that the reference writes itself, collinear settings, constraints that VASP
        does not have, zero targets.
    FileNotFoundError
        If the program or a POTCAR is missing; the message says where it was looked for.
    NotConverged, BadOutput, CalculationFailed
        When calculating; numbers of runs that did not converge are never returned.
    """

    code = "VASP"
    ignored_changes = {"initial_charges"}  # noqa: RUF012

    def __init__(
        self,
        *,
        constraint="vector",
        command=None,
        rwigs=None,
        lambdas=(1.0, 2.5, 5.0, 10.0),
        extrapolate=True,
        direction_penalty=1,
        deltaspin=False,
        magforces_verified=False,
        noncollinear=True,
        moment_tolerance=5e-3,
        energy_tolerance=1e-3,
        directory=None,
        **settings,
    ):
        self.command = command
        super().__init__(
            constraint=constraint,
            noncollinear=noncollinear,
            moment_tolerance=moment_tolerance,
            directory=directory,
            rwigs=rwigs,
            lambdas=lambdas,
            extrapolate=bool(extrapolate),
            direction_penalty=direction_penalty,
            deltaspin=bool(deltaspin),
            magforces_verified=bool(magforces_verified),
            energy_tolerance=energy_tolerance,
            **settings,
        )

    def data_sets(self):
        """Return the folder of the POTCAR files, part of what this reference is."""
        return [str(cfg.get("VASP_PP_PATH", ""))]

    def set(self, **kwargs):
        """Change parameters or keywords of VASP; results are discarded."""
        check_settings({k: v for k, v in kwargs.items() if k not in _NOT_KEYWORDS})
        if kwargs.get("noncollinear", True) is not True:
            check_settings({"lnoncollinear": False})
        if kwargs.get("direction_penalty", 1) not in (1, 4):
            raise ValueError(
                f"direction_penalty must be 1 or 4, got {kwargs['direction_penalty']!r}"
            )
        if "lambdas" in kwargs:
            kwargs["lambdas"] = check_weights(kwargs["lambdas"])
        changed = super().set(**kwargs)
        if self.parameters.get("extrapolate") and len(self.parameters["lambdas"]) < 2:
            raise ValueError(
                f"lambdas={self.parameters['lambdas']}: an extrapolation needs two or more; give "
                "more, or extrapolate=False"
            )
        names = [*ConstrainedDFT.implemented_properties, "sphere_magmoms"]
        if not self._has_magforces():
            names.remove("magforces")
        self.implemented_properties = names
        return changed

    def _has_magforces(self):
        p = self.parameters
        return p["deltaspin"] or (p["magforces_verified"] and p["direction_penalty"] == 1)

    def get_property(self, name, atoms=None, allow_calculation=True):
        """Return a result; see the class about ``magforces``."""
        if name == "magforces" and not self._has_magforces():
            raise PropertyNotImplementedError(
                "this ConstrainedVasp gives no magforces: the sign and factor of lambda*MW_perp "
                "are not proved for your VASP. Run verify_magforces(atoms) once on a small cell "
                "with moments away from their equilibrium (direction_penalty=1), and give "
                "magforces_verified=True from then on"
            )
        return super().get_property(name, atoms, allow_calculation)

    def verify_magforces(self, atoms, tolerance=0.05):
        """Prove the sign and factor of the magnetic forces by the energies of a ramp.

        Runs the ramp for ``atoms`` and compares the change of E = TOTEN - E_p from one lambda to
        the next with -B.dM (see :func:`ase_mag.reference.penalty_ramp.energy_ratio`), and the sign
        of lambda*MW_perp with MW_int.

        Parameters
        ----------
        atoms : ase.Atoms with moments that are far enough from equilibrium: energies must change by
            1e-4 eV, and moments must miss the target by 0.002 mu_B at the first lambda.
        tolerance : float, for |ratio - 1|.

        Returns
        -------
        dict with 'ratio', 'energy_change' (eV) and 'largest_residual' (mu_B). The calculator has
        ``magforces_verified=True`` afterwards.

        Raises
        ------
        BadOutput
            If they do not agree.
        ValueError
            If the moments are too close to equilibrium to tell, or for direction_penalty=4.
        """
        if self.parameters["deltaspin"] or self.parameters["direction_penalty"] != 1:
            raise ValueError(
                "verify_magforces is for penalties with direction_penalty=1, not for DeltaSpin "
                "(whose magnetic forces are its multipliers) or direction_penalty=4"
            )
        self.calculate(atoms)
        report = {k: self.provenance[k] for k in ("ratio", "energy_change", "largest_residual")}
        if abs(report["energy_change"]) < 1e-4 or report["largest_residual"] < 2e-3:
            raise ValueError(
                f"the moments are too close to equilibrium to prove the magnetic forces: {report}; "
                "choose targets that need a larger constraint, or smaller lambdas"
            )
        if abs(report["ratio"] - 1) > tolerance:
            raise BadOutput(
                f"the magnetic forces contradict the energies of the ramp: {report}; this VASP "
                "prints something else in lambda*MW_perp or E_p than its manual says"
            )
        self.set(magforces_verified=True)
        return report

    def spin_frame(self, targets):
        """Return the unit matrix: VASP needs no turning of spins, and spin-orbit allows none."""
        return np.eye(3)

    def check(self, job):
        """Raise ValueError for constraints that VASP does not have."""
        if self.parameters["deltaspin"]:
            incar_lines(job.targets, job.kinds)
        else:
            penalty_form(job, self.parameters["direction_penalty"])

    def attempts(self, job):
        """Return the settings to try: as given, then linear mixing in small steps."""
        return [dict(extra) for extra in _SAFER]

    def run(self, job, attempt):
        """Run VASP, once for every lambda, and return what it found."""
        start = perf_counter()
        changed = (*_NOT_KEYWORDS, *(key.lower() for key in attempt))
        keywords = {k: v for k, v in self.parameters.items() if k.lower() not in changed}
        files = VaspInput(job.atoms, keywords)
        command = find_command(self.command)
        run = self._run_deltaspin if self.parameters["deltaspin"] else self._run_ramp
        try:
            values, version, iterations, notes = run(job, files, command, attempt)
        except CalculationFailed:
            forget(self.folder.path)
            raise
        rwigs = [[s for s, _ in files.species], files.radii(self.parameters["rwigs"])]
        sphere = notes.pop("sphere_magmoms")
        return Solution(
            **values,
            version=version,
            iterations=iterations,
            seconds=perf_counter() - start,
            settings={**{k: _jsonable(v) for k, v in keywords.items()}, **attempt, "RWIGS": rwigs},
            notes={"potcars": files.titles(), **notes},
            extra={"sphere_magmoms": sphere},
        )

    def _run_ramp(self, job, files, command, attempt):
        form, targets = penalty_form(job, self.parameters["direction_penalty"])
        weights = self.parameters["lambdas"] if targets.any() else self.parameters["lambdas"][:1]
        steps, iterations = [], 0
        for weight in weights:
            lines = {"I_CONSTRAINED_M": form, "LAMBDA": float(weight), "M_CONSTR": targets}
            found = self._run_once(job, files, command, lines | attempt)
            path = self.folder.path / "OSZICAR"
            penalty = read_oszicar(path, len(job.atoms))
            if abs(penalty.weight - weight) > 1e-2 * weight:
                raise BadOutput(f"{path} is of lambda {penalty.weight}, not of {weight}")
            penalty = replace(penalty, weight=weight)  # it is printed with three digits
            moments, residual = constrained_moments(penalty, targets[files.sort], form, path)
            iterations += penalty.iterations
            steps.append(
                PenaltyStep(
                    weight,
                    found.energy,
                    penalty.energy,
                    files.resorted(found.forces),
                    found.stress,
                    files.resorted(moments),
                    None if residual is None else files.resorted(2 * residual),
                )
            )
        extrapolate = self.parameters["extrapolate"] and len(steps) > 1
        values, errors = (at_target if extrapolate else at_last_weight)(steps)
        limit = self.parameters["energy_tolerance"] * len(job.atoms)
        if errors.get("energy", 0.0) > limit:
            raise NotConverged(
                f"the energies of the ramp do not extrapolate: the error is {errors['energy']:.2g} "
                f"eV, energy_tolerance allows {limit:.2g} eV; give larger or more lambdas, or look "
                f"whether the state jumps (penalties {[s.penalty for s in steps]} eV)"
            )
        ratio, change = energy_ratio(steps) if steps[0].magforces is not None else (np.nan, 0.0)
        if self.parameters["magforces_verified"] and abs(change) > 1e-3 and abs(ratio - 1) > 0.2:
            raise BadOutput(
                f"the magnetic forces contradict the energies of the ramp in {self.folder.path}: "
                f"the energy changes by {change:.5g} eV, which is {ratio:.3g} times what they say"
            )
        if not self._has_magforces():
            values["magforces"] = None
        held = targets.any(axis=1)
        missed = [np.linalg.norm((s.moments - targets)[held], axis=1) for s in steps]
        notes = {
            "lambdas": list(weights),
            "penalties": [s.penalty for s in steps],
            "extrapolated": extrapolate,
            "extrapolation_errors": errors,
            "ratio": float(ratio),
            "energy_change": float(change),
            "sphere_magmoms": files.resorted(found.moments),
        }
        if form == 2:
            notes["missed_targets"] = [float(m.max(initial=0.0)) for m in missed]
        fields = [
            np.abs(s.magforces).max() / (2 * s.weight) for s in steps if s.magforces is not None
        ]
        notes["largest_residual"] = float(max(fields, default=0.0))
        return values, found.version, iterations, notes

    def _run_deltaspin(self, job, files, command, attempt):
        lines = incar_lines(job.targets, job.kinds) | attempt
        found = self._run_once(job, files, command, lines)
        log = read_deltaspin(self.folder.path / "vasp.out")
        if len(log.moments) != len(job.atoms):
            raise BadOutput(f"DeltaSpin printed {len(log.moments)} atoms of {len(job.atoms)}")
        values = {
            "energy": found.energy,
            "forces": files.resorted(found.forces),
            "stress": found.stress,
            "moments": files.resorted(log.moments),
            "magforces": files.resorted(log.magforces),
        }
        notes = {"deltaspin": True, "sphere_magmoms": files.resorted(found.moments)}
        return values, found.version, log.iterations, notes

    def _run_once(self, job, files, command, lines):
        folder = self.folder.path
        restart = can_restart(folder, job.atoms)
        start = {
            "LNONCOLLINEAR": True,
            "ISYM": -1,
            "LORBIT": 11,
            "NSW": 0,
            "IBRION": -1,
            "LWAVE": True,
            "LCHARG": True,
            "ISTART": int((folder / "WAVECAR").exists() and restart),
            "ICHARG": 1 if (folder / "CHGCAR").exists() and restart else 2,
            "RWIGS": files.radii(self.parameters["rwigs"]),
            "MAGMOM": job.targets,
        }
        for name in ("OUTCAR", "OSZICAR", "vasprun.xml", "vasp.out"):
            (folder / name).unlink(missing_ok=True)
        files.write(folder, start | lines)
        self.execute(command, folder)
        return read_run(folder, job.atoms[files.sort])

    def execute(self, command, folder):
        """Run ``command`` in ``folder``."""
        execute(command, folder)

    def relax_sizes(self, atoms):
        """Return the moments of minimal energy over the sizes |M_i| >= 0 at fixed directions.

        A run with constrained directions; see :class:`ConstrainedDFT`. Moments that are zero in
        ``atoms`` are free in that run, because VASP cannot hold a zero, and zero in the result.
        """
        targets = get_moments(atoms)
        sizes = np.linalg.norm(targets, axis=1)
        if not sizes.any():
            return np.zeros_like(targets)
        kinds = tuple("direction" if size > 0 else "free" for size in sizes)
        found = self._solve(atoms, targets, kinds)
        units = targets / np.where(sizes > 0, sizes, 1.0)[:, None]
        return np.einsum("ij,ij->i", found["magmoms"], units)[:, None] * units


def _jsonable(value):
    return value.tolist() if isinstance(value, np.ndarray) else value
