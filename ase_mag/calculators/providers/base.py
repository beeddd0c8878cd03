"""What all potentials of other packages share: moments of the atoms in, magnetic forces out."""

from abc import abstractmethod

import numpy as np
from ase.calculators.calculator import (
    CalculationFailed,
    PropertyNotImplementedError,
    all_changes,
)

from ase_mag.calculators.base import MomentCalculator
from ase_mag.core import get_moments, set_moments
from ase_mag.core.minimization import minimize
from ase_mag.io.properties import warn_unless_registered


class ProvidedCalculator(MomentCalculator):
    """Base of calculators whose energies E(R, M) come from another package.

    The moments are those of the atoms (:func:`ase_mag.get_moments`). Results: ``energy`` =
    ``free_energy`` (eV), ``forces`` -dE/dR at fixed moments (eV/angstrom), ``stress`` (Voigt,
    eV/angstrom^3, the symmetric part, at fixed moments; only for cells periodic in three
    directions), ``magforces`` -dE/dM (N, 3) (eV/mu_B), ``magmoms`` (N, 3) and ``magmom`` (the given
    moments, mu_B). One evaluation gives all of them.

    Subclasses implement :meth:`predict`.
    """

    implemented_properties = [  # noqa: RUF012 - ASE's protocol
        "energy",
        "free_energy",
        "forces",
        "stress",
        "magmom",
        "magmoms",
        "magforces",
    ]
    ignored_changes = {"initial_charges"}  # noqa: RUF012
    #: Name of the potential, shown with results.
    title = "potential"

    @abstractmethod
    def predict(self, atoms, moments):
        """Return the results ``energy``, ``forces``, ``magforces`` and perhaps ``stress``, a dict.

        Parameters
        ----------
        atoms : ase.Atoms, without calculator; may be changed.
        moments : (N, 3) float array, mu_B.
        """

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        """Fill ``results``.

        Raises
        ------
        ase.calculators.calculator.PropertyNotImplementedError
            For a stress that the potential does not give.
        ValueError
            For moments or results that are not finite, or results of another shape.
        """
        if atoms is not None:
            self.atoms = atoms.copy()
        self.results = {}
        moments = get_moments(self.atoms)
        found = self.predict(self.atoms.copy(), moments.copy())
        n = len(self.atoms)
        shapes = {"energy": (), "forces": (n, 3), "magforces": (n, 3), "stress": (6,)}
        results = {}
        for name, value in found.items():
            array = np.array(value, dtype=float)
            if array.shape != shapes[name] or not np.isfinite(array).all():
                raise ValueError(
                    f"{self.title} gave {name} of shape {array.shape}, "
                    f"{'all finite' if np.isfinite(array).all() else 'not all finite'}; needed are "
                    f"{shapes[name]} finite numbers: is the structure inside of its training data?"
                )
            results[name] = array
        results["energy"] = float(results["energy"])
        if "stress" in properties and "stress" not in results:
            raise PropertyNotImplementedError(
                f"{self.title} gives a stress for cells that are periodic in three directions only "
                f"(here pbc is {self.atoms.pbc.tolist()}), or none at all"
            )
        results |= {"free_energy": results["energy"], "magmoms": moments}
        self.results = results | {"magmom": float(moments[:, 2].sum())}

    def relax_sizes(self, atoms, fmax=1e-4, max_steps=200):
        """Return the moments of minimal energy over the sizes |M_i| >= 0 at fixed directions.

        Parameters
        ----------
        atoms : ase.Atoms with moments; not changed. Zero moments have no direction and stay zero.
        fmax : float, eV/mu_B, of the slopes -B_i.e_i that may be left. max_steps : int.

        Returns
        -------
        (N, 3) float array, mu_B.

        Raises
        ------
        ase.calculators.calculator.CalculationFailed
            (a RuntimeError) If the sizes do not converge.
        """
        trial, start = atoms.copy(), get_moments(atoms)
        sizes = np.linalg.norm(start, axis=1)[:, None]
        directions = np.divide(start, sizes, out=np.zeros_like(start), where=sizes > 0)

        def evaluate(sizes):
            set_moments(trial, sizes * directions)
            energies = np.zeros(len(trial))
            energies[:1] = self.get_property("energy", trial)
            slopes = np.einsum("ij,ij->i", self.get_property("magforces", trial), directions)
            return energies, -slopes[:, None]

        found = minimize(evaluate, sizes, fmax=fmax, max_steps=max_steps, nonnegative=True)
        if not found.converged:
            raise CalculationFailed(
                f"the moment sizes of {self.title} did not relax: after {found.n_steps} steps the "
                f"largest |dE/d|M|| is {found.slope:.3g} eV/mu_B (atom {found.worst}), fmax is "
                f"{fmax:g}"
            )
        return found.x * directions

    def _get_name(self):
        return self.title

    def todict(self, skip_default=False):
        """Return the name as a JSON-able dict."""
        warn_unless_registered()
        return {"name": self.title}

    def __repr__(self):
        return f"{type(self).__name__}({self.title!r})"
