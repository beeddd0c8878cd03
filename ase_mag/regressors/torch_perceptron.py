"""Perceptrons in torch: energies of sites and their slopes, differentiable by the parameters."""

from ase_mag.core.extras import require
from ase_mag.regressors.perceptron import Perceptron

#: f and f' by name, of a module torch and z; torch differentiates f'.
_ACTIVATIONS = {
    "twisted": lambda t, z: (z / (1.0 + z.abs()), (1.0 + z.abs()) ** -2),
    "algebraic": lambda t, z: (z * (1.0 + z * z) ** -0.5, (1.0 + z * z) ** -1.5),
    "tanh": lambda t, z: (t.tanh(z), 1.0 - t.tanh(z) ** 2),
    "softplus": lambda t, z: (t.logaddexp(t.zeros_like(z), z), t.sigmoid(z)),
    "silu": lambda t, z: (
        z * t.sigmoid(z),
        t.sigmoid(z) * (1.0 + z * (1.0 - t.sigmoid(z))),
    ),
    "gaussian": lambda t, z: (t.exp(-0.5 * z * z), -z * t.exp(-0.5 * z * z)),
}


class TorchPerceptron:
    """The function of a :class:`Perceptron` in torch, in float64.

    It has no parameters of its own: they are an argument, the flat vector of the perceptron, so
    that whatever is found belongs to the perceptron and to its file.

    Parameters
    ----------
    perceptron : Perceptron; its sizes, activation, shift and spread are taken.
    device : str, 'cpu', 'cuda', 'cuda:1', ..., or 'auto': 'cuda' where there is one.

    Raises
    ------
    ImportError
        Without torch; the message names the extra.
    TypeError
        For another function of the features.
    ValueError
        For a device that torch does not have here.

    Attributes
    ----------
    n_parameters : int
    device : torch.device
    """

    def __init__(self, perceptron, device="auto"):
        if not isinstance(perceptron, Perceptron):
            raise TypeError(
                f"torch trains a Perceptron, got {type(perceptron).__name__}: leave device out to "
                "train other functions"
            )
        self._torch = require("torch", "torch")
        self.device = torch_device(device)
        self.n_parameters = perceptron.n_parameters
        self._shapes, self._twist = perceptron._shapes, perceptron.twist
        self._activation = _ACTIVATIONS[perceptron.activation]
        self._scaling = None
        if perceptron.prepared:
            self._scaling = self.tensor(perceptron.shift), self.tensor(perceptron.spread)

    def tensor(self, array):
        """Return a float64 copy of an array on the device."""
        return self._torch.tensor(array, dtype=self._torch.float64, device=self.device)

    def evaluate(self, parameters, X):
        """Return e and de/dx of every row, both differentiable by the parameters.

        Parameters
        ----------
        parameters : (n_parameters,) tensor; X : (..., n_features) tensor.

        Returns
        -------
        (...,) and (..., n_features) tensors.
        """
        x, slopes, start, layers = X, [], 0, []
        if self._scaling is not None:
            x = (x - self._scaling[0]) / self._scaling[1]
        for m, n in self._shapes:
            weights = parameters[start : start + m * n].reshape(m, n)
            layers.append((weights, parameters[start + m * n : start + m * n + m]))
            start += m * n + m
        for weights, bias in layers[:-1]:
            z = x @ weights.T + bias
            x, slope = self._activation(self._torch, z)
            x = x + self._twist * z
            slopes.append(slope + self._twist)
        (weights, bias), scale = layers[-1], parameters[-1]
        energies = scale * (x @ weights[0] + bias[0])
        gradient = scale * weights[0]
        for slope, (weights, _) in zip(reversed(slopes), reversed(layers[:-1]), strict=True):
            gradient = (gradient * slope) @ weights
        return energies, gradient if self._scaling is None else gradient / self._scaling[1]


def torch_device(name="auto"):
    """Return the torch device of a name; 'auto': 'cuda' where there is one, else 'cpu'.

    Raises
    ------
    ImportError
        Without torch; the message names the extra.
    ValueError
        For a device that torch does not know or does not have here.
    """
    torch = require("torch", "torch")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"device must be 'auto', 'cpu' or 'cuda', got {name!r}") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device={name!r}, but torch finds no CUDA here: give device='cpu', or 'auto' for "
            "whichever there is"
        )
    if device.type not in ("cpu", "cuda"):
        raise ValueError(
            f"device must be 'auto', 'cpu' or 'cuda' (others have no float64), got {name!r}"
        )
    return device
