"""Lines in ~/.ase/gui.py: added, renewed, removed, and never anybody else's."""

import os
import runpy

import pytest

from ase_mag.gui import install, uninstall
from ase_mag.gui.startup import BEGIN, BLOCK, END, startup_file

OWN = "# mine\ngui_default_settings['show_bonds'] = True\n"


def test_a_new_file_is_made_and_removed(home):
    assert startup_file() == home / ".ase" / "gui.py"
    assert not uninstall()
    assert install() == "added"
    assert startup_file().read_text() == BLOCK
    assert install() == "unchanged"
    assert uninstall()
    assert not startup_file().exists() and not uninstall()


@pytest.mark.parametrize("own", [OWN, "x = 1\r\ny = 2\r\n", "# no end of line", "\n\n"])
def test_what_stands_in_the_file_stays(tmp_path, own):
    path = tmp_path / "gui.py"
    path.write_bytes(own.encode())
    path.chmod(0o600)
    assert install(path) == "added"
    assert path.read_bytes().startswith(own.encode())
    assert path.read_bytes().endswith(BLOCK.encode())
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(path.read_bytes() + b"# later\n")
    assert install(path) == "unchanged"
    assert uninstall(path)
    expected = own if own.endswith("\n") else own + "\n"
    assert path.read_bytes() == (expected + "# later\n").encode()


def test_old_lines_are_replaced_where_they_stand(tmp_path):
    path = tmp_path / "gui.py"
    path.write_text(f"a = 1\n{BEGIN}\nprint('old')\n{END}\nb = 2\n")
    assert install(path) == "updated"
    assert path.read_text() == f"a = 1\n{BLOCK}b = 2\n"


def test_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "dotfiles.py", tmp_path / "gui.py"
    real.write_text(OWN)
    os.symlink(real, link)
    install(link)
    assert link.is_symlink() and BLOCK in real.read_text()
    uninstall(link)
    assert link.is_symlink() and real.read_text() == OWN


@pytest.mark.parametrize(
    "text", [f"{BEGIN}\npass\n", f"pass\n{END}\n", BLOCK + BLOCK, f"{END}\n{BEGIN}\n"]
)
def test_damaged_marks_are_left_alone(tmp_path, text):
    path = tmp_path / "gui.py"
    path.write_text(text)
    for change in (install, uninstall):
        with pytest.raises(ValueError, match=r"the marks of ase_mag in .* are damaged"):
            change(path)
    assert path.read_text() == text


def test_a_file_that_does_not_run_is_left_alone(tmp_path):
    path = tmp_path / "gui.py"
    path.write_text("def (:\n")
    with pytest.raises(ValueError, match="is no valid Python, and ase gui does not start with it"):
        install(path)
    assert path.read_text() == "def (:\n"


def test_without_the_package_it_is_said_once(tmp_path, monkeypatch, capsys):
    path = tmp_path / "gui.py"
    install(path)
    monkeypatch.setitem(__import__("sys").modules, "ase_mag.gui.stock", None)
    settings = {}
    for _ in range(3):
        runpy.run_path(str(path), init_globals={"gui_default_settings": settings})
    assert capsys.readouterr().err.count("no menu Moments of ase_mag: ") == 1
