"""Observables of runs, their errors, and plots of them."""

from ase_mag.analysis.burgers import burgers_vector, loop_circuit
from ase_mag.analysis.correlations import PairCorrelation, pair_correlation
from ase_mag.analysis.curie import curie_temperature
from ase_mag.analysis.curie_result import CurieTemperature
from ase_mag.analysis.fluctuations import Fluctuations, fluctuations
from ase_mag.analysis.heating import heat, quench
from ase_mag.analysis.heating_result import CurieEstimate, Heated, Heating, curie_estimate
from ase_mag.analysis.magnons import MagnonDispersion, magnon_dispersion
from ase_mag.analysis.maps import SiteMaps, site_maps
from ase_mag.analysis.moment_histogram import MomentHistogram, moment_histogram
from ase_mag.analysis.observables import magnetization, moment_sizes, msd, pressure
from ase_mag.analysis.phases import Phase, PhaseTable, phase_table
from ase_mag.analysis.phonons import PhononSpectrum, phonon_spectrum
from ase_mag.analysis.point_defects import PointDefect, PointDefects, formation_energies
from ase_mag.analysis.reweighting import MultiHistogram
from ase_mag.analysis.run import Run, read
from ase_mag.analysis.spin_waves import SpinWaves, spin_waves
from ase_mag.analysis.statistics import (
    Average,
    average,
    block_error,
    correlation_time,
    cumulative_error,
    cumulative_mean,
)
from ase_mag.analysis.structure_factor import StructureFactor, structure_factor
from ase_mag.analysis.summary import summary
from ase_mag.analysis.vibrations import VibrationalDensity, vibrational_density
from ase_mag.analysis.wave_vectors import commensurate_path

__all__ = [
    "Average",
    "CurieEstimate",
    "CurieTemperature",
    "Fluctuations",
    "Heated",
    "Heating",
    "MagnonDispersion",
    "MomentHistogram",
    "MultiHistogram",
    "PairCorrelation",
    "Phase",
    "PhaseTable",
    "PhononSpectrum",
    "PointDefect",
    "PointDefects",
    "Run",
    "SiteMaps",
    "SpinWaves",
    "StructureFactor",
    "VibrationalDensity",
    "average",
    "block_error",
    "burgers_vector",
    "commensurate_path",
    "correlation_time",
    "cumulative_error",
    "cumulative_mean",
    "curie_estimate",
    "curie_temperature",
    "fluctuations",
    "formation_energies",
    "heat",
    "loop_circuit",
    "magnetization",
    "magnon_dispersion",
    "moment_histogram",
    "moment_sizes",
    "msd",
    "pair_correlation",
    "phase_table",
    "phonon_spectrum",
    "pressure",
    "quench",
    "read",
    "site_maps",
    "spin_waves",
    "structure_factor",
    "summary",
    "vibrational_density",
]
