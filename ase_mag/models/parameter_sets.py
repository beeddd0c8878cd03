"""Published (and one synthetic) parameter sets by name, and saved models by path."""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from ase_mag import units
from ase_mag.core import storage
from ase_mag.core.model import Model
from ase_mag.models.eam_parameters import dudarev_derlet_2005, mendelev_2003
from ase_mag.models.fealhl1 import FeAlHL1
from ase_mag.models.fehl1 import FeHL1
from ase_mag.models.heisenberg import Heisenberg
from ase_mag.models.landau import Landau
from ase_mag.models.radial_forms import bethe_slater, cubic, double_exchange, shells
from ase_mag.models.trained import TrainedPotential


@dataclass(frozen=True)
class ParameterSet:
    """What is known about a named parameter set; ``str()`` gives a paragraph to read.

    Attributes
    ----------
    name : str
    kind : str, which terms of the energy it has.
    species : tuple of str
    source : str, where the numbers are published.
    note : str, units, conventions, and where the set fails.
    make : callable, returns a new :class:`ase_mag.core.Model`.
    """

    name: str
    kind: str
    species: tuple
    source: str
    note: str
    make: Callable

    def __str__(self):
        return (
            f"{self.name}: {self.kind} ({', '.join(self.species)})\n"
            f"source: {self.source}\n{self.note}"
        )


def named(name=None):
    """Return the model of a named parameter set, or the list of names.

    Parameters
    ----------
    name : str, optional

    Returns
    -------
    Model (a new one at every call), or without ``name`` the list of all names.

    Raises
    ------
    ValueError
        For a name that does not exist.

    Examples
    --------
    >>> from ase_mag import models
    >>> models.named()[:2]
    ['FeHL-1', 'Fe-Mendelev2003']
    >>> models.named('Fe-Mendelev2003').cutoff
    5.3
    """
    return list(_SETS) if name is None else describe(name).make()


def describe(name):
    """Return the :class:`ParameterSet` of a name: kind, species, source and notes.

    Raises
    ------
    ValueError
        For a name that does not exist.
    """
    if name not in _SETS:
        raise ValueError(
            f"there is no parameter set called {name!r}; available are {', '.join(_SETS)} "
            "(models.load(path) reads a saved model)"
        )
    return _SETS[name]


def load(path):
    """Return the model that ``model.save(path)`` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, from a newer version, or holds something that is not a model.
    """
    model, _ = storage.load(path)
    if not isinstance(model, Model):
        raise ValueError(
            f"{path} holds an object of type {type(model).__name__}, not a model; models are "
            "written by model.save(path)"
        )
    return model


def _crystal(cell, a, number):
    """Return a one-atom crystal with lattice constant a."""
    return SimpleNamespace(
        positions=np.zeros((1, 3)),
        cell=0.5 * a * np.array(cell, dtype=float),
        pbc=(True, True, True),
        numbers=np.array([number]),
    )


def _uppasd_iron():
    values = [1.33767484769984, 0.7570357654565, -0.05975437643846, -0.08819834160658]
    bcc = _crystal([[-1, 1, 1], [1, -1, 1], [1, 1, -1]], 2.8665, 26)
    return Heisenberg("Fe", shells(values, bcc, unit="mRy", convention="UppASD", moment=2.23))


def _uppasd_cobalt():
    values = [0.918607, 0.069227, 0.106665, -0.095576, 0.029369]
    fcc = _crystal([[0, 1, 1], [1, 0, 1], [1, 1, 0]], 3.544, 27)
    return Heisenberg("Co", shells(values, fcc, unit="mRy", convention="UppASD", moment=1.56))


def _spilady_exchange():
    return Heisenberg("Fe", cubic(0.870, cutoff=3.75), convention="SPILADY")


def _spilady_landau():
    g2 = units.g_electron**2
    return Landau(
        "Fe", a=-0.744824 / g2, b=0.345295 / g2**2, c=-0.00790205 / g2**3, allow_unbounded=True
    )


