"""Several descriptors as one."""

import numpy as np

from ase_mag.core import Gradients, storable


@storable
class JointDescriptor:
    """The features of several descriptors of the same species side by side.

    Parameters
    ----------
    parts : list of descriptors (``species``, ``cutoff``, ``n_features``, ``forward``, ``vjp``,
        ``jvp``), at least one.

    Raises
    ------
    ValueError
        For no parts, or parts of different species.
    """

    def __init__(self, parts):
        self.parts = tuple(parts)
        if not self.parts:
            raise ValueError("a joint descriptor needs at least one descriptor, got none")
        self.species = tuple(self.parts[0].species)
        for part in self.parts[1:]:
            if tuple(part.species) != self.species:
                raise ValueError(
                    f"all descriptors must have the same species in the same order, got "
                    f"{', '.join(self.species)} and {', '.join(part.species)}"
                )
        self.cutoff = max(part.cutoff for part in self.parts)
        ends = np.cumsum([part.n_features for part in self.parts]).tolist()
        self.n_features = ends[-1]
        self._places = [slice(a, b) for a, b in zip([0, *ends[:-1]], ends, strict=True)]

    def forward(self, graph, moments):
        """Return the features of all parts, (n_sites, n_features)."""
        return np.concatenate([part.forward(graph, moments) for part in self.parts], axis=1)

    def vjp(self, graph, moments, cotangents, *, lattice=True):
        """Return the gradients of sum(cotangents * D), an :class:`ase_mag.core.Gradients`."""
        total = Gradients(None)
        for part, place in zip(self.parts, self._places, strict=True):
            own = np.ascontiguousarray(cotangents[:, place])
            found = part.vjp(graph, moments, own, lattice=lattice)
            for name in ("moments", "pairs", "radial"):
                new, old = getattr(found, name, None), getattr(total, name)
                if new is not None:
                    setattr(total, name, new if old is None else old + new)
        return total

    def jvp(self, graph, moments, moment_tangents, pair_tangents):
        """Return the change of the features along tangents of the moments and pair vectors."""
        rows = [part.jvp(graph, moments, moment_tangents, pair_tangents) for part in self.parts]
        return np.concatenate(rows, axis=1)

    def to_dict(self):
        """Constructor arguments, for :mod:`ase_mag.core.storage`."""
        return {"parts": list(self.parts)}

    def __repr__(self):
        return f"JointDescriptor({', '.join(map(repr, self.parts))})"
