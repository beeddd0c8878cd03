"""A small model with linear and non-linear parameters, for fits."""

import numpy as np

from ase_mag.core import Gradients, Response, Trainable
from ase_mag.core.storage import storable
from ase_mag.models.heisenberg import exchange_gradients


@storable
class ScreenedModel(Trainable):
    """E = sum_i (a m_i^2 + b m_i^4) + sum_ij [A f(alpha, r) - J/2 f(beta, r) M_i.M_j],

    f(q, r) = (1 - r/4)^3 exp(-q (r - 2.5)). Parameters a, b, A, J (linear), alpha, beta.
    """

    species = ("Fe",)
    cutoff = 4.0
    homogeneous = True
    linear = np.arange(4)

    def __init__(self, values=(-0.15, 0.02, 0.6, 0.05, 1.0, 0.5)):
        self.values = np.array(values, dtype=float)

    @property
    def parameters(self):
        return self.values.copy()

    @parameters.setter
    def parameters(self, values):
        if np.shape(values) != (6,):
            raise ValueError(f"6 parameters are needed, got {np.shape(values)}")
        self.values = np.array(values, dtype=float)

    def terms(self, graph, moments, lattice=True):
        """Return the Gradients of the derivatives with respect to all six parameters."""
        size, exchange, alpha, beta = self.values[2:]
        own = moments[: graph.n_sites]
        m2 = (own**2).sum(axis=1)
        slope = np.zeros((graph.n_atoms, 3))
        slope[: graph.n_sites] = own
        quartic = np.zeros_like(slope)
        quartic[: graph.n_sites] = 4 * m2[:, None] * own
        r = graph.distances
        u = np.maximum(1 - r / 4.0, 0.0)

        def functions(q):
            """f and df/dq with their derivatives by r."""
            x = r - 2.5
            f = u**3 * np.exp(-q * x)
            df = -0.75 * u**2 * np.exp(-q * x) - q * f
            return (f, df), (-x * f, -f - x * df)

        def pair(f, df, factor):
            return Gradients(factor * graph.sum_pairs(f), radial=factor * df)

        def coupled(f, df, factor):
            return exchange_gradients(graph, factor * f, factor * df, moments, moments, lattice)

        first, second = functions(alpha)
        third, fourth = functions(beta)
        return [
            Gradients(m2, 2 * slope),
            Gradients(m2**2, quartic),
            pair(*first, 1.0),
            coupled(*third, 1.0),
            pair(*second, size),
            coupled(*fourth, exchange),
        ]

    def gradients(self, graph, moments, *, lattice=True):
        terms = self.terms(graph, moments, lattice)
        energies = sum(p * t.energies for p, t in zip(self.values[:4], terms[:4], strict=True))
        slopes = sum(
            p * t.moments
            for p, t in zip(self.values[:4], terms[:4], strict=True)
            if t.moments is not None
        )
        radial = self.values[2] * terms[2].radial
        if lattice:
            radial = radial + self.values[3] * terms[3].radial
        return Gradients(energies, slopes, radial=radial)

    def parameter_vjp(self, graph, moments, weights):
        out = np.zeros(6)
        for k, term in enumerate(self.terms(graph, moments)):
            response = Response.from_gradients(graph, term)
            for name in ("energies", "magforces", "forces", "virials"):
                cotangent = getattr(weights, name)
                if cotangent is not None:
                    out[k] += (cotangent * getattr(response, name)).sum()
        return out

    def to_dict(self):
        return {"values": self.values}
