"""Any model as the free stand-in for constrained density-functional theory."""

import numpy as np
from ase.calculators.calculator import CalculationFailed

from ase_mag.calculators import MagneticCalculator
from ase_mag.core import Sum
from ase_mag.core.minimization import minimize
from ase_mag.models import FeHL1


class ConstrainedModel(MagneticCalculator):
    """A reference (see :mod:`ase_mag.reference`) whose energies are those of a model.

    E(R, M) of the model at exactly the moments of the atoms; all results of
    :class:`ase_mag.MagneticCalculator` and ``moment_error`` = 0 (N,).

    Parameters
    ----------
    model : Model
    name : str, optional
        What is shown as the origin of results. Default: 'FeHL-1 (synthetic)' for that set, else
        the ``repr`` of the model.
    skin : float, angstrom, of the neighbor list.
    fmax : float, eV/mu_B; relaxed sizes have |dE/d|M_i|| < fmax.
    max_steps : int, bound for the Newton steps of one relaxation of the sizes.

    Raises
    ------
    As :class:`ase_mag.MagneticCalculator`; ValueError for ``moments='relaxed'``.
    """

    implemented_properties = [*MagneticCalculator.implemented_properties, "moment_error"]  # noqa: RUF012
    default_parameters = MagneticCalculator.default_parameters | {"fmax": 1e-8}

    def __init__(self, model, *, name=None, skin=0.5, fmax=1e-8, max_steps=200):
        self._shown = name
        super().__init__(model, moments="fixed", skin=skin, fmax=fmax, max_steps=max_steps)

    def set(self, **kwargs):
        """Change parameters (skin, fmax, max_steps); results are discarded."""
        if kwargs.get("moments", "fixed") != "fixed":
            raise ValueError(
                f"a reference constrains the moments, so moments={kwargs['moments']!r} is not "
                "possible: use MagneticCalculator, or relax_sizes(atoms)"
            )
        return super().set(**kwargs)

    def relax_sizes(self, atoms):
        """Return the moments of minimal energy over the sizes |M_i| >= 0 at fixed directions.

        The slope is dE/d|M_i| = -B_i.e_i with the magnetic force B_i and direction e_i; truncated
        Newton steps go down to |dE/d|M_i|| < fmax (or dE/d|M_i| >= 0 at |M_i| = 0). This is the
        local minimum next to the sizes in ``atoms``.

        Parameters
        ----------
        atoms : ase.Atoms with moments; not changed. Zero moments have no direction and stay zero.

        Returns
        -------
        (N, 3) float array, mu_B.

        Raises
        ------
        ase.calculators.calculator.CalculationFailed
            (a RuntimeError) If the sizes do not converge, with the largest slope that is left.
        ValueError
            If the model knows directions only (:func:`ase_mag.core.sizes.check_sizes`).
        """
        surface, state = self._synchronize(atoms)
        surface.check_sizes(state)
        start = self._given
        sizes = np.linalg.norm(start, axis=1)[:, None]
        directions = np.divide(start, sizes, out=np.zeros_like(start), where=sizes > 0)
        energy_of_moments = self._energy_of_moments(surface, state)

        def evaluate(sizes):
            energies, slopes = energy_of_moments(sizes * directions)
            return energies, np.einsum("ij,ij->i", slopes, directions)[:, None]

        self._given = None  # the state's moments are no longer those of any atoms
        fmax, max_steps = self.parameters["fmax"], self.parameters["max_steps"]
        found = minimize(evaluate, sizes, fmax=fmax, max_steps=max_steps, nonnegative=True)
        if not found.converged:
            raise CalculationFailed(
                f"the moment sizes did not relax: after {found.n_steps} steps the largest "
                f"|dE/d|M|| is {found.slope:.3g} eV/mu_B (atom {found.worst}, |M| "
                f"{found.x[found.worst, 0]:.3g} mu_B), fmax is {fmax:g}: raise max_steps or fmax; "
                "a model without a Landau term has no minimum"
            )
        return found.x * directions

    def _collect(self, response, state):
        return super()._collect(response, state) | {"moment_error": np.zeros(len(state.moments))}

    def _get_name(self):
        return self._shown or shown_name(self.model)

    def todict(self, skip_default=False):
        """Return name and parameters as a JSON-able dict."""
        return {"name": self.name, **super().todict(skip_default=skip_default)}

    def __repr__(self):
        return f"ConstrainedModel({self.name})"


def shown_name(model):
    """Return the name under which results of ``model`` are shown."""
    if isinstance(model, FeHL1):
        return "FeHL-1 (synthetic)"
    if isinstance(model, Sum):
        return " + ".join(shown_name(term) for term in model.terms)
    return repr(model)
