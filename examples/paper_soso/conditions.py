"""The tests of the paper, and the sizes of the job."""

from dataclasses import dataclass

#: Lattice constant of bcc iron, angstrom, and the moment that is fixed, mu_B.
LATTICE, MOMENT = 2.83, 2.23
#: Parameters of the paper's descriptor: cutoff (angstrom), radial functions, largest l.
DESCRIPTOR = {"cutoff": 7.0, "n_radial": 12, "l_max": 6}
#: Weights of energies (1) and fields (mu_B^2) where fields are fitted, too.
WITH_FIELDS = {"energy": 1.0, "magforces": 0.1}


#: How potentials are fitted: weights, and options of the potential.
FITS = {
    "linear": ({"energy": 1.0}, {}),
    "linear, fields": (WITH_FIELDS, {}),
    "sparse": ({"energy": 1.0}, {"regressor": "sparse_gp", "n_sparse": 100}),
    "sparse, fields": (WITH_FIELDS, {"regressor": "sparse_gp", "n_sparse": 100}),
    "sparse, l ≤ 12, fields": (
        WITH_FIELDS,
        {
            "cutoff": 5.0,
            "n_radial": 6,
            "l_max": 12,
            "spin_width": 0.25,
            "regressor": "sparse_gp",
            "n_sparse": 200,
        },
    ),
}


#: Priors among which the evidence chooses.
CHOICES = [
    {"decay": decay, "regularization": regularization}
    for decay in (None, 1.5, 0.7)
    for regularization in (1e-6, 1e-8, 1e-10)
]


@dataclass(frozen=True)
class Case:
    """One Hamiltonian and one kind of configurations.

    Attributes
    ----------
    title : str. exchange : 'uppasd' or 'double', of heisenberg.py; step : bool, cut hard.
    displacement : float, angstrom, standard deviation per component (eq 42).
    moments : 'fixed' or 'eq 41'; rounding : float, degrees, of the cusp of eq 41.
    paper : float, meV/atom, the published RMSE, if any. fits : names of FITS.
    """

    title: str
    exchange: str
    displacement: float = 0.0
    moments: str = "fixed"
    rounding: float = 0.0
    step: bool = False
    paper: float | None = None
    fits: tuple = ("linear", "linear, fields")


CASES = {
    "fixed": Case("fixed moments", "uppasd", paper=0.07),
    "eq41": Case("moments of eq 41", "uppasd", moments="eq 41", paper=0.84, fits=tuple(FITS)),
    "d000": Case("eq 43, smooth, on its sites", "double", fits=("linear",)),
    "d007": Case("eq 43, smooth, 0.07 Å", "double", 0.07, fits=tuple(FITS)[:3]),
    "d025": Case("eq 43, smooth, 0.25 Å", "double", 0.25),
    "d007hard": Case("eq 43, cut hard, 0.07 Å", "double", 0.07, step=True, fits=("linear",)),
    "d025hard": Case("eq 43, cut hard, 0.25 Å", "double", 0.25, step=True, fits=("linear",)),
}


@dataclass(frozen=True)
class Transfer:
    """A fit to small cells whose potential is used in cells of 54 atoms.

    Attributes
    ----------
    title : str. case : name of CASES. cutoff : float, angstrom; n_radial : int. decay : float,
        None, or 'evidence': decay and regularization are those of CHOICES with the largest one.
    cells : cubic cells per edge of the training configurations, which are shared evenly.
    temperature_K : float or None; None: directions as in the other tests, and all energies; else
        thermal directions, and energies relative to the ferromagnet (eq 37).
    """

    title: str
    case: str
    cutoff: float = 7.0
    n_radial: int = 12
    decay: float | str | None = 0.7
    cells: tuple = ((2, 2, 2),)
    temperature_K: float | None = None


