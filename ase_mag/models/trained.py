"""Trained potentials that come with the package."""

import copy
from functools import cache
from pathlib import Path

from ase_mag.core import storage
from ase_mag.core.model import Model
from ase_mag.core.storage import storable

_FOLDER = Path(__file__).parent / "data"


@storable
class TrainedPotential(Model):
    """A potential as it was trained once: it answers, and no fit changes it.

    Parameters
    ----------
    name : str, of the file in ``ase_mag/models/data``.

    Attributes
    ----------
    metadata : dict, what is known of its training: reference, errors.

    Raises
    ------
    ValueError
        If there is no such file.
    """

    homogeneous = True

    def __init__(self, name):
        known = sorted(path.stem for path in _FOLDER.glob("*.npz"))
        if name not in known:
            raise ValueError(f"no trained potential is called {name!r}; there are {known}")
        self.name = name
        self._model, self.metadata = _loaded(name)
        self.species, self.cutoff = self._model.species, self._model.cutoff
        self.moment_axis = self._model.moment_axis
        self.directional = self._model.directional

    @property
    def addends(self):
        return self._model.addends

    def gradients(self, graph, moments, *, lattice=True):
        return self._model.gradients(graph, moments, lattice=lattice)

    def bilinear(self, graph):
        return self._model.bilinear(graph)

    def trainable(self):
        """Return a copy that can be trained further; it does not bear the name any more."""
        return copy.deepcopy(self._model)

    def to_dict(self):
        return {"name": self.name}

    def __repr__(self):
        return f"TrainedPotential({self.name!r}; {self._model!r})"


@cache
def _loaded(name):
    return storage.load(_FOLDER / f"{name}.npz")
