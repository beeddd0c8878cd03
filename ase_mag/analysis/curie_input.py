"""What a search for a Curie temperature accepts, and what it refuses or warns about."""

import warnings

import numpy as np

from ase_mag.analysis.curie_runs import collinear_signs
from ase_mag.analysis.dimensionality import networks
from ase_mag.core import Model, PairGraph, get_moments


def given_model(atoms, model):
    """Return the model, or that of the calculator; ValueError if there is none for the species."""
    if model is None:
        model = getattr(atoms.calc, "model", None)
    if not isinstance(model, Model):
        raise ValueError(
            f"model must be an ase_mag model, got {type(model).__name__}: give one, or atoms whose "
            "calculator has one"
        )
    model.check_species(atoms.numbers)
    return model


def rising_sizes(sizes):
    """Return the sizes, a rising tuple of int, or raise ValueError."""
    found = tuple(sorted({int(n) for n in np.atleast_1d(sizes)}))
    if len(found) < 2 or found[0] < 2 or not np.array_equal(np.sort(sizes), found):
        raise ValueError(
            f"sizes must be at least two different integers from 2 on, got {sizes!r}: the "
            "cumulants of different sizes are compared"
        )
    return found


def window(temperatures_K):
    """Return the two ends of the window, K, or raise ValueError."""
    ends = np.asarray(temperatures_K, dtype=float)
    if ends.shape != (2,) or not 0 < ends[0] < ends[1] < np.inf:
        raise ValueError(
            f"temperatures_K must be two rising temperatures above 0 K, got {temperatures_K!r}"
        )
    return float(ends[0]), float(ends[1])


def inspect(atoms, model, lengths):
    """Return the bilinear form of the cell and the directions to repeat, or refuse the model."""
    graph = PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, model.cutoff
    )
    form = model.bilinear(graph)
    if form is None:
        raise ValueError(
            f"{model!r} has no bilinear form (exchange, tensors, anisotropy, Landau and their "
            "sums), which Monte Carlo needs. ase_mag.analysis.heat runs spin-lattice dynamics of "
            "any model at rising temperatures, and its curie_estimate() brackets the Curie "
            "temperature; or compare Binder cumulants of SpinDynamics in several sizes, or fit an "
            "exchange model"
        )
    if form.field is not None and form.field.any():
        raise ValueError(
            "the model has an external field, in which there is no phase transition: leave the "
            "Zeeman term out"
        )
    coupled = np.zeros(graph.n_pairs, dtype=bool)
    if form.exchange is not None:
        coupled |= form.exchange != 0
    if form.tensors is not None:
        coupled |= form.tensors.any(axis=(1, 2))
    if not lengths:
        magnetic = get_moments(atoms).any(axis=1)
        coupled &= magnetic[graph.centers] & magnetic[graph.neighbors]
    found = [network for network in networks(graph, coupled) if network.rank >= 2]
    if not found:
        raise ValueError(
            "the couplings of the moments form no network in two or three dimensions, so there is "
            "no order at any temperature: check cutoff, pbc and moments"
        )
    if len(found) > 1 or found[0].directions.sum() != found[0].rank:
        raise ValueError(
            "the couplings of the moments form several networks that do not feel each other: give "
            "a cell with one of them (a layer needs two cell vectors along it)"
        )
    if found[0].rank == 2 and _turns_freely(form, get_moments(atoms)):
        warnings.warn(
            "moments coupled in two dimensions whose ordered states can turn without changing "
            "their energy (isotropic, or an easy plane) have no order at any temperature above 0 K "
            "(Mermin and Wagner): a crossing is an effect of the finite size; add an easy axis",
            UserWarning,
            stacklevel=3,
        )
    return form, found[0].directions


def _turns_freely(form, moments):
    """Return whether the lowest collinear states s_i |M_i| e have a continuum of directions e.

    Their energy is e.A.e plus cubic terms; it is flat where the two lowest eigenvalues of A agree.
    """
    if form.cubic is not None and form.cubic.any():
        return False
    along = collinear_signs(moments) * np.linalg.norm(moments, axis=1)
    matrix = np.zeros((3, 3))
    if form.quadric is not None:
        matrix += np.einsum("i,iab->ab", along**2, form.quadric)
    if form.tensors is not None:
        centers = np.repeat(np.arange(form.n_atoms), np.diff(form.offsets))
        weights = along[centers] * along[form.neighbors]
        matrix -= 0.5 * np.einsum("p,pab->ab", weights, form.tensors)
    values = np.linalg.eigvalsh(0.5 * (matrix + matrix.T))
    scale = 0.0 if form.exchange is None else np.abs(form.exchange).max() * (along**2).max()
    return bool(values[1] - values[0] <= 1e-9 * max(scale, np.abs(values).max()))
