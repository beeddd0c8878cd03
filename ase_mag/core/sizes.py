"""Models that know directions of moments only: whether another term holds the sizes."""

import numpy as np
from ase.data import chemical_symbols

from ase_mag.core.boundedness import check_bounded, with_energy


def check_sizes(model, graph, moments, free=None):
    """Raise ValueError if sizes may change whose energy is that of their direction only.

    The energy of a directional term (:attr:`ase_mag.core.Model.directional`) does not change with
    the sizes, so that nothing ends their random walk in a bath, and a relaxation ends where the
    slope happens to fall below its bound. For atoms that such a term describes, the other terms
    of the sum have to bound the size:

    * terms with a bilinear form together as :func:`ase_mag.core.boundedness.check_bounded` asks
      (a Landau term with a positive highest coefficient; exchange alone does not),
    * terms without one (neural networks, moment tensor potentials) count if the magnetic force
      of the atom is not zero. How they go on at large moments is not known.

    Models without directional terms are not looked at.

    Parameters
    ----------
    model : Model
    graph : PairGraph
    moments : (n_atoms, 3) float array, mu_B.
    free : (n_atoms,) bool array or None (all), atoms whose moments may change their size. A moment
        of zero stays.

    Raises
    ------
    ValueError
        Naming the first atom.
    """
    terms = model.addends
    turning = [term for term in terms if term.directional]
    if not turning:
        return
    numbers = graph.topology.numbers[: graph.n_atoms]
    loose = np.isin(numbers, sorted({z for term in turning for z in term.numbers}))
    loose &= moments.any(axis=1)
    if free is not None:
        loose &= free
    form = None
    for term in terms:
        if term.directional:
            continue
        own = term.bilinear(graph)
        if own is None:
            loose &= ~term.evaluate(graph, moments, lattice=False).magforces.any(axis=1)
        elif form is None:
            form = own
        elif form.conflicts(own):
            loose &= ~with_energy(own.merged(graph.topology.memory), moments)
        else:
            form = form + own
    if form is not None:
        form = form.merged(graph.topology.memory)
    known = np.zeros(len(loose), dtype=bool) if form is None else with_energy(form, moments)
    if (loose & ~known).any():
        atom = int(np.argmax(loose & ~known))
        raise ValueError(unheld(f"atom {atom}", numbers[atom], turning))
    if loose.any():
        check_bounded(form, ~loose)


def unheld(which, number, turning):
    """Return the message for a moment of which only the direction has an energy."""
    names = ", ".join(dict.fromkeys(type(term).__name__ for term in turning))
    return (
        f"nothing bounds the moment of {which} ({chemical_symbols[number]}): {names} knows "
        "directions of moments only, and no other term knows this size; add a models.Landau term "
        "with b > 0, or keep the sizes (longitudinal=False in dynamics, sizes=False in "
        "relaxations, moments='fixed' in calculators)"
    )
