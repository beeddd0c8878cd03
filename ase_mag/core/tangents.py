"""Cotangents of a response as directions in which the energy is differentiated."""

import numpy as np


def tangents(graph, moments, weights):
    """Return site weights w, moment tangents dM and pair tangents dr of cotangents of a response.

    <weights, response> = sum_i w_i E_i + sum_k dM_k.dE/dM_k + sum_ij dr_ij.dE/dr_ij, with
    dM_k = -(cotangent of the magnetic force), dr_ij = f_i - f_j + V_i^T r_ij for cotangents f of
    forces and V of virials (:meth:`ase_mag.core.Response.from_gradients` gives the signs).

    Parameters
    ----------
    graph : PairGraph
    moments : (n_atoms, 3) float array.
    weights : Response, the cotangents; parts that are None count as zero.

    Returns
    -------
    (n_sites,) float array, (n_atoms, 3) float array, (n_pairs, 3) float array or None (zero).
    """
    energies, turns = np.zeros(graph.n_sites), np.zeros_like(moments)
    if weights.energies is not None:
        energies[:] = weights.energies
    if weights.magforces is not None:
        turns[:] = weights.magforces
        turns *= -1.0
    pairs = None
    if weights.forces is not None:
        pairs = weights.forces[graph.centers] - weights.forces[graph.neighbors]
    if weights.virials is not None:
        virial = np.einsum("pab,pa->pb", weights.virials[graph.centers], graph.vectors)
        pairs = virial if pairs is None else pairs + virial
    return energies, turns, pairs
