"""Structured orthogonal random features of the Gaussian kernel, from qml-lightning."""

import numpy as np

from ase_mag.core.extras import require

#: Random features; the error of one kernel value is about 1/sqrt(of this).
_FEATURES = 8192
_TRANSFORMS = 2
_SMALLEST = 32


def random_features(X, width):
    """Return features Z with Z(X) Z(Y)^T = exp(-|x - y|^2/(2 width^2)) approximately.

    Z = sqrt(2/D) cos(sqrt(d)/width (H S_2 H S_1) x + b), with the normalized Hadamard transform H
    of the d features (filled up with zeros to a power of two), random signs S, and random phases
    b (Browning, Faber, von Lilienfeld, arXiv:2206.01580). D = 8192. The random numbers are a
    function of d, so that all calls with as many features use the same ones.

    Parameters
    ----------
    X : (n, n_features) array; width : float.

    Returns
    -------
    (n, 8192) float array, computed in single precision.

    Raises
    ------
    ImportError
        If torch or qml-lightning is not installed.
    RuntimeError
        Without a CUDA device, which qml-lightning needs.
    """
    torch = require("torch", "gpu")
    sorf = require("qml_lightning.features.SORF", "gpu")
    if not torch.cuda.is_available():
        raise RuntimeError(
            "qml-lightning computes on a CUDA device, and torch finds none: use "
            "backend='scikit-learn' or 'qmllib' on this machine"
        )
    X = np.asarray(X, dtype=np.float32)
    n = max(_SMALLEST, 1 << (X.shape[1] - 1).bit_length())
    rows = np.zeros((len(X), n), dtype=np.float32)
    rows[:, : X.shape[1]] = X
    stacks = max(1, _FEATURES // n)
    rng = np.random.default_rng([n, stacks])
    signs = rng.choice(np.array([-1.0, 1.0], np.float32), (_TRANSFORMS, stacks, n))
    phases = rng.uniform(0.0, 2 * np.pi, stacks * n).astype(np.float32)
    rows, signs, phases = (torch.from_numpy(v).cuda() for v in (rows, signs, phases))
    coefficients = sorf.SORFTransformCuda.apply(rows, signs, float(np.sqrt(n) / width), _TRANSFORMS)
    coefficients = coefficients.reshape(len(X), stacks * n).contiguous()
    which = torch.arange(len(X), dtype=torch.int32).cuda()
    features = sorf.CosFeatures.apply(coefficients, phases, len(X), which)
    return features.cpu().numpy().astype(float)
