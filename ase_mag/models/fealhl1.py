"""FeAlHL-1, a synthetic magnetic alloy with a known magnetism, for fits with two species."""

from ase_mag.core.model import Sum
from ase_mag.core.storage import storable
from ase_mag.models.eam_parameters import mendelev_2003
from ase_mag.models.embedded_atom import EmbeddedAtom
from ase_mag.models.fehl1 import ReferenceState
from ase_mag.models.heisenberg import Heisenberg
from ase_mag.models.landau import Landau
from ase_mag.models.pair_functions import PairFunctions
from ase_mag.models.radial import PiecewisePolynomial
from ase_mag.models.radial_forms import cubic, quintic

_SPECIES = ("Fe", "Al")


@storable
class FeAlHL1(Sum):
    """FeAlHL-1, an iron-aluminum alloy made for tests of fits: SYNTHETIC, calibrated, NOT DFT.

    FeHL-1 (:class:`FeHL1`) where only iron is; aluminum is an atom with the embedded-atom functions
    of iron and additional pair energies s_ab(r),

    E = E_EAM + 1/2 sum_ij s_ab(r_ij) + sum_Fe [A_i (m_i^2 - m0^2) + B_i (m_i^4 - m0^4)]
        + sum_Al [0.8 m_i^2 + 0.1 m_i^4] - 1/2 sum_ij J_ab(r_ij) M_i.M_j + 1/2 sum_FeFe J m0^2,

    m0 = 2.2 mu_B, with s_FeAl = q(0.28; 1.8, 3.2) + q(-0.08; 2.6, 4.2) eV and
    s_AlAl = q(0.25; 2.0, 3.5) eV, where q(s; ri, rc) is s for r < ri and falls to 0 at rc
    (:func:`quintic`). In A and B of iron, x_i = sum_Fe psi + 2.2 sum_Al psi - 25.35187: aluminum
    beside iron quenches its moment. J_FeFe is that of FeHL-1, J_FeAl(r) = -0.12 (1 - r/3.75)^3
    eV/mu_B^2: aluminum has a small moment against those around it.

    In cells of 16 atoms on bcc, relaxed: Fe 2.849 angstrom and 2.145 mu_B; Fe15Al 2.851, 2.02;
    D0_3 Fe3Al 2.858, 1.52 and a formation energy of -0.29 eV/atom; B2 FeAl 2.900, 0.87,
    -0.36 eV/atom (energies against bcc iron and bcc aluminum of this model). Other crystals, more
    than 50 % of aluminum, and pure aluminum mean nothing.
    """

    def __init__(self):
        iron = mendelev_2003()
        psi, pair = iron.density.functions[0], iron.pair.functions[0]
        lattice = EmbeddedAtom(_SPECIES, density=psi, pair=pair, embedding=iron.embedding[0])
        size = EmbeddedAtom(_SPECIES, pair={_SPECIES: quintic(0.28, 3.2, inner=1.8)})
        order = EmbeddedAtom(
            _SPECIES,
            pair={
                _SPECIES: quintic(-0.08, 4.2, inner=2.6),
                ("Al", "Al"): quintic(0.25, 3.5, inner=2.0),
            },
        )
        quenching = PiecewisePolynomial(psi.knots, 2.2 * psi.coefficients)
        functions = {pair: psi for pair in (("Fe", "Fe"), ("Al", "Fe"), ("Al", "Al"))}
        density = PairFunctions.of(_SPECIES, functions | {_SPECIES: quenching}, "density")
        a, b = [-0.150, 0.0060, -2e-5], [0.0192, 0.0004]
        options = {"density": density, "reference_density": 25.35187}
        landau = Landau(_SPECIES, a={"Fe": a, "Al": 0.8}, b={"Fe": b, "Al": 0.1}, **options)
        function = cubic(0.191248, cutoff=3.75)
        exchange = Heisenberg(
            _SPECIES, {("Fe", "Fe"): function, _SPECIES: cubic(-0.12, cutoff=3.75)}
        )
        ferromagnet = Sum([Landau("Fe", a=a, b=b, **options), Heisenberg("Fe", function)])
        reference = ReferenceState(ferromagnet, 2.2)
        super().__init__([lattice, size, order, landau, exchange, reference])

    def to_dict(self):
        return {}

    def __repr__(self):
        return f"FeAlHL1(Fe, Al, synthetic; cutoff {self.cutoff:g} angstrom)"