def _lammps_iron():
    function = bethe_slater(0.02726, 0.2171, 1.841, cutoff=3.4)
    return Heisenberg("Fe", function, convention="LAMMPS", moment=2.2)


def _soso():
    return Heisenberg("Fe", double_exchange(), convention="UppASD", moment=2.23)


_SPILADY = (
    "P.-W. Ma, S. L. Dudarev and C. H. Woo, Comput. Phys. Commun. 207, 350 (2016), the program "
    "SPILADY (Apache-2.0)"
)
_SETS = {
    entry.name: entry
    for entry in (
        ParameterSet(
            "FeHL-1",
            "embedded atom, density-dependent Landau energy and exchange",
            ("Fe",),
            "made for this program on the embedded-atom potential of M. I. Mendelev et al., Phil. "
            "Mag. 83, 3977 (2003)",
            "SYNTHETIC: calibrated so that bcc iron looks right, NOT fitted to DFT. A free "
            "stand-in for constrained DFT. fcc iron means nothing in this set.",
            FeHL1,
        ),
        ParameterSet(
            "Fe-Mendelev2003",
            "embedded atom",
            ("Fe",),
            "M. I. Mendelev, S. Han, D. J. Srolovitz, G. J. Ackland, D. Y. Sun and M. Asta, Phil. "
            "Mag. 83, 3977 (2003)",
            "eV, angstrom; bcc a = 2.8553 angstrom. No moments.",
            mendelev_2003,
        ),
        ParameterSet(
            "Fe-DudarevDerlet2005",
            "embedded atom",
            ("Fe",),
            "S. L. Dudarev and P. M. Derlet, J. Phys.: Condens. Matter 17, 7097 (2005); parameters "
            "as in SPILADY",
            "eV, angstrom; bcc a = 2.8665 angstrom. The magnetic energy is inside the embedding "
            "function: no moments.",
            dudarev_derlet_2005,
        ),
        ParameterSet(
            "Fe-UppASD",
            "Heisenberg exchange",
            ("Fe",),
            "the bcc iron example of the program UppASD (four shells, mRy)",
            "H = -sum_{i!=j} J e_i.e_j with unit vectors that stand for 2.23 mu_B. The values hold "
            "on the shells of bcc with a = 2.8665 angstrom; between the shells J(r) is a smooth "
            "interpolation of ours.",
            _uppasd_iron,
        ),
        ParameterSet(
            "Co-UppASD",
            "Heisenberg exchange",
            ("Co",),
            "the fcc cobalt example of the program UppASD (five shells, mRy)",
            "H = -sum_{i!=j} J e_i.e_j with unit vectors that stand for 1.56 mu_B. The values hold "
            "on the shells of fcc with a = 3.544 angstrom (our choice: the example has no lattice "
            "constant); between the shells J(r) is a smooth interpolation of ours.",
            _uppasd_cobalt,
        ),
        ParameterSet(
            "Fe-SPILADY-exchange",
            "Heisenberg exchange",
            ("Fe",),
            _SPILADY,
            "J(r) = 0.870 (1 - r/3.75)^3 eV in H = -1/2 sum_ij J S_i.S_j with S = -M/(g mu_B); "
            "here J/g^2.",
            _spilady_exchange,
        ),
        ParameterSet(
            "Fe-SPILADY-Landau",
            "Landau energy",
            ("Fe",),
            _SPILADY,
            "A = -0.744824, B = 0.345295, C = -0.00790205 eV in powers of the spin S = -M/(g "
            "mu_B); here A/g^2, B/g^4, C/g^6. C < 0: NOT BOUNDED BELOW, the energy falls without "
            "end beyond 10.6 mu_B; keep all moments below 8 mu_B.",
            _spilady_landau,
        ),
        ParameterSet(
            "Fe-LAMMPS",
            "Heisenberg exchange",
            ("Fe",),
            "the bcc iron example of the SPIN package of LAMMPS (pair style spin/exchange)",
            "Bethe-Slater function, a = 0.02726 eV, b = 0.2171, d = 1.841 angstrom, cutoff 3.4, in "
            "H = -sum_{i!=j} J e_i.e_j with unit vectors that stand for 2.2 mu_B. LAMMPS cuts J "
            "hard; here it goes smoothly to zero over the last 0.5 angstrom.",
            _lammps_iron,
        ),
        ParameterSet(
            "SOSO-eq43",
            "Heisenberg exchange",
            ("Fe",),
            "Y. Gao, M. Bokdam and P. J. Kelly, Machine Learning Exchange Fields for Ab-initio "
            "Spin Dynamics (2024), eq. 43, a test model",
            "J(r) = 0.94/r^3 exp(-r/2.0) eV, cutoff 3.962 angstrom (1.4 a with a = 2.83), in "
            "H = -sum_{i!=j} J e_i.e_j; read as unit vectors that stand for 2.23 mu_B. The paper "
            "cuts J hard; here it goes smoothly to zero over the last 0.5 angstrom.",
            _soso,
        ),
        ParameterSet(
            "FeAlHL-1",
            "embedded atom, density-dependent Landau energy and exchange",
            ("Fe", "Al"),
            "made for this program on FeHL-1",
            "SYNTHETIC: FeHL-1 with an aluminum that quenches the moments of iron and orders with "
            "it, NOT fitted to DFT. Known magnetism for tests of fits on bcc cells with at most "
            "50 % of aluminum.",
            FeAlHL1,
        ),
        ParameterSet(
            "Fe-MSLP-FeHL1",
            "spin-lattice potential with a network (SpinLatticePotential)",
            ("Fe",),
            "trained by examples/train_mslp/train.py in the four stages of J. B. J. Chapman and "
            "P.-W. Ma (2022)",
            "SYNTHETIC: learned from FeHL-1 plus 0.01 eV/mu_B^4 sum_i (M_i.sum_j g(r_ij) M_j)^2, "
            "g = (1 - r/3.75 angstrom)^3, NOT from DFT: a proof of the method. Domain: bcc with "
            "up to 7 % strain, vacancies, interstitials, displacements to 0.25 angstrom, distances "
            "from 1.8 angstrom on, moments of 0 to 3.5 mu_B (4.5 in the crystal) in any "
            "directions; errors in docs/mslp.md. fcc iron means nothing in this set.",
            lambda: TrainedPotential("Fe-MSLP-FeHL1"),
        ),
        ParameterSet(
            "Fe-MSLP-ABINIT",
            "spin-lattice potential with a network (SpinLatticePotential)",
            ("Fe",),
            "trained by examples/train_mslp/train_dft.py on constrained PBE calculations with "
            "ABINIT 9.6.2 (4x4x4 points, 2 and 4 atoms)",
            "Domain: COLLINEAR moments of 0.5 to 2.9 mu_B within 0.12 angstrom of the "
            "FERROMAGNETIC crystal (a = 2.75 to 2.95 angstrom), with other signs of the moments "
            "only as they are (cells of two to four atoms). Outside of it, and known to be wrong: "
            "the single-layer antiferromagnet with relaxed sizes (collapses to 0 at 2.75 to 2.83 "
            "angstrom), the non-magnetic crystal (2.677 angstrom, 0.26 eV; ABINIT 2.756, 0.441), "
            "relaxed directions (from random ones: a non-collinear state 49 meV/atom above the "
            "ferromagnet), so no spin dynamics and no Curie temperature. Nothing of defects and "
            "of short distances (V and t below 2.5 angstrom are those a fit starts from). "
            "Energies relative to -3381.60 eV per atom. Errors in docs/mslp.md.",
            lambda: TrainedPotential("Fe-MSLP-ABINIT"),
        ),
    )
}
