"""Species without any interaction."""

import numpy as np
from ase.data import atomic_numbers

from ase_mag.core.bilinear import BilinearForm
from ase_mag.core.model import Model
from ase_mag.core.response import Gradients
from ase_mag.core.storage import storable


@storable
class NonMagnetic(Model):
    """E_i = 0: declares species that are in the structure but have no part in the magnetism.

    A structure may only hold species that some term of the model describes; adding
    ``NonMagnetic('Al')`` says that leaving out aluminum is meant.

    Parameters
    ----------
    species : str or tuple of str, chemical symbols.

    Raises
    ------
    ValueError
        For a symbol that is not a chemical element, or one given twice.
    """

    homogeneous = True

    def __init__(self, species):
        self.species = as_species(species)

    def gradients(self, graph, moments, *, lattice=True):
        return Gradients(np.zeros(graph.n_sites))

    def bilinear(self, graph):
        return BilinearForm.on(graph)

    def to_dict(self):
        return {"species": list(self.species)}


def as_species(species):
    """Return chemical symbols (a str or a sequence of str) as a tuple, or raise ValueError."""
    symbols = (species,) if isinstance(species, str) else tuple(species)
    for symbol in symbols:
        if atomic_numbers.get(symbol if isinstance(symbol, str) else None, 0) == 0:
            raise ValueError(
                f"{symbol!r} is not a chemical symbol: give species such as 'Fe' or ('Fe', 'Co')"
            )
    if not symbols or len(set(symbols)) < len(symbols):
        raise ValueError(f"species must be one or more different chemical symbols, got {symbols!r}")
    return symbols
