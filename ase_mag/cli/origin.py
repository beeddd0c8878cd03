"""What a trajectory says about the job that made it, so that it can be made again."""

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
