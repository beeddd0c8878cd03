"""FeHL-1, the synthetic magnetic iron that stands in for constrained DFT."""

import numpy as np

from ase_mag.core.bilinear import BilinearForm
from ase_mag.core.model import Model, Sum
from ase_mag.core.response import Gradients
from ase_mag.core.storage import storable
from ase_mag.models.eam_parameters import mendelev_2003
from ase_mag.models.heisenberg import Heisenberg
from ase_mag.models.landau import Landau
from ase_mag.models.pair_functions import frozen
from ase_mag.models.radial_forms import cubic


@storable
class ReferenceState(Model):
    """Minus the energy that a model has in a ferromagnetic state: E(R) = -E_model(R, M_i = m0 z).

    Added to the model, it makes the ferromagnetic state of moments m0 the zero of the magnetic
    energy at every geometry: a lattice potential fitted to ferromagnetic data stays what it is
    there. It does not depend on the moments.

    Parameters
    ----------
    model : Model
    moment : float, m0 in mu_B.
    """

    def __init__(self, model, moment):
        self.model, self.moment = model, float(moment)
        self.species, self.cutoff = model.species, model.cutoff
        self.homogeneous = model.homogeneous
        if not (np.isfinite(self.moment) and self.moment >= 0):
            raise ValueError(
                f"the moment of the reference state must be finite and not negative, got {moment}"
            )

    def gradients(self, graph, moments, *, lattice=True):
        energies, pairs, radial = graph.cached((self, "state"), lambda: self._evaluate(graph))
        if not lattice:
            return Gradients(energies.copy())
        return Gradients(energies.copy(), pairs=pairs, radial=radial)

    def _evaluate(self, graph):
        moments = np.zeros((graph.n_atoms, 3))
        moments[:, 2] = self.moment
        gradients = self.model.gradients(graph, moments)
        pairs, radial = (
            None if part is None else frozen(-part) for part in (gradients.pairs, gradients.radial)
        )
        return -gradients.energies, pairs, radial

    def bilinear(self, graph):
        return BilinearForm.on(graph, constant=self.gradients(graph, None, lattice=False).energies)

    def to_dict(self):
        return {"model": self.model, "moment": self.moment}


@storable
class FeHL1(Sum):
    """FeHL-1, an iron made for tests and demonstrations: SYNTHETIC, calibrated, NOT DFT.

    E = E_EAM - sum_i [A_i m0^2 + B_i m0^4] + 1/2 sum_ij J_ij m0^2
        + sum_i [A_i m_i^2 + B_i m_i^4] - 1/2 sum_ij J(r_ij) M_i.M_j,  m0 = 2.2 mu_B

    with the embedded-atom potential of Mendelev et al. (2003), whose density gives
    x_i = rho_i - 25.35187, and A_i = -0.150 + 0.0060 x - 2e-5 x^2 eV/mu_B^2,
    B_i = 0.0192 + 0.0004 x eV/mu_B^4 (positive for every density rho > 0: bounded),
    J(r) = 0.191248 (1 - r/3.75)^3 eV/mu_B^2. Ferromagnetic iron with 2.2 mu_B is the embedded-atom
    potential exactly.

    The constants were chosen so that bcc iron looks right, not fitted to any calculation:
    ferromagnetic a = 2.8494 angstrom and m = 2.145 mu_B, antiferromagnetic 2.8371, 1.708 and
    0.233 eV above, nonmagnetic 2.7546 and 0.359 eV above; Curie temperature about 1075 K for rigid
    moments at a = 2.877. At 7 angstrom^3 per atom A is positive: the moments are itinerant. fcc
    iron means nothing in this set.
    """

    def __init__(self):
        lattice = mendelev_2003()
        landau = Landau(
            "Fe",
            a=[-0.150, 0.0060, -2e-5],
            b=[0.0192, 0.0004],
            density=lattice,
            reference_density=25.35187,
        )
        exchange = Heisenberg("Fe", cubic(0.191248, cutoff=3.75))
        reference = ReferenceState(Sum([landau, exchange]), 2.2)
        super().__init__([lattice, landau, exchange, reference])

    def to_dict(self):
        return {}

    def __repr__(self):
        return f"FeHL1(Fe, synthetic; cutoff {self.cutoff:g} angstrom)"
