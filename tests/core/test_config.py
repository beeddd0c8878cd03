"""The section [ase_mag] of ASE's configuration file."""

import subprocess

import pytest
from ase.config import Config

import ase_mag
from ase_mag.core import config, threads
from ase_mag.core.config import KEYS, read_section


def section(tmp_path, text):
    path = tmp_path / "config.ini"
    path.write_text(text)
    found = Config()
    found._read_paths([path])
    return read_section(found)


def test_values(tmp_path):
    text = (
        f"[ase_mag]\nuppasd = mpirun -n 2 'my uppasd'\nthreads = 3\nmodels = {tmp_path}\n"
        "device = cuda:1\n"
    )
    values = section(tmp_path, text)
    assert values == {
        "uppasd": "mpirun -n 2 'my uppasd'",
        "threads": 3,
        "models": tmp_path,
        "device": "cuda:1",
    }
    assert section(tmp_path, "[abinit]\ncommand = x\n") == dict.fromkeys(KEYS)
    # Keys of [DEFAULT] show up in every section and are not ours.
    assert section(tmp_path, "[DEFAULT]\nroot = /x\n[ase_mag]\n") == dict.fromkeys(KEYS)


def test_examples_are_allowed(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    text = "[ase_mag]\n" + "".join(f"{name} = {key.example}\n" for name, key in KEYS.items())
    assert None not in section(tmp_path, text).values()


@pytest.mark.parametrize(
    "line, message",
    [
        ("upasd = x", r"config\.ini\) has the unknown key 'upasd': allowed are uppasd, threads"),
        ("threads = many", "threads = 'many', but a positive whole number is needed"),
        ("threads = 0", "a positive whole number is needed"),
        ("uppasd =", "uppasd = '', but a command is needed"),
        ("uppasd = 'x", r"a command is needed \(No closing quotation\)"),
        ("models = /does/not/exist", "a folder that exists is needed"),
        ("device = gpu", r"cpu, cuda, cuda:0, ... or mps is needed"),
        ("device = cuda:x", r"cpu, cuda, cuda:0, ... or mps is needed"),
    ],
)
def test_bad_values(tmp_path, line, message):
    with pytest.raises(ValueError, match=message):
        section(tmp_path, f"[ase_mag]\n{line}\n")


def test_in_a_process_with_such_a_file(tmp_path, strict_python, tree_environment):
    """Threads of the file count where the environment says nothing; mistakes are told."""
    path = tmp_path / "config.ini"
    environment = {k: v for k, v in tree_environment.items() if k != "OMP_NUM_THREADS"}
    environment["ASE_CONFIG_PATH"] = str(path)

    def threads(text, **more):
        path.write_text(text)
        return subprocess.run(
            [*strict_python, "-c", "import ase_mag; print(ase_mag.get_threads())"],
            env=environment | more,
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert threads("[ase_mag]\nthreads = 7\n").stdout == "7\n"
    assert threads("[ase_mag]\nthreads = 7\n", OMP_NUM_THREADS="2").stdout == "2\n"
    assert "unknown key 'thread'" in threads("[ase_mag]\nthread = 7\n").stderr


def test_configured(monkeypatch):
    monkeypatch.setattr(config, "_section", lambda: dict.fromkeys(KEYS) | {"threads": 5})
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "_limit", None)
    assert ase_mag.get_threads() == 5
