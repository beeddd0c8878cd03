"""Activation functions of perceptrons, with two derivatives."""

import numpy as np


def softsign(z):
    """z/(1 + |z|). Its second derivative jumps from 2 to -2 at z = 0; here it is 0 there."""
    s = 1.0 / (1.0 + np.abs(z))
    square = s * s
    return z * s, square, -2.0 * np.sign(z) * square * s


def algebraic(z):
    """z/sqrt(1 + z^2), smooth."""
    inverse = 1.0 / (1.0 + z * z)
    root = np.sqrt(inverse)
    slope = inverse * root
    return z * root, slope, -3.0 * z * slope * inverse


def tanh(z):
    """tanh(z)."""
    value = np.tanh(z)
    slope = 1.0 - value * value
    return value, slope, -2.0 * value * slope


def softplus(z):
    """ln(1 + exp(z))."""
    slope = _logistic(z)
    return np.logaddexp(0.0, z), slope, slope * (1.0 - slope)


def silu(z):
    """z/(1 + exp(-z))."""
    s = _logistic(z)
    bend = s * (1.0 - s)
    return z * s, s + z * bend, bend * (2.0 + z * (1.0 - 2.0 * s))


def gaussian(z):
    """exp(-z^2/2)."""
    value = np.exp(-0.5 * z * z)
    return value, -z * value, (z * z - 1.0) * value


def _logistic(z):
    return 0.5 * (1.0 + np.tanh(0.5 * z))


#: By name: functions of z that return f, f' and f'', arrays of the shape of z.
ACTIVATIONS = {
    "twisted": softsign,
    "algebraic": algebraic,
    "tanh": tanh,
    "softplus": softplus,
    "silu": silu,
    "gaussian": gaussian,
}
