"""A splitting: the sentence of propagators that makes one time step."""

from collections import Counter
from time import perf_counter


class Splitting:
    """A palindromic list of propagators, each with its share of the time step.

    A palindrome of exact flows is time reversible and second order in dt.

    Parameters
    ----------
    flows : list of (Propagator, float), the fraction of dt of each entry.
    projections : list of Propagator that take no time; they run before the last flow, when
        positions and moment directions of the new step are final.

    Raises
    ------
    ValueError
        If the flows are not a palindrome, or the fractions of one propagator do not add up to 1.

    Attributes
    ----------
    timings : dict part -> seconds spent in it so far.
    """

    def __init__(self, flows, projections=()):
        flows = list(flows)
        if flows != flows[::-1]:
            raise ValueError("the propagators of a splitting must form a palindrome")
        total = Counter()
        for propagator, share in flows:
            total[propagator] += share
        if any(abs(share - 1) > 1e-12 for share in total.values()):
            raise ValueError("the fractions of every propagator of a splitting must add up to 1")
        self.projections = list(projections)
        self.steps = [*flows[:-1], *((p, 0.0) for p in self.projections), *flows[-1:]]
        self.timings = dict.fromkeys((p.part for p, _ in self.steps), 0.0)

    def advance(self, state, dt):
        """Advance ``state`` by one step ``dt`` (ASE time)."""
        for propagator, share in self.steps:
            start = perf_counter()
            propagator.advance(state, share * dt)
            self.timings[propagator.part] += perf_counter() - start

    def project(self, state):
        """Apply only the projections (before the first step)."""
        for propagator in self.projections:
            propagator.advance(state, 0.0)
