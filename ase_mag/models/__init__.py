"""Models: everything that turns (geometry, moments) into energy. Models add with ``+``."""

from ase_mag.models.anisotropy import CubicAnisotropy, UniaxialAnisotropy
from ase_mag.models.atomic_energies import AtomicEnergies
from ase_mag.models.bond_exchange import BondExchange
from ase_mag.models.descriptor_model import DescriptorModel
from ase_mag.models.eam_files import EamTables, read_eam, write_eam
from ase_mag.models.eam_parameters import dudarev_derlet_2005, mendelev_2003
from ase_mag.models.embedded_atom import EmbeddedAtom
from ase_mag.models.embedding import (
    Embedding,
    MagneticEmbedding,
    SquareRootEmbedding,
    TabulatedEmbedding,
)
from ase_mag.models.fealhl1 import FeAlHL1
from ase_mag.models.fehl1 import FeHL1, ReferenceState
from ase_mag.models.heisenberg import Heisenberg
from ase_mag.models.heisenberg_landau import HeisenbergLandau
from ase_mag.models.hopping_embedded_atom import HoppingEmbeddedAtom
from ase_mag.models.landau import Landau
from ase_mag.models.moment_tensor_basis import MomentTensorBasis
from ase_mag.models.moment_tensor_potential import (
    MomentTensorPotential,
    NoncollinearMomentTensorPotential,
)
from ase_mag.models.mtp_files import read_mtp, write_mtp
from ase_mag.models.nonmagnetic import NonMagnetic
from ase_mag.models.parameter_sets import ParameterSet, describe, load, named
from ase_mag.models.radial import PiecewisePolynomial, Radial
from ase_mag.models.radial_forms import (
    bethe_slater,
    cubic,
    double_exchange,
    quintic,
    shell_radii,
    shells,
    tabulated,
)
from ase_mag.models.series_exchange import SeriesExchange
from ase_mag.models.spin_lattice_potential import SpinLatticePotential
from ase_mag.models.spin_orientation_potential import SpinOrientationPotential
from ase_mag.models.tensor_exchange import DzyaloshinskiiMoriya, TensorExchange, dmi_tensors
from ase_mag.models.three_site_exchange import ThreeSiteExchange
from ase_mag.models.trained import TrainedPotential
from ase_mag.models.zeeman import Zeeman

__all__ = [
    "AtomicEnergies",
    "BondExchange",
    "CubicAnisotropy",
    "DescriptorModel",
    "DzyaloshinskiiMoriya",
    "EamTables",
    "EmbeddedAtom",
    "Embedding",
    "FeAlHL1",
    "FeHL1",
    "Heisenberg",
    "HeisenbergLandau",
    "HoppingEmbeddedAtom",
    "Landau",
    "MagneticEmbedding",
    "MomentTensorBasis",
    "MomentTensorPotential",
    "NonMagnetic",
    "NoncollinearMomentTensorPotential",
    "ParameterSet",
    "PiecewisePolynomial",
    "Radial",
    "ReferenceState",
    "SeriesExchange",
    "SpinLatticePotential",
    "SpinOrientationPotential",
    "SquareRootEmbedding",
    "TabulatedEmbedding",
    "TensorExchange",
    "ThreeSiteExchange",
    "TrainedPotential",
    "UniaxialAnisotropy",
    "Zeeman",
    "bethe_slater",
    "cubic",
    "describe",
    "dmi_tensors",
    "double_exchange",
    "dudarev_derlet_2005",
    "load",
    "mendelev_2003",
    "named",
    "quintic",
    "read_eam",
    "read_mtp",
    "shell_radii",
    "shells",
    "tabulated",
    "write_eam",
    "write_mtp",
]
