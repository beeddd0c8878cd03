"""Activation functions of perceptrons, with two derivatives (or one: the last is None)."""

import numpy as np


def softsign(z, bend=True):
    """z/(1 + |z|). Its second derivative jumps from 2 to -2 at z = 0; here it is 0 there."""
    s = 1.0 / (1.0 + np.abs(z))
    square = s * s
    return z * s, square, -2.0 * np.sign(z) * square * s if bend else None


def algebraic(z, bend=True):
    """z/sqrt(1 + z^2), smooth."""
    inverse = 1.0 / (1.0 + z * z)
    root = np.sqrt(inverse)
    slope = inverse * root
    return z * root, slope, -3.0 * z * slope * inverse if bend else None


def tanh(z, bend=True):
    """tanh(z)."""
    value = np.tanh(z)
    slope = 1.0 - value * value
    return value, slope, -2.0 * value * slope if bend else None


def softplus(z, bend=True):
    """ln(1 + exp(z))."""
    slope = _logistic(z)
    return np.logaddexp(0.0, z), slope, slope * (1.0 - slope) if bend else None


def silu(z, bend=True):
    """z/(1 + exp(-z))."""
    s = _logistic(z)
    rise = s * (1.0 - s)
    return z * s, s + z * rise, rise * (2.0 + z * (1.0 - 2.0 * s)) if bend else None


def gaussian(z, bend=True):
    """exp(-z^2/2)."""
    value = np.exp(-0.5 * z * z)
    return value, -z * value, (z * z - 1.0) * value if bend else None


def _logistic(z):
    return 0.5 * (1.0 + np.tanh(0.5 * z))


#: By name: functions of z that return f, f' and, unless ``bend`` is False, f'', arrays like z.
ACTIVATIONS = {
    "twisted": softsign,
    "algebraic": algebraic,
    "tanh": tanh,
    "softplus": softplus,
    "silu": silu,
    "gaussian": gaussian,
}
