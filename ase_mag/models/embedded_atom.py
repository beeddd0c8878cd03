"""Embedded-atom (Finnis-Sinclair) energies: the lattice part of magnetic models."""

import numpy as np

from ase_mag import _kernels
from ase_mag.core.bilinear import BilinearForm
from ase_mag.core.model import Model
from ase_mag.core.response import Gradients
from ase_mag.core.storage import storable
from ase_mag.models.eam_files import read_eam
from ase_mag.models.eam_tables import OverDistance, table_function
from ase_mag.models.embedding import Embedding, TabulatedEmbedding
from ase_mag.models.nonmagnetic import as_species
from ase_mag.models.pair_functions import PairFunctions, frozen


@storable
class EmbeddedAtom(Model):
    """Embedded atom: E = sum_i [F_a(rho_i) + 1/2 sum_j V_ab(r_ij)], rho_i = sum_j psi_ab(r_ij).

    a and b are the species of i and j. The moments do not appear: add magnetic models.
    dE/dr_ij = [F_a'(rho_i) psi_ab'(r) + V_ab'(r)/2] r_ij/r is centered on i. Densities, energies
    and pair gradients are kept on the graph, so that new moments at the same positions cost
    nothing.
    M. S. Daw and M. I. Baskes, Phys. Rev. B 29, 6443 (1984); M. W. Finnis and J. E. Sinclair,
    Phil. Mag. A 50, 45 (1984).

    Parameters
    ----------
    species : str or tuple of str
    density : Radial or dict, optional
        psi(r), no unit. A dict has keys (center, neighbor), two symbols (psi_ab, eam/fs), or one
        symbol: this neighbor at every center (eam/alloy). Absent pairs give nothing.
    pair : Radial or dict, optional
        V(r) in eV; keys are pairs of symbols in either order.
    embedding : Embedding or dict from symbol to Embedding, optional
        F(rho) in eV; needed with ``density``, for every species.

    Raises
    ------
    ValueError
        If neither densities nor pair energies are given, densities have no embedding function (or
        the other way around), or keys are not of ``species``.
    TypeError
        For functions that are not Radial or Embedding.
    """

    homogeneous = True

    def __init__(self, species, density=None, pair=None, embedding=None):
        self.species = as_species(species)
        if density is None and pair is None:
            raise ValueError("an embedded-atom model needs a density, a pair energy, or both")
        if (density is None) != (embedding is None):
            raise ValueError(
                "density and embedding belong together: give both, or neither for a pair potential"
            )
        self.density = self.pair = self.embedding = None
        if density is not None:
            self.density = PairFunctions.of(self.species, density, "density")
            self.embedding = self._embeddings(embedding)
        if pair is not None:
            self.pair = PairFunctions.of(self.species, pair, "pair", symmetric=True)
        self.cutoff = max(f.cutoff for f in (self.density, self.pair) if f is not None)

    def _embeddings(self, embedding):
        if isinstance(embedding, dict):
            if set(embedding) != set(self.species):
                raise ValueError(
                    f"embedding must have one function for each of {', '.join(self.species)}, got "
                    f"{', '.join(map(str, embedding)) or 'none'}"
                )
            embedding = [embedding[symbol] for symbol in self.species]
        elif not isinstance(embedding, list | tuple):
            embedding = [embedding] * len(self.species)
        for function in embedding:
            if not isinstance(function, Embedding):
                raise TypeError(
                    "embedding must be an Embedding or a dict from symbol to Embedding, got "
                    f"{type(function).__name__}"
                )
        return tuple(embedding)

    @classmethod
    def from_file(cls, path, species=None):
        """Read an eam/alloy (setfl) or eam/fs file; which of the two it is, is recognized.

        Radial functions and F are cubic Hermite polynomials with the slopes that LAMMPS uses
        (:func:`ase_mag.models.eam_tables.table_function` states the errors). V is the polynomial
        of r V(r), as tabulated, divided by r. F goes on as a straight line beyond its table, as in
        LAMMPS. Radial functions end with value and slope zero at the file's cutoff.

        Parameters
        ----------
        path : str or Path
        species : str or tuple of str, optional; some of the file's species (default: all).

        Raises
        ------
        OSError
            If the file cannot be opened.
        ValueError
            If the file cannot be understood (the message names line and expectation) or does not
            hold one of ``species``.
        """
        tables = read_eam(path)
        wanted = (species,) if isinstance(species, str) else tuple(species or tables.species)
        missing = [symbol for symbol in wanted if symbol not in tables.species]
        if missing:
            raise ValueError(
                f"{path} describes {', '.join(tables.species)}, not {', '.join(missing)}: choose "
                "among its species or another file"
            )
        places = [(symbol, tables.species.index(symbol)) for symbol in wanted]
        step, cutoff = tables.radius_step, tables.cutoff
        density, pair = {}, {}
        for b, j in places:
            for a, i in places if tables.kind == "fs" else places[:1]:
                key = (a, b) if tables.kind == "fs" else b
                density[key] = table_function(step, tables.density[i, j], cutoff)
            for a, i in places:
                if (b, a) not in pair:
                    pair[a, b] = OverDistance(table_function(step, tables.charge[i, j], cutoff))
        embedding = {
            a: TabulatedEmbedding(tables.density_step, tables.embedding[i]) for a, i in places
        }
        return cls(wanted, density, pair, embedding)

    def densities(self, graph):
        """Return rho_i, a read-only (n_sites,) float array (0 for species not described)."""
        if self.density is None:
            return np.zeros(graph.n_sites)
        return self.density.sums(graph)

    def gradients(self, graph, moments, *, lattice=True):
        energies, slopes = graph.cached((self, "energies"), lambda: self._energies(graph))
        if not lattice:
            return Gradients(energies.copy())
        radial = graph.cached((self, "radial"), lambda: self._radial(graph, slopes))
        return Gradients(energies.copy(), radial=radial)

    def bilinear(self, graph):
        if graph.fields_only:
            return BilinearForm.on(graph)
        energies, _ = graph.cached((self, "energies"), lambda: self._energies(graph))
        return BilinearForm.on(graph, constant=energies.copy())

    def _energies(self, graph):
        """Return E_i and F'(rho_i)."""
        energies, slopes = np.zeros(graph.n_sites), None
        if self.pair is not None:
            energies = 0.5 * self.pair.sums(graph)
        if self.density is not None:
            rho = self.density.sums(graph)
            slopes = np.zeros(graph.n_sites)
            kinds = self.kinds(graph)[: graph.n_sites]
            for kind, function in enumerate(self.embedding):
                sites = np.flatnonzero(kinds == kind)
                value, slopes[sites] = function.evaluate(rho[sites])
                energies[sites] += value
        return energies, slopes

    def _radial(self, graph, slopes):
        density = None if self.density is None else self.density.slopes(graph)
        pair = None if self.pair is None else self.pair.slopes(graph)
        return frozen(radial_gradients(graph, slopes, density, pair))

    def to_dict(self):
        return {
            "species": list(self.species),
            "density": self.density,
            "pair": self.pair,
            "embedding": self.embedding,
        }


def radial_gradients(graph, site_slopes=None, density_slopes=None, pair_slopes=None):
    """Return dE/d|r_ij| = s_i psi'(r_ij) + V'(r_ij)/2, an (n_pairs,) float array.

    Parameters
    ----------
    graph : PairGraph
    site_slopes : (n_sites,) float array, s_i = dE_i/d rho_i, given together with ...
    density_slopes : (n_pairs,) float array, psi'(r_ij).
    pair_slopes : (n_pairs,) float array, V'(r_ij), or None.
    """
    out = graph.empty()
    _kernels.embedded_atom.gradients(
        graph.offsets,
        site_slopes,
        density_slopes,
        pair_slopes,
        out,
        graph.threads,
    )
    return out
