"""What all codes of constrained density-functional theory share, apart from their files."""

from abc import abstractmethod
from dataclasses import dataclass, field

import numpy as np
from ase.calculators.calculator import CalculationFailed, all_changes

from ase_mag.calculators.base import MomentCalculator
from ase_mag.core import get_moments
from ase_mag.io.properties import warn_unless_registered
from ase_mag.reference.constraints import check_targets, constraint_kinds, moment_errors
from ase_mag.reference.spin_frame import is_collinear, spin_frame
from ase_mag.reference.work_folder import WorkFolder


class NotConverged(CalculationFailed):
    """The code ran to its end without convergence; other settings may help."""


class BadOutput(CalculationFailed):
    """The output of the code is incomplete or not what it should be."""


@dataclass(frozen=True)
class Job:
    """One constrained calculation, in the spin frame in which the code runs.

    Attributes
    ----------
    atoms : ase.Atoms; its moments are not looked at.
    targets : (N, 3) array, mu_B, in the frame of the run (collinear: x and y are zero).
    kinds : N str, see :data:`ase_mag.reference.constraints.KINDS`.
    noncollinear : bool
    """

    atoms: object
    targets: np.ndarray
    kinds: tuple
    noncollinear: bool


@dataclass
class Solution:
    """What a code found for a :class:`Job`, in ASE units and the frame of the run.

    Attributes
    ----------
    energy : float, eV, without any penalty of the constraint; what the forces are derivatives of.
    forces : (N, 3) array, eV/angstrom. stress : (6,) array, eV/angstrom^3, ASE's sign, or None.
    moments : (N, 3) array, mu_B. magforces : (N, 3) array, -dE/dM in eV/mu_B, or None.
    version : str, of the code.
    iterations : int; seconds : float, wall time.
    settings : dict, what was written for the code, JSON-able.
    notes : dict, whatever else belongs to the provenance of the labels.
    extra : dict, further results, which are not turned.
    """

    energy: float
    forces: np.ndarray
    stress: np.ndarray
    moments: np.ndarray
    magforces: np.ndarray
    version: str
    iterations: int
    seconds: float
    settings: dict = field(default_factory=dict)
    notes: dict = field(default_factory=dict)
    extra: dict = field(default_factory=dict)


