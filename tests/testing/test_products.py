"""Contracts of trainable models, descriptors and regressors catch deliberate mistakes."""

import numpy as np
import pytest

from ase_mag import testing
from ase_mag.core import Gradients, Response, Trainable


class Potential(Trainable):
    """E_i = p0 m_i^2 + p1 sum_j (1 - r/4)^3; the derivatives are scaled by ``mistake``."""

    species = ("Fe",)
    cutoff = 4.0

    linear = np.arange(2)

    def __init__(self, mistake=1.0, copies=True, checks=True, power=1):
        self._parameters = np.array([0.3, 0.7])
        self.mistake, self.copies, self.checks, self.power = mistake, copies, checks, power

    @property
    def parameters(self):
        return self._parameters.copy() if self.copies else self._parameters

    @parameters.setter
    def parameters(self, values):
        if self.checks and np.shape(values) != (2,):
            raise ValueError(f"2 parameters are needed, got {np.shape(values)}")
        self._parameters = np.array(values, dtype=float)

    def parts(self, graph, moments):
        x = np.maximum(1 - graph.distances / 4.0, 0.0)
        own = moments * (np.arange(graph.n_atoms) < graph.n_sites)[:, None]
        sizes = (own[: graph.n_sites] ** 2).sum(axis=1)
        first = Gradients(sizes, 2 * own, np.zeros((graph.n_pairs, 3)))
        slopes = (-0.75 * x**2 / graph.distances)[:, None] * graph.vectors
        return first, Gradients(graph.sum_pairs(x**3), np.zeros_like(moments), slopes)

    def gradients(self, graph, moments, *, lattice=True):
        p, (first, second) = self._parameters, self.parts(graph, moments)
        return Gradients(
            p[0] ** self.power * first.energies + p[1] * second.energies,
            p[0] ** self.power * first.moments,
            p[1] * second.pairs,
        )

    def parameter_vjp(self, graph, moments, weights):
        result = np.zeros(2)
        for index, part in enumerate(self.parts(graph, moments)):
            response = Response.from_gradients(graph, part)
            for name in ("energies", "magforces", "forces", "virials"):
                cotangent = getattr(weights, name)
                if cotangent is not None:
                    result[index] += (cotangent * getattr(response, name)).sum()
        result[0] *= self.power * self._parameters[0] ** (self.power - 1)
        return self.mistake * result


def test_right_trainable_model():
    model = Potential()
    testing.check_trainable(model)
    np.testing.assert_array_equal(model.parameters, [0.3, 0.7])
    testing.check_model(model, storable=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mistake": -1.0}, r"parameter_vjp \(all parts\) against differences"),
        ({"mistake": 1 + 1e-5}, r"parameter_vjp \(all parts\) against differences"),
        ({"copies": False}, "parameters must be a copy"),
        ({"checks": False}, "must raise ValueError"),
        ({"power": 2}, "energies of random linear parameters from the design"),
    ],
)
def test_wrong_trainable_model(options, message):
    with pytest.raises(AssertionError, match=message):
        testing.check_trainable(Potential(**options))


def test_no_parameter_is_linear_unless_the_model_says_so():
    class Square(Potential):
        linear = Trainable.linear

    testing.check_trainable(Square(power=2))
    assert Square(power=2).linear.size == 0


