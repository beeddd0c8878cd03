"""Descriptors: arrays in, features out."""

from ase_mag.descriptors.dipole_density import DipoleDensityDescriptor
from ase_mag.descriptors.invariants import InvariantDescriptor
from ase_mag.descriptors.joint import JointDescriptor
from ase_mag.descriptors.radial_spin import RadialSpinDescriptor
from ase_mag.descriptors.site import SiteDescriptor, SiteNeighbors
from ase_mag.descriptors.spin_density import ExchangeDensityDescriptor
from ase_mag.descriptors.triple_density import ThreeBodyExchangeDescriptor
from ase_mag.descriptors.voronoi import voronoi_volumes
from ase_mag.descriptors.weighted import WeightedDescriptor

__all__ = [
    "DipoleDensityDescriptor",
    "ExchangeDensityDescriptor",
    "InvariantDescriptor",
    "JointDescriptor",
    "RadialSpinDescriptor",
    "SiteDescriptor",
    "SiteNeighbors",
    "ThreeBodyExchangeDescriptor",
    "WeightedDescriptor",
    "voronoi_volumes",
]
