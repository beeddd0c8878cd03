"""Comparison of arrays with a message that says what differs, where and by how much."""

import numpy as np


def assert_close(actual, expected, what, *, rtol=0.0, atol=0.0):
    """Raise AssertionError unless |actual - expected| <= atol + rtol * max|expected| everywhere.

    The comparison is two-sided and relative to the largest entry, so that entries that are small
    by cancellation are judged on the scale of their neighbors; NaN never passes.

    Parameters
    ----------
    actual, expected : float arrays of one shape.
    what : str, with which the message begins.
    rtol, atol : float, the bounds; atol in the unit of the arrays.
    """
    actual, expected = np.asarray(actual), np.asarray(expected)
    if actual.shape != expected.shape:
        raise AssertionError(
            f"{what}: the shape is {actual.shape}, but {expected.shape} is expected"
        )
    if actual.size == 0:
        return
    bound = atol + rtol * np.abs(expected).max()
    differences = np.abs(actual - expected)
    if not (differences <= bound).all():
        wrong = np.where(np.isnan(differences), np.inf, differences)
        where = np.unravel_index(int(wrong.argmax()), actual.shape)
        index = f" at index {tuple(int(i) for i in where)}" if where else ""
        raise AssertionError(
            f"{what}: {actual[where]:.15g} instead of {expected[where]:.15g}{index} "
            f"(difference {differences[where]:.3g}, allowed {bound:.3g}; "
            f"{int((~(differences <= bound)).sum())} of {actual.size} values differ)"
        )


def assert_identical(actual, expected, what):
    """Raise AssertionError unless two arrays (or None) agree bit for bit.

    Parameters
    ----------
    actual, expected : arrays or None; what : str, with which the message begins.
    """
    if actual is None and expected is None:
        return
    if actual is None or expected is None:
        raise AssertionError(f"{what}: {actual!r} instead of {expected!r}")
    actual, expected = np.asarray(actual), np.asarray(expected)
    if actual.shape != expected.shape or actual.tobytes() != expected.tobytes():
        assert_close(actual, expected, what)
        raise AssertionError(f"{what}: the bits differ (signed zeros, or NaN)")


#: The parts of a Response, in the order in which they are compared.
PARTS = ("energies", "magforces", "forces", "virials")


def assert_responses(actual, expected, what, *, identical=False, rtol=1e-12, parts=PARTS):
    """Raise AssertionError unless two responses agree; sizes below 1 (eV, ...) are judged as 1.

    Parameters
    ----------
    actual, expected : Response; what : str, with which the message begins.
    identical : bool, whether all bits must agree.
    rtol : float, bound relative to the largest value of a part.
    parts : names of the arrays that are compared.
    """
    for part in parts:
        a, b = getattr(actual, part), getattr(expected, part)
        if identical:
            assert_identical(a, b, f"{what}: {part}")
        else:
            assert_close(a, b, f"{what}: {part}", rtol=rtol, atol=rtol)
