"""Gaussian approximation potentials of spin orientations (GAP-SOSO)."""

import copy
import inspect
import warnings

import numpy as np

from ase_mag.core.storage import digest, storable
from ase_mag.descriptors import (
    DipoleDensityDescriptor,
    ExchangeDensityDescriptor,
    JointDescriptor,
    ThreeBodyExchangeDescriptor,
    WeightedDescriptor,
)
from ase_mag.models.descriptor_model import DescriptorModel
from ase_mag.regressors import LinearFunction, SparseGaussianProcess

#: Descriptors by the name of their interaction.
TERMS = {
    "exchange": ExchangeDensityDescriptor,
    "dipole": DipoleDensityDescriptor,
    "three-body": ThreeBodyExchangeDescriptor,
}
#: Parameters of which the terms other than exchange have no more than their own default.
_BOUNDED = ("cutoff", "n_radial", "l_max")
REGRESSORS = {"linear": LinearFunction, "sparse_gp": SparseGaussianProcess}
#: Spin widths between which a prior follows them: the lower bound falls as 3/l_max from 0.5 on.
_NARROWEST, _RESOLVED, _WIDEST = 0.5, 3.0, 1.0
#: Training moments below this many times the softness are warned of.
_SMALL = 10.0


@storable
class SpinOrientationPotential(DescriptorModel):
    """GAP-SOSO: energies of sites learned from the overlap of spin-orientation densities.

    E = sum_i e_a(C_i): a Gaussian process for each species a of the features C_i of
    :class:`ase_mag.descriptors.ExchangeDensityDescriptor`, which hold the distances to the
    neighbors and the angles between moments. Y. Gao, M. Bokdam, P. J. Kelly, "Machine learning
    exchange fields for ab-initio spin dynamics" (2024). Its similarity kernel (eq 27) is the scalar
    product of features, so that the process is Bayesian linear regression (``'linear'``, the
    default); other kernels on sparse points are ``'sparse_gp'``.

    Only the directions of moments enter, not their sizes (the adiabatic approximation of the
    paper), so that effective fields -dE/dM are perpendicular to the moments (eq 38, but with the
    derivative of the total energy, and divided by |M|: eV/mu_B; a longitudinal part of the order
    (softness/M)^2 remains). Labels of other sources have a longitudinal part, which this potential
    cannot describe: fit it to ``data.perpendicular()``. Sizes come from elsewhere, e.g.
    ``SpinOrientationPotential('Fe') + Landau('Fe', ...)``.

    Parameters
    ----------
    species : str or sequence of str
    cutoff : float, angstrom. n_radial, l_max : int; width (angstrom), envelope, softness (mu_B) :
        see :class:`ase_mag.descriptors.ExchangeDensityDescriptor`.
    spin_width : float, sigma of the Gaussian around a direction, 1e-3 to 1e3. It says how much less
        energies are expected to vary with P_l(e_i.e_j) the larger l is: by a_l^2. The prior follows
        it from 0.5 (3/l_max if that is less) to 1, and stays the same outside: wider Gaussians
        cover the whole sphere, and a_l ~ spin_width^(-2l) would forbid even exchange (l = 1);
        narrower ones are finer than P_l up to l_max can show, and would expect as much of l_max
        as of exchange. Features are then those of ``spin_width`` times the ratio of both
        (:class:`ase_mag.descriptors.WeightedDescriptor`).
    decay : float or None, angstrom: how fast interactions are expected to fall off with distance,
        about exp(-r/decay). It decides what the data leave open, as where all images of a neighbor
        in a small cell have the same moment, and hardly anything else. The default is the slope of
        the exchange of iron (eq 43) between its first and fourth shell; None: no expectation.
    terms : sequence of str or descriptors: 'exchange' (two bodies, with the parameters above),
        'dipole' (two bodies, with the direction of the bond: spin-orbit coupling) and 'three-body'
        (exchange of two neighbors and the site), which have the parameters above, but cutoff,
        n_radial and l_max at most as large as their defaults
        (:class:`ase_mag.descriptors.DipoleDensityDescriptor`,
        :class:`ase_mag.descriptors.ThreeBodyExchangeDescriptor`). Descriptors with parameters of
        their own are taken as they are.
    regressor : 'linear' or 'sparse_gp'.
    regularization : float, relative to the mean square of the features of a configuration
        (:class:`ase_mag.regressors.BasisFunction`); its root is about the relative error of
        energies that counts as noise.
    **options : of :class:`ase_mag.regressors.SparseGaussianProcess` (``n_sparse``, ``kernel``,
        ``power``) or of :class:`ase_mag.regressors.LinearFunction`; the ``width`` of a Gaussian
        kernel is ``kernel_width`` here.

    Raises
    ------
    ValueError
        For unknown or repeated terms, unknown regressors and species, and numbers out of range.
    TypeError
        For options that the regressor does not have.
    """

    homogeneous = True
    #: Energies depend on the directions of moments only.
    directional = True

    def __init__(
        self,
        species,
        cutoff=7.0,
        n_radial=12,
        l_max=6,
        width=0.5,
        spin_width=0.5,
        envelope="cosine",
        softness=0.05,
        decay=0.7,
        *,
        terms=("exchange",),
        regressor="linear",
        regularization=1e-6,
        **options,
    ):
        given = {
            "cutoff": cutoff,
            "n_radial": n_radial,
            "l_max": l_max,
            "width": width,
            "spin_width": spin_width,
            "envelope": envelope,
            "softness": softness,
            "decay": decay,
        }
        parts = [_part(term, species, given) for term in _listed(terms)]
        _check_different(parts)
        descriptor = parts[0] if len(parts) == 1 else JointDescriptor(parts)
        function = _function(regressor, descriptor.n_features, regularization, options)
        if len(descriptor.species) > 1:
            function = {symbol: copy.deepcopy(function) for symbol in descriptor.species}
        super().__init__(descriptor, function)

    @classmethod
    def from_dict(cls, values):
        """Return a saved potential."""
        self = cls.__new__(cls)
        DescriptorModel.__init__(self, values["descriptor"], values["function"])
        return self

    def prepare(self, structures, rng=0):
        structures = list(structures)
        self._warn_of_small_moments(structures)
        super().prepare(structures, rng)

    def _warn_of_small_moments(self, structures):
        parts = getattr(self.descriptor, "parts", (self.descriptor,))
        parts = [getattr(part, "descriptor", part) for part in parts]
        limit = _SMALL * max(getattr(part, "softness", 0.0) for part in parts)
        small = total = 0
        for graph, moments in structures:
            own = self.kinds(graph) >= 0
            small += int((np.linalg.norm(moments, axis=1)[own] < limit).sum())
            total += int(own.sum())
        if small:
            warnings.warn(
                f"{small} of {total} training moments of {', '.join(self.species)} are below "
                f"{limit:g} mu_B, where directions fade (softness {limit / _SMALL:g} mu_B; a "
                "moment of zero has none): leave species without moments to models.NonMagnetic, or "
                "choose a smaller softness",
                UserWarning,
                stacklevel=4,
            )


