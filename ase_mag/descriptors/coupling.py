"""Coupling of angular momenta: Clebsch-Gordan coefficients and real spherical harmonics."""

from functools import cache
from math import factorial, sqrt

import numpy as np


@cache
def clebsch_gordan(l1, m1, l2, m2, l, m):  # noqa: E741
    """Return <l1 m1; l2 m2 | l m> (Condon and Shortley's phase; Racah's sum).

    Parameters
    ----------
    l1, m1, l2, m2, l, m : int
    """
    if m1 + m2 != m or not abs(l1 - l2) <= l <= l1 + l2:
        return 0.0
    if abs(m1) > l1 or abs(m2) > l2 or abs(m) > l:
        return 0.0
    f = factorial
    size = (2 * l + 1) * f(l + l1 - l2) * f(l - l1 + l2) * f(l1 + l2 - l) / f(l1 + l2 + l + 1)
    size *= f(l + m) * f(l - m) * f(l1 - m1) * f(l1 + m1) * f(l2 - m2) * f(l2 + m2)
    total = 0.0
    for k in range(l1 + l2 - l + 1):
        rest = (l1 + l2 - l - k, l1 - m1 - k, l2 + m2 - k, l - l2 + m1 + k, l - l1 - m2 + k)
        if min(rest) >= 0:
            total += (-1) ** k / (f(k) * np.prod([float(f(n)) for n in rest]))
    return sqrt(size) * float(total)


def bipolar_polynomial(l1, l2, l):  # noqa: E741
    """Return the invariant of two directions and a bond as a polynomial of their products.

    sqrt(8 pi^2) sqrt(4 pi/(2l + 1)) sum_m,m1,m2 <l1 m1; l2 m2|l m> Y_l1m1(e_i) Y_l2m2(e_j) Y*_lm(r)
    as sum c a^p b^q c^s t^k, a = e_i.e_j, b = e_i.r, c = e_j.r, t = r.(e_i x e_j), up to a phase:
    sqrt((2 l1 + 1)/2) P_l1(a) for l = 0, a positive multiple of 3bc - a for l1 = l2 = 1, l = 2.
    k is 0 if l1 + l2 + l is even, otherwise 1.

    Returns
    -------
    dict : (p, q, s, k) -> coefficient.
    """
    odd = (l1 + l2 + l) % 2
    # (sin sin)^m cos(m phi), or sin(m phi)/t, by the recurrence of Chebyshev polynomials; with the
    # bond along z the azimuths enter through a - bc, and (sin sin)^2 = (1 - b^2)(1 - c^2).
    along = {(1, 0, 0): 1.0, (0, 1, 1): -1.0}
    across = {(0, 0, 0): 1.0, (0, 2, 0): -1.0, (0, 0, 2): -1.0, (0, 2, 2): 1.0}
    one = {(0, 0, 0): 1.0}
    turns = [{}, one] if odd else [one, along]
    for _ in range(2, min(l1, l2) + 1):
        turns.append(_sum(_product(along, turns[-1], 2.0), _product(across, turns[-2], -1.0)))
    result = {}
    for m in range(odd, min(l1, l2) + 1):
        weight = clebsch_gordan(l1, m, l2, -m, l, 0) * (1.0 if m == 0 else 2.0) * (-1) ** m
        for n in (l1, l2):
            weight *= sqrt((2 * n + 1) / (4 * np.pi) * factorial(n - m) / factorial(n + m))
        own = {(0, k, 0): c for k, c in enumerate(_legendre(l1, m))}
        other = {(0, 0, k): c for k, c in enumerate(_legendre(l2, m))}
        result = _sum(result, _product(_product(own, other, weight), turns[m], 1.0))
    phase = sqrt(8) * np.pi * (-1) ** ((l1 + l2 - l) // 2)
    return {(*key, odd): phase * value for key, value in result.items() if value != 0.0}


def _legendre(order, m):
    """Coefficients of the m-th derivative of P_order."""
    series = np.polynomial.legendre.leg2poly(np.eye(order + 1)[order])
    return np.polynomial.polynomial.polyder(series, m)


def _product(p, q, factor):
    out = {}
    for a, x in p.items():
        for b, y in q.items():
            key = tuple(i + j for i, j in zip(a, b, strict=True))
            out[key] = out.get(key, 0.0) + factor * x * y
    return out


def _sum(p, q):
    return {key: p.get(key, 0.0) + q.get(key, 0.0) for key in {**p, **q}}


def harmonic_norms(degree):
    """Return sqrt((2l + 1)/(4 pi) (l - m)!/(l + m)!), times sqrt(2) for m > 0, at l(l+1)/2 + m."""
    return np.array(
        [
            sqrt((2 * n + 1) / (4 * np.pi) * factorial(n - m) / factorial(n + m) * (1 + (m > 0)))
            for n in range(degree + 1)
            for m in range(n + 1)
        ]
    )


def real_coupling(l1, l2, l):  # noqa: E741
    """Return G with sum_m,m1,m2 <l1 m1; l2 m2|l m> Y_l1m1(v) Y_l2m2(w) Y*_lm(u) = sum G Y Y Y.

    The harmonics on the right are real: sqrt(2) |Y_lm| cos(m phi) for m > 0, sin(|m| phi) for
    m < 0. l + l1 + l2 has to be even (the invariant is real then).

    Returns
    -------
    (2l + 1, 2 l1 + 1, 2 l2 + 1) array, m, m1 and m2 ascending.
    """
    complex_ = np.array(
        [
            [
                [clebsch_gordan(l1, m1, l2, m2, l, m) for m2 in range(-l2, l2 + 1)]
                for m1 in range(-l1, l1 + 1)
            ]
            for m in range(-l, l + 1)
        ]
    )
    u, v, w = _realness(l), _realness(l1).conj(), _realness(l2).conj()
    return np.ascontiguousarray(np.einsum("abc,xa,yb,zc->xyz", complex_, u, v, w).real)


def _realness(degree):
    """The matrix U of real harmonics: Y(real)_m = sum_n U_mn Y_n."""
    matrix = np.zeros((2 * degree + 1, 2 * degree + 1), dtype=complex)
    matrix[degree, degree] = 1.0
    for m in range(1, degree + 1):
        sign = (-1) ** m
        matrix[degree + m, [degree + m, degree - m]] = sign / sqrt(2), 1 / sqrt(2)
        matrix[degree - m, [degree - m, degree + m]] = 1j / sqrt(2), -1j * sign / sqrt(2)
    return matrix
