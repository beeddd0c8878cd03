"""Every Python block of README and docs runs: one fresh process per page, warnings are errors."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def code_of(text):
    """Return the Python blocks of a page as one script with the line numbers of the page."""
    lines, inside = [], False
    for line in text.splitlines():
        if line.startswith("```"):
            inside = not inside and line.strip() == "```python"
            line = ""
        lines.append(line if inside else "")
    return "\n".join(lines)


def test_blocks_keep_their_line_numbers():
    text = "a\n```python\nx = 1\n```\nb\n```text\ny\n```\n```python\nz = x\n```\n"
    assert code_of(text).splitlines() == ["", "", "x = 1", "", "", "", "", "", "", "z = x"]


def has_code(page):
    return bool(code_of(page.read_text(encoding="utf-8")).strip())


@pytest.mark.parametrize(
    "page", [page for page in PAGES if has_code(page)], ids=lambda page: page.name
)
def test_page(page, tmp_path, strict_python, tree_environment):
    code = code_of(page.read_text(encoding="utf-8"))
    script = tmp_path / f"{page.stem}.py"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [*strict_python, script.name],
        cwd=tmp_path,
        env=tree_environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{page.name}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for part in page.read_text(encoding="utf-8").split("](")[1:]:
            target = part.partition(")")[0].partition("#")[0]
            if target and "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
                # The website shows files; folders only where docs/conf.py says what to show.
                shown = target in ("examples", "../examples") or (page.parent / target).is_file()
                assert shown, f"{page.name}: {target} is a folder"


def test_validation_names_tests_that_exist():
    text = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert len(named) > 30
    for path, name in named:
        assert f"\ndef {name}(" in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{name}"


def test_every_row_of_the_validation_names_its_test():
    text = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    count = 0
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        header, _, *rows = table.splitlines()
        if header.endswith("| test |"):
            count += len(rows)
            assert [row for row in rows if not re.search(r"`(tests|examples)/", row)] == []
    assert count > 100


def test_every_page_is_in_the_index_once():
    text = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = sorted({page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"})
    assert sorted(re.findall(r"^\* \[[^]]+\]\(([\w-]+\.md)\)", text, re.MULTILINE)) == pages


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_line_stands_twice(page):
    """A row of a table or an entry of a list that a merge has doubled, with or without changes."""
    lines = page.read_text(encoding="utf-8").splitlines()
    tables, names = 0, set()
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith("|") and not before.startswith("|"):
            tables, names = tables + 1, set()
        if match := re.match(r"\| (`[^`]+`) \|", line):
            assert match[1] not in names, f"{page.name}: two rows {match[1]}"
            names.add(match[1])
    items = [line for line in lines if line.startswith(("* ", "- ")) and len(line) > 40]
    assert sorted(set(items)) == sorted(items)
    starts = [re.match(r"\* `[^`]+`[ :]+\w+ ", line) for line in lines]
    starts = [match[0] for match in starts if match]
    assert sorted(set(starts)) == sorted(starts)


def test_the_architecture_shows_the_floors_of_the_contract():
    tomllib = pytest.importorskip("tomllib")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert re.search(r"^```text\n(cli \|.*?)^```", text, re.M | re.S)[1].split("\n")[:-1] == layers
    rooms = [room for layer in layers for room in layer.split(" | ")]
    table = text.partition("| room | holds |")[2].partition("\n\n")[0]
    shown = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(shown) == sorted(set(rooms) - {"_kernels"})