TRANSFERS = {
    "thermal": Transfer("four shells at 300 K, as Fig. 3", "fixed", temperature_K=300),
    "one": Transfer("four shells", "fixed"),
    "one, even": Transfer("four shells", "fixed", decay=None),
    "two": Transfer("four shells, half of it 1×3×3", "fixed", cells=((2, 2, 2), (1, 3, 3))),
    "three": Transfer(
        "four shells, a third 1×3×3, a third 2×2×3",
        "fixed",
        cells=((2, 2, 2), (1, 3, 3), (2, 2, 3)),
    ),
    "one, evidence": Transfer("four shells", "fixed", decay="evidence"),
    "three, evidence": Transfer(
        "four shells, a third 1×3×3, a third 2×2×3",
        "fixed",
        cells=((2, 2, 2), (1, 3, 3), (2, 2, 3)),
        decay="evidence",
    ),
    "sites, evidence": Transfer("eq 43, smooth, on its sites", "d000", decay="evidence"),
    "displaced, evidence": Transfer("eq 43, smooth, 0.07 Å", "d007", decay="evidence"),
    "sites": Transfer("eq 43, smooth, on its sites", "d000"),
    "sites, even": Transfer("eq 43, smooth, on its sites", "d000", decay=None),
    "displaced": Transfer("eq 43, smooth, 0.07 Å", "d007"),
    "displaced, even": Transfer("eq 43, smooth, 0.07 Å", "d007", decay=None),
    "short": Transfer("eq 43, smooth, 0.07 Å", "d007", cutoff=5.6, n_radial=10),
}
#: Temperatures (K) and training configurations of the paper's tests of fields.
THERMAL_K, THERMAL_TRAIN = (300, 1000), 25
THERMAL_CASES = {"fixed": ("linear",), "eq41": tuple(FITS)}


@dataclass(frozen=True)
class Sizes:
    """How much is computed.

    Attributes
    ----------
    train, test : int, configurations; seeds : int, repetitions with other configurations.
    cases : names. field_test : int, configurations whose fields are compared.
    width_cases, widths : the spin widths that are tried; width_test, width_seeds : int.
    transfers : names of TRANSFERS; thermal_cases : of THERMAL_CASES. large_test : int,
        configurations of 54 atoms, and of 16 beside them.
    temperatures_K : of M(T); replicas, reference_replicas : int; picoseconds, equilibration :
        float, ps per replica and how much of it is left out; cells : int, cubic cells per edge.
    drawn : int, test configurations of the figures of energies. thermal, thermal_large : int,
        configurations of 16 (for training, and for tests) and of 54 atoms at each of the
        thermal_K of Figs. 2 and 3. lattice_constants : int, of Figs. 6 and 7.
    """

    train: int = 50
    test: int = 2500
    seeds: int = 3
    cases: tuple = tuple(CASES)
    field_test: int = 300
    width_cases: tuple = ("fixed", "d007")
    widths: tuple = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0)
    width_test: int = 200
    width_seeds: int = 3
    transfers: tuple = tuple(TRANSFERS)
    thermal_cases: tuple = tuple(THERMAL_CASES)
    references: tuple = ("FeHL-1", "fixed", "eq41")
    cusp_K: tuple = (300, 1000, None)
    curve_K: tuple = (300,)
    large_test: int = 100
    temperatures_K: tuple = (300, 600, 900)
    replicas: int = 4
    reference_replicas: int = 12
    picoseconds: float = 5.0
    equilibration: float = 0.6
    cells: int = 2
    drawn: int = 500
    thermal: int = 25
    thermal_large: int = 12
    thermal_K: tuple = (300, 1000)
    lattice_constants: int = 29


FULL = Sizes()
FAST = Sizes(
    train=12,
    test=10,
    seeds=2,
    cases=("fixed",),
    field_test=10,
    width_cases=("fixed",),
    widths=(0.1, 3.0),
    width_test=10,
    width_seeds=1,
    transfers=("thermal", "two"),
    thermal_cases=("fixed",),
    references=("FeHL-1",),
    cusp_K=(),
    curve_K=(),
    large_test=4,
    temperatures_K=(600,),
    replicas=2,
    reference_replicas=4,
    picoseconds=0.2,
    equilibration=0.1,
    drawn=20,
    thermal=8,
    thermal_large=3,
    thermal_K=(300,),
    lattice_constants=5,
)
