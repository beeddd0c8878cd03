"""Where energies at constrained moments come from, and where they are computed."""

from dataclasses import dataclass

from ase_mag.cli.job.keys import INTEGER, PATH, SETTINGS, TEXT, key


@dataclass(frozen=True)
class Reference:
    """The reference of landscapes and of asd-aimd in the place of [model]: a code."""

    code: str = key(
        TEXT,
        "constrained ABINIT or VASP, as ConstrainedAbinit or ConstrainedVasp; the embedded model",
        allowed=("abinit", "vasp", "model"),
    )
    command: str | None = key(
        TEXT, "command that runs VASP; default: that of ASE's configuration", default=None
    )
    constraint: str | None = key(
        TEXT, "what is constrained", allowed=("vector", "direction"), default=None
    )
    directory: str | None = key(
        PATH, "folder in which the code runs; default: a temporary one", default=None
    )
    settings: dict | None = key(
        SETTINGS,
        "arguments of the class: kpts, ecut (abinit), encut, xc, lambdas (vasp), ...",
        default=None,
    )


@dataclass(frozen=True)
class Executor:
    """Where frames of ase-mag landscapes are computed; without it one after the other."""

    kind: str = key(
        TEXT,
        "processes of this machine, or workers of dask",
        allowed=("processes", "dask"),
    )
    workers: int | None = key(
        INTEGER, "how many processes; dask: of a new local cluster", least=1, default=None
    )
    scheduler: str | None = key(
        TEXT, "address or scheduler file of a running dask cluster", default=None
    )