def _listed(terms):
    terms = (terms,) if isinstance(terms, str) else tuple(terms)
    if not terms:
        raise ValueError(f"terms must name at least one of {', '.join(TERMS)}, got none")
    return terms


def _check_different(parts):
    """Raise ValueError for two terms with the same features, of which one is superfluous."""
    known = [digest(part) for part in parts]
    for place, found in enumerate(known):
        if found in known[:place]:
            raise ValueError(
                f"terms {known.index(found)} and {place} are the same, {parts[place]!r}: name "
                "every term once"
            )


def _part(term, species, given):
    """Return the descriptor of a term, weighted where the prior does not follow its spin width."""
    if not isinstance(term, str):
        return term
    if term not in TERMS:
        raise ValueError(f"the term {term!r} is unknown; terms are {', '.join(TERMS)}")
    kind = TERMS[term]
    if term != "exchange":
        known = inspect.signature(kind).parameters
        given = given | {name: min(given[name], known[name].default) for name in _BOUNDED}
    part = kind(species, **given)
    lowest = min(_NARROWEST, _RESOLVED / max(part.l_max, 1))
    bounded = float(np.clip(part.spin_width, lowest, _WIDEST))
    if bounded == part.spin_width:
        return part
    return WeightedDescriptor(part, part.spin_ratios(bounded))


def _function(regressor, n_features, regularization, options):
    """Return the function of one species."""
    if regressor not in REGRESSORS:
        allowed = " or ".join(map(repr, REGRESSORS))
        raise ValueError(f"regressor must be {allowed}, got {regressor!r}")
    if "kernel_width" in options:
        options = {("width" if k == "kernel_width" else k): v for k, v in options.items()}
    return REGRESSORS[regressor](n_features, regularization=regularization, **options)
