"""A job file: read, checked, and with the digests of the files that it names."""

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from ase_mag.cli.job.errors import InputError
from ase_mag.cli.job.keys import INTEGER, check, suggestion
from ase_mag.cli.job.sections import SECTIONS
from ase_mag.cli.job.text import parse

#: The newest version of job files that this program reads.
VERSION = 1
#: Keys above all sections: what they mean.
TOP = {
    "version": f"version of the job file, {VERSION}",
    "seed": "seed of all random numbers of the job, an integer of at least 0",
}


@dataclass(frozen=True)
class Job:
    """What a job file says.

    Attributes
    ----------
    path : Path of the file. text : str, all of it.
    seed : int or None.
    sections : dict name -> section, those that the file has.
    given : dict name of a section -> names of the keys that are written in it.
    lines : dict, see :func:`ase_mag.cli.job.text.parse`.
    inputs : dict name of a file -> sha256 of its content, filled by :meth:`file`.
    """

    path: Path
    text: str = field(repr=False)
    seed: int | None
    sections: dict
    given: dict = field(repr=False)
    lines: dict = field(repr=False)
    inputs: dict = field(default_factory=dict, repr=False)

    def __getitem__(self, name):
        """Return a section; None if the file lacks it."""
        return self.sections.get(name)

    def place(self, section, name=None):
        """Return where a section or key of it stands, the beginning of a message."""
        line = self.lines.get((section, name), self.lines.get((section,)))
        return f"{self.path.name}, line {line}, [{section}]"

    def require(self, *names):
        """Raise InputError unless the file has these sections."""
        for name in names:
            if name not in self.sections:
                raise InputError(
                    f"{self.path.name} has no section [{name}]: "
                    f"{SECTIONS[name].__doc__.splitlines()[0]}"
                )

    def refuse(self, section, names, reason):
        """Raise InputError if one of these keys is written in the section, where it is unused."""
        for name in self.given[section]:
            if name in names:
                raise InputError(f"{self.place(section, name)}: {name} {reason}")

    def random_seed(self, purpose):
        """Return the seed, or raise InputError if there is none."""
        if self.seed is None:
            raise InputError(
                f"{self.path.name} has no seed, but {purpose}: write `seed = 1` (or another "
                "integer) at the top of the file, above the first section"
            )
        return self.seed

    def beside(self, name):
        """Return the path of a file that the job writes, relative to the folder of the job."""
        return self.path.parent / name

    def output(self, name, ending):
        """Return the path of an output; without a name that of the job file with an ending."""
        return self.beside(name if name is not None else self.path.stem + ending)

    def file(self, section, name, value=None):
        """Return the path of an input that a key names, and keep its digest.

        ``value``: the name of the file; None: that of the key.
        """
        written = getattr(self.sections[section], name) if value is None else value
        path = self.path.parent / written
        if not path.exists():
            raise InputError(
                f"{self.place(section, name)}: {name} is {written!r}, but there is no such file or "
                f"folder in {path.parent.resolve()}"
            )
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        digest = sha256()
        for each in files:
            with each.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        self.inputs[written] = digest.hexdigest()
        return path


def read(path):
    """Read and check a job file; returns :class:`Job`.

    Raises
    ------
    InputError
        If it does not exist, is no TOML, of a newer version, or has unknown sections or keys or
        values that are not allowed; the message names the line.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the job file {path} cannot be read: {error}") from error
    values, lines = parse(text, path.name)
    seed = _top(path.name, values, lines)
    job = Job(path, text, seed, {}, {}, lines)
    for name, section in SECTIONS.items():
        if name in values:
            job.given[name] = tuple(values[name])
            job.sections[name] = check(section, values[name], lambda k, s=name: job.place(s, k))
    return job


def _top(name, values, lines):
    """Check version, seed and the names of sections; returns the seed."""
    version = values.get("version")
    if version is None:
        raise InputError(f"{name} has no version: write `version = {VERSION}` in its first line")
    if not INTEGER.holds(version) or version < 1:
        raise InputError(
            f"{name}, line {lines[('version',)]}: version is {version!r}; allowed is {VERSION}"
        )
    if version > VERSION:
        raise InputError(
            f"{name}, line {lines[('version',)]}: version is {version}, but this ase-mag reads job "
            f"files up to version {VERSION}: install a newer ase-mag"
        )
    known = [*TOP, *SECTIONS]
    for key, value in values.items():
        place = f"{name}, line {lines.get((key,), '?')}"
        if key not in known:
            what = "section" if isinstance(value, dict) else "key outside of the sections"
            raise InputError(f"{place}: {key} is an unknown {what}; {suggestion(key, known)}")
        if key in SECTIONS and not isinstance(value, dict):
            raise InputError(f"{place}: {key} is a section: write [{key}] and its keys below")
    seed = values.get("seed")
    if seed is not None and not (INTEGER.holds(seed) and seed >= 0):
        raise InputError(
            f"{name}, line {lines[('seed',)]}: seed is {seed!r}; allowed is an integer of at "
            "least 0"
        )
    return seed
