"""What a trajectory says about the job that made it, so that it can be made again."""

import warnings

from ase_mag import analysis
from ase_mag.cli import info

#: Lines of ``ase-mag info`` that decide about the numbers of a run.
_VERSIONS = ("ase-mag", "Python", "kernels", "ase", "numpy", "scipy", "scikit-learn", "matscipy")


def describe(job):
    """Return the origin of a run, a JSON-able dict.

    ``job``: the text of the job file; ``seed``; ``inputs``: sha256 of the files that it names;
    ``versions``: of everything that decides about the numbers.
    """
    versions = info.describe()
    return {
        "job": job.text,
        "seed": job.seed,
        "inputs": dict(job.inputs),
        "versions": {name: versions[name] for name in _VERSIONS},
    }


def warn_if_other(trajectory, origin):
    """Warn if a run goes on with other versions or inputs than those that it began with.

    Parameters
    ----------
    trajectory : Path of the frames so far; nothing is compared without it.
    origin : dict of :func:`describe`, now.

    Warns
    -----
    UserWarning
        With what differs: such a run does not equal the uninterrupted one bit for bit.
    """
    if not trajectory.exists():
        return
    before = analysis.read(trajectory).description.get("origin", {})
    changes = [
        f"{name} {before[part][name]} -> {now}"
        for part in ("versions", "inputs")
        for name, now in origin[part].items()
        if before.get(part, {}).get(name, now) != now
    ]
    if changes:
        warnings.warn(
            f"{trajectory} was begun with other versions or files ({', '.join(changes)}): the rest "
            "of the run may differ from that of an uninterrupted one",
            UserWarning,
            stacklevel=2,
        )
