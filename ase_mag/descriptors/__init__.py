"""Descriptors: arrays in, features out."""

from ase_mag.descriptors.site import SiteDescriptor, SiteNeighbors
from ase_mag.descriptors.voronoi import voronoi_volumes

__all__ = ["SiteDescriptor", "SiteNeighbors", "voronoi_volumes"]
