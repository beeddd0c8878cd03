"""Published analytic embedded-atom potentials of iron."""

import numpy as np

from ase_mag.core.storage import storable
from ase_mag.models.embedded_atom import EmbeddedAtom
from ase_mag.models.embedding import MagneticEmbedding, SquareRootEmbedding
from ase_mag.models.radial import PiecewisePolynomial, Radial

#: Exponents and weights of the universal screening function of Ziegler, Biersack and Littmark.
_SCREENING = ((3.2, 0.1818), (0.9423, 0.5099), (0.4029, 0.2802), (0.2016, 0.02817))


@storable
class ScreenedNuclei(Radial):
    """Two bare nuclei at short range: V(r) = (k/r) phi(r/l), the universal (ZBL) screening.

    phi(x) = 0.1818 exp(-3.2 x) + 0.5099 exp(-0.9423 x) + 0.2802 exp(-0.4029 x)
    + 0.02817 exp(-0.2016 x); J. F. Ziegler, J. P. Biersack and U. Littmark, The Stopping and Range
    of Ions in Solids (1985). Two screening lengths are in use, 0.88534 a0/(sqrt(2) Z^(1/3)) and
    0.88534 a0/(2 Z^0.23); for iron the second is 1 % shorter.

    Parameters
    ----------
    amplitude : float, k = Z_1 Z_2 e^2/(4 pi eps0) in eV angstrom.
    length : float, l in angstrom.
    cutoff : float, angstrom; another function takes over there (there is a step).
    """

    def __init__(self, amplitude, length, cutoff):
        self.amplitude, self.length = float(amplitude), float(length)
        self.cutoff = float(cutoff)

    def evaluate(self, r):
        value, slope, _ = self.derivatives(r)
        inside = r < self.cutoff
        return np.where(inside, value, 0.0), np.where(inside, slope, 0.0)

    def derivatives(self, r):
        """Return V, V' and V'' at ``r``, whatever the cutoff."""
        phi = [0.0, 0.0, 0.0]
        for exponent, weight in _SCREENING:
            rate = exponent / self.length
            term = weight * np.exp(-rate * r)
            phi = [phi[0] + term, phi[1] - rate * term, phi[2] + rate**2 * term]
        value = self.amplitude * phi[0] / r
        slope = self.amplitude * phi[1] / r - value / r
        return value, slope, self.amplitude * phi[2] / r - 2.0 * slope / r

    def to_dict(self):
        return {"amplitude": self.amplitude, "length": self.length, "cutoff": self.cutoff}


@storable
class ExponentialPolynomial(Radial):
    """f(r) = exp(sum_q c_q r^q) for start <= r < cutoff; ``inner`` below.

    Parameters
    ----------
    coefficients : (n,) float array, c_q; f is in eV.
    start, cutoff : float, angstrom; other functions take over (there may be steps).
    inner : Radial, the function for r < start.
    """

    def __init__(self, coefficients, start, cutoff, inner):
        self.coefficients = np.array(coefficients, dtype=float)
        self.start, self.cutoff, self.inner = float(start), float(cutoff), inner

    def evaluate(self, r):
        polynomial = np.polynomial.Polynomial(self.coefficients)
        value = np.where(r < self.cutoff, np.exp(polynomial(r)), 0.0)
        slope = value * polynomial.deriv()(r)
        below = r < self.start
        if below.any():
            value[below], slope[below] = self.inner.evaluate(r[below])
        return value, slope

    def to_dict(self):
        return {
            "coefficients": self.coefficients,
            "start": self.start,
            "cutoff": self.cutoff,
            "inner": self.inner,
        }