class Descriptor:
    """D_i = (m_i^2, sum_j (1 - r/4)^3, sum_j (1 - r/4)^3 M_i.M_j); right unless ``mistake``."""

    species = ("Fe",)
    cutoff = 4.0

    def __init__(self, mistake=None):
        self.mistake = mistake

    def forward(self, graph, m):
        x = np.maximum(1 - graph.distances / 4.0, 0.0) ** 3
        product = np.einsum("pa,pa->p", m[graph.centers], m[graph.neighbors])
        second = graph.sum_pairs(x)
        if self.mistake == "lab frame":
            second += graph.sum_pairs(x * graph.vectors[:, 2])
        if self.mistake == "spin orbit":
            along = np.einsum("pa,pa->p", graph.vectors, m[graph.centers])
            second += graph.sum_pairs(x * along**2)
        features = np.stack([(m**2).sum(axis=1), second, graph.sum_pairs(x * product)], axis=1)
        if self.mistake == "order":
            features[0] += 1e-6
        if self.mistake == "mutates":
            m *= 1.0001
        return features

    def jvp(self, graph, m, dm, dr):
        c, n, r = graph.centers, graph.neighbors, graph.distances
        x = np.maximum(1 - r / 4.0, 0.0)
        stretch = np.einsum("pa,pa->p", graph.vectors, dr) / r
        dx = -0.75 * x**2 * stretch
        product = np.einsum("pa,pa->p", m[c], m[n])
        change = np.einsum("pa,pa->p", dm[c], m[n]) + np.einsum("pa,pa->p", m[c], dm[n])
        third = graph.sum_pairs(dx * product + x**3 * change)
        factor = 1.0001 if self.mistake == "jvp" else 1.0
        return np.stack([2 * (m * dm).sum(axis=1), graph.sum_pairs(dx), factor * third], axis=1)

    def vjp(self, graph, m, cotangents, *, lattice=True):
        c, n, r = graph.centers, graph.neighbors, graph.distances
        x = np.maximum(1 - r / 4.0, 0.0)
        product = np.einsum("pa,pa->p", m[c], m[n])
        weight = cotangents[c, 1] + cotangents[c, 2] * product
        pairs = (-0.75 * x**2 / r * weight)[:, None] * graph.vectors
        moments = 2 * cotangents[:, :1] * m
        factor = (cotangents[c, 2] * x**3)[:, None]
        np.add.at(moments, c, factor * m[n])
        np.add.at(moments, n, factor * m[c])
        if self.mistake == "vjp":
            moments[0, 0] += 1e-9
        if self.mistake == "without lattice" and not lattice:
            moments *= 1.0001
        return Gradients(None, moments, pairs if lattice else None)


def test_right_descriptor():
    testing.check_descriptor(Descriptor())


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ("vjp", "adjointness"),
        ("jvp", "adjointness"),
        ("order", "features after permutation"),
        ("lab frame", "features after joint rotation"),
        ("mutates", "the moments given to forward were changed"),
        ("without lattice", "vjp without the lattice"),
    ],
)
def test_wrong_descriptor(mistake, message):
    with pytest.raises(AssertionError, match=message):
        testing.check_descriptor(Descriptor(mistake))


def test_adjoint_but_wrong_descriptor():
    class Scaled(Descriptor):
        def jvp(self, *arguments):
            return 2 * super().jvp(*arguments)

        def vjp(self, *arguments, **options):
            gradients = super().vjp(*arguments, **options)
            pairs = None if gradients.pairs is None else 2 * gradients.pairs
            return Gradients(None, 2 * gradients.moments, pairs)

    with pytest.raises(AssertionError, match="jvp against differences of forward"):
        testing.check_descriptor(Scaled())


def test_descriptor_with_spin_orbit_terms():
    with pytest.raises(AssertionError, match="features after rotation of the moments"):
        testing.check_descriptor(Descriptor("spin orbit"))
    with pytest.raises(AssertionError, match="jvp against differences"):
        # This toy's products leave the new term out.
        testing.check_descriptor(Descriptor("spin orbit"), spin_rotation=False)


class Quadratic:
    """e(x) = w.x^2 fitted by least squares; right unless ``mistake``."""

    def __init__(self, mistake=None):
        self.mistake = mistake

    def fit(self, X, y):
        start = np.random.default_rng().normal(scale=1e-3) if self.mistake == "random" else 0.0
        weights = np.linalg.lstsq(X**2, y, rcond=None)[0] + start
        if self.mistake == "no underscore":
            self.weights = weights
        else:
            self.weights_ = weights
        if self.mistake == "mutates":
            X += 1.0
        return None if self.mistake == "fit" else self

    def predict(self, X):
        if self.mistake == "unfitted" and not hasattr(self, "weights_"):
            return np.zeros(len(X))
        weights = self.weights if self.mistake == "no underscore" else self.weights_
        offset = X.mean() if self.mistake == "batch" else 0.0
        return X**2 @ weights + offset

    def gradient(self, X):
        factor = 2.001 if self.mistake == "gradient" else 2.0
        return factor * X * self.weights_


def test_right_regressor():
    testing.check_regressor(Quadratic())


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ("gradient", "gradient against differences of predict"),
        ("fit", "fit must return the regressor itself"),
        ("no underscore", "attributes that end in '_'"),
        ("batch", "predict row by row"),
        ("random", "predictions after a second fit"),
        ("mutates", "the features were changed by fit"),
        ("unfitted", "predict before fit must raise"),
    ],
)
def test_wrong_regressor(mistake, message):
    with pytest.raises(AssertionError, match=message):
        testing.check_regressor(Quadratic(mistake))