class ConstrainedDFT(MomentCalculator):
    """Base of the references that run a code; subclasses write its input and read its output.

    The targets are the moments of the atoms (:func:`ase_mag.get_moments`). Without spin-orbit
    coupling spin space may be turned, so the run is made in the frame of
    :func:`ase_mag.reference.spin_frame.spin_frame` and turned back; moments on one line, along
    any axis, are a collinear run.

    Results: ``energy`` = ``free_energy`` (eV; the free energy of smeared electrons, of which
    forces, stress and magnetic forces are derivatives; no penalty), ``forces``, ``stress``,
    ``magmoms`` (N, 3), ``magmom`` (sum of the z components), ``magforces`` (N, 3) -dE/dM,
    ``moment_error`` (N,), mu_B (:func:`ase_mag.reference.constraints.moment_errors`).

    Parameters
    ----------
    constraint : str, dict by species or sequence, see ``constraints.constraint_kinds``.
    noncollinear : bool or None; None: only if the moments are not on one line.
    moment_tolerance : float, mu_B; a larger ``moment_error`` counts as not converged.
    directory : path or None, where the code runs; None: a temporary folder.
    settings : parameters of the code, JSON-able.

    Attributes
    ----------
    provenance : dict, JSON-able, of the last results: code, version, settings, pseudopotentials,
        constraint kinds, iterations, seconds, what failed before.
    """

    implemented_properties = [  # noqa: RUF012 - ASE's protocol
        "energy",
        "free_energy",
        "forces",
        "stress",
        "magmom",
        "magmoms",
        "magforces",
        "moment_error",
    ]
    ignored_changes = {"initial_charges"}  # noqa: RUF012
    #: Name of the code.
    code = "DFT"

    def __init__(
        self,
        *,
        constraint="vector",
        noncollinear=None,
        moment_tolerance=1e-3,
        directory=None,
        **settings,
    ):
        if noncollinear not in (None, True, False):
            raise ValueError(f"noncollinear must be True, False or None, got {noncollinear!r}")
        if not moment_tolerance > 0:
            raise ValueError(f"moment_tolerance must be positive, in mu_B, got {moment_tolerance}")
        self.provenance = {}
        super().__init__(
            constraint=constraint,
            noncollinear=noncollinear,
            moment_tolerance=moment_tolerance,
            **settings,
        )
        self.directory = directory

    @property
    def directory(self):
        """Where the code runs, a path or None (temporary); setting it starts in a new folder."""
        return self.folder.given

    @directory.setter
    def directory(self, path):
        self.folder = WorkFolder(path)

    @abstractmethod
    def attempts(self, job):
        """Return the settings to try one after the other, safer ones later, a list of dicts."""

    @abstractmethod
    def run(self, job, attempt):
        """Run the code for ``job`` with the settings ``attempt`` and return a Solution.

        Raises
        ------
        NotConverged
            Then the next attempt is made. Any other exception ends the calculation.
        """

    def check(self, job):
        """Raise ValueError for a job that the code cannot do; called before anything runs."""

    def spin_frame(self, targets):
        """Return the rotation (3, 3) of spin space into the frame of the run."""
        return spin_frame(targets)

    def describe(self, job):
        """Return what the provenance says beyond the settings, a JSON-able dict."""
        return {}

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        """Run the code and fill ``results`` and ``provenance``."""
        if atoms is not None:
            self.atoms = atoms.copy()
        self.results = {}
        atoms, constraint = self.atoms, self.parameters["constraint"]
        kinds = constraint_kinds(constraint, atoms.symbols)
        targets = get_moments(atoms)
        if "initial_magmoms" not in atoms.arrays and any(kind != "free" for kind in kinds):
            raise ValueError(
                "the atoms have no moments, which are the targets of the constraint: call "
                "ase_mag.set_moments(atoms, 2.2) before (zero is a legal target)"
            )
        check_targets(targets, kinds, atoms.symbols, constraint)
        self.results = self._solve(atoms, targets, kinds)

    def relax_sizes(self, atoms):
        """Return the moments of minimal energy over the sizes |M_i| >= 0 at fixed directions.

        A run with all directions constrained. A moment that turns over during it has its minimum
        at zero, where it is held in a further run.

        Parameters
        ----------
        atoms : ase.Atoms with moments; not changed. Zero moments have no direction and stay zero.

        Returns
        -------
        (N, 3) float array, mu_B.

        Raises
        ------
        ase.calculators.calculator.CalculationFailed
            If the code fails or does not converge.
        """
        targets = get_moments(atoms)
        directions = targets.copy()
        sizes = np.linalg.norm(directions, axis=1)
        directions[sizes > 0] /= sizes[sizes > 0, None]
        moving = sizes > 0
        while moving.any():
            kinds = tuple("direction" if moves else "vector" for moves in moving)
            found = self._solve(atoms, targets, kinds, allow_turned=True)
            along = np.einsum("ij,ij->i", found["magmoms"], directions)
            turned = moving & (along < 0)
            if not turned.any():
                return np.where(moving, along, 0.0)[:, None] * directions
            moving &= ~turned
            targets[turned] = 0.0
        return np.zeros_like(targets)

    def _solve(self, atoms, targets, kinds, allow_turned=False):
        """Return the results of the first attempt that converges."""
        wanted = self.parameters["noncollinear"]
        noncollinear = not is_collinear(targets) if wanted is None else wanted
        if not noncollinear and not is_collinear(targets):
            raise ValueError(
                "the target moments are not collinear (they do not lie on one line), but "
                "noncollinear=False: use noncollinear=True or None, or collinear moments"
            )
        frame = self.spin_frame(targets)
        rotated = targets @ frame.T
        if not noncollinear:
            rotated[:, :2] = 0.0
        job = Job(atoms.copy(), rotated, kinds, noncollinear)
        self.check(job)
        failures = []
        for attempt in self.attempts(job):
            try:
                solution = self.run(job, attempt)
                self._check_moments(solution, job, allow_turned)
            except NotConverged as error:
                failures.append(str(error))
                continue
            self.provenance = self._provenance(job, solution, frame, failures)
            return _results(solution, job, frame)
        raise NotConverged(
            f"{self.code} did not converge in {len(failures)} attempts: " + " | ".join(failures)
        )

    def _check_moments(self, solution, job, allow_turned):
        errors = moment_errors(solution.moments, job.targets, job.kinds)
        if allow_turned:
            along = np.einsum("ij,ij->i", solution.moments, job.targets)
            turned = (along < 0) & (np.array(job.kinds) == "direction")
            errors[turned] = 0.0
        worst, tolerance = int(np.argmax(errors)), self.parameters["moment_tolerance"]
        if errors[worst] > tolerance:
            raise NotConverged(
                f"atom {worst} ({job.atoms.symbols[worst]}) has the moment "
                f"{np.round(solution.moments[worst], 4).tolist()} mu_B, "
                f"{errors[worst]:.2g} mu_B away from its target "
                f"{np.round(job.targets[worst], 4).tolist()} ({job.kinds[worst]}; in the frame of "
                f"the run), moment_tolerance is {tolerance:g}"
            )

    def _provenance(self, job, solution, frame, failures):
        return {
            "code": self.code,
            "version": solution.version,
            "noncollinear": job.noncollinear,
            "constraint": list(job.kinds),
            "spin_frame": frame.tolist(),
            "iterations": solution.iterations,
            "seconds": solution.seconds,
            "failed_attempts": failures,
            "settings": solution.settings,
            **self.describe(job),
            **solution.notes,
        }

    def _get_name(self):
        return self.code

    def todict(self, skip_default=False):
        """Return name and parameters as a JSON-able dict (without the directory)."""
        warn_unless_registered()
        return {"name": self.name, **super().todict(skip_default=skip_default)}


def _results(solution, job, frame):
    """Return the results of ASE, moments and magnetic forces turned back."""
    moments = solution.moments @ frame
    results = {
        "energy": solution.energy,
        "free_energy": solution.energy,
        "forces": solution.forces,
        "magmoms": moments,
        "magmom": float(moments[:, 2].sum()),
        "moment_error": moment_errors(solution.moments, job.targets, job.kinds),
    }
    if solution.stress is not None:
        results["stress"] = solution.stress
    if solution.magforces is not None:
        results["magforces"] = solution.magforces @ frame
    return results | solution.extra