def mendelev_2003():
    """Return the iron potential of Mendelev et al. (2003), an :class:`EmbeddedAtom` model.

    F(rho) = -sqrt(rho) + phi rho^2; psi(r) = sum_k c_k (R_k - r)^3 theta(R_k - r); V(r) is a sum of
    cubes for r >= 2, the exponential of a cubic polynomial for 1 < r < 2 and screened nuclei for
    r <= 1 angstrom; cutoff 5.3 angstrom. M. I. Mendelev, S. Han, D. J. Srolovitz, G. J. Ackland,
    D. Y. Sun and M. Asta, Phil. Mag. 83, 3977 (2003), potential 2.

    V agrees with the tabulated file that its authors distribute (``Fe_mm.eam.fs``) to 2e-9 eV
    beyond 2 angstrom, 2.2e-8 eV between 1 and 2, and 2e-8 relative between 0.5 and 1 angstrom;
    the latter fixes the screening length: 0.88534 a0/(sqrt(2) Z^(1/3)) with a0 = 0.529167 angstrom.
    """
    length = 0.88534 * 0.529167 / (np.sqrt(2.0) * 26.0 ** (1.0 / 3.0))
    nuclei = ScreenedNuclei(9734.2365892908, length, cutoff=1.0)
    join = ExponentialPolynomial(
        [6.4265260576348, 1.7900488524286, -4.5108316729807, 1.0866199373306], 1.0, 2.0, nuclei
    )
    pair = {
        2.2: -24.028204854115,
        2.3: 11.300691696477,
        2.4: 5.3144495820462,
        2.5: -4.6659532856049,
        2.6: 5.9637758529194,
        2.7: -1.7710262006061,
        2.8: 0.85913830768731,
        3.0: -2.1845362968261,
        3.3: 2.6424377007466,
        3.7: -1.0358345370208,
        4.2: 0.33548264951582,
        4.7: -0.046448582149334,
        5.3: -0.0070294963048689,
    }
    density = {2.4: 11.686859407970, 3.2: -0.014710740098830, 4.2: 0.47193527075943}
    return EmbeddedAtom(
        "Fe",
        density=_cubes(density),
        pair=_cubes(pair, start=2.0, inner=join),
        embedding=SquareRootEmbedding(square=-3.5387096579929e-4),
    )


def dudarev_derlet_2005():
    """Return the magnetic iron potential of Dudarev and Derlet, an :class:`EmbeddedAtom` model.

    The magnetic energy is inside F (:class:`MagneticEmbedding`), so no moments appear; psi and V
    are sums of cubes, V(r) is a quintic polynomial between 1.8 and 2.0 angstrom (value and two
    derivatives continuous) and screened nuclei below, with the length 0.88535 a0/(2 Z^0.23);
    cutoff 4.1 angstrom. S. L. Dudarev and P. M. Derlet, J. Phys.: Condens. Matter 17, 7097 (2005),
    parameters as distributed with SPILADY (P.-W. Ma, S. L. Dudarev and C. H. Woo, Comput. Phys.
    Commun. 207, 350 (2016)).
    """
    pair = {
        4.1: -0.1960674387419232,
        3.8: 0.3687525935422963,
        3.5: -1.505333614924853,
        3.2: 4.948907078156191,
        2.9: -4.894613262753399,
        2.6: 3.468897724782442,
        2.4: -1.792218099820337,
        2.3: 80.22069592246987,
    }
    density = {
        3.0: 0.9332056681088162,
        43.0 / 15.0: -1.162558782567700,
        41.0 / 15.0: -0.3502026949249225,
        2.6: 0.4287820835430028,
        2.4: 4.907925057809273,
        2.3: -5.307049068415304,
    }
    length = 0.88535 * 0.52917720859 / (2.0 * 26.0**0.23)
    nuclei = ScreenedNuclei(26.0**2 * 14.3992, length, cutoff=1.8)
    return EmbeddedAtom(
        "Fe",
        density=_cubes(density),
        pair=_cubes(pair, start=2.0, inner=quintic_join(nuclei, _cubes(pair, start=2.0))),
        embedding=MagneticEmbedding(a=4.100199340884814, b=1.565647547483517),
    )


def _cubes(amplitudes, **options):
    return PiecewisePolynomial.from_cubes(list(amplitudes.values()), list(amplitudes), **options)


def quintic_join(nuclei, outer):
    """Return the quintic polynomial that joins V and two derivatives of both functions."""
    start, end = nuclei.cutoff, outer.knots[0]
    w = end - start
    # Value and derivatives of both sides at t = 0 and t = 1, t = (r - start)/w.
    y0, d0, s0 = np.array(nuclei.derivatives(start)) * (1.0, w, w**2)
    y1, d1, s1 = outer.coefficients[0, :3] * (1.0, w, 2.0 * w**2)
    c = np.array(
        [
            y0,
            d0,
            0.5 * s0,
            10.0 * (y1 - y0) - 6.0 * d0 - 4.0 * d1 - 1.5 * s0 + 0.5 * s1,
            15.0 * (y0 - y1) + 8.0 * d0 + 7.0 * d1 + 1.5 * s0 - s1,
            6.0 * (y1 - y0) - 3.0 * (d0 + d1) - 0.5 * (s0 - s1),
        ]
    )
    return PiecewisePolynomial([start, end], [c / w ** np.arange(6.0)], inner=nuclei, step=True)
