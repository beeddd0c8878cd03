"""The one object and what it stands on: graph, moments, response, model, surface."""

from ase_mag.core.bilinear import LANES, BilinearForm, aligned_zeros, padded
from ase_mag.core.graph import NeighborList, PairGraph, Topology
from ase_mag.core.lattice import Lattice, find_lattice
from ase_mag.core.lattice_form import LatticeForm
from ase_mag.core.model import Model, Sum, Trainable
from ase_mag.core.moments import as_moments, get_moments, set_moments
from ase_mag.core.response import Gradients, Response
from ase_mag.core.state import State
from ase_mag.core.storage import storable
from ase_mag.core.surface import CalculatorSurface, ModelSurface, Surface, refuse_relaxed
from ase_mag.core.threads import get_threads, set_threads, threads_for

__all__ = [
    "LANES",
    "BilinearForm",
    "CalculatorSurface",
    "Gradients",
    "Lattice",
    "LatticeForm",
    "Model",
    "ModelSurface",
    "NeighborList",
    "PairGraph",
    "Response",
    "State",
    "Sum",
    "Surface",
    "Topology",
    "Trainable",
    "aligned_zeros",
    "as_moments",
    "find_lattice",
    "get_moments",
    "get_threads",
    "padded",
    "refuse_relaxed",
    "set_moments",
    "set_threads",
    "storable",
    "threads_for",
]
