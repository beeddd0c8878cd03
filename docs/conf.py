"""Settings of Sphinx: ``make docs`` builds docs/_build/html from these pages and all docstrings."""

import re
import sys
from importlib import import_module
from pathlib import Path

from docutils import nodes

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import ase_mag  # noqa: E402

#: Pages of the reference, one per package.
PACKAGES = [path.stem for path in sorted((HERE / "api").glob("*.md")) if path.stem != "ase_mag"]
for package in PACKAGES:
    import_module(f"ase_mag.{package}")

project, author = "ase_mag", "The ase_mag developers"
copyright = "The ase_mag developers, MIT license"
version = release = ase_mag.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "docstrings"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autosummary_generate = False
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"ase_mag {version}"
html_copy_source = False
html_show_sphinx = False

nitpicky = True
#: Types of other packages, which have their own pages.
nitpick_ignore_regex = [
    ("py:.*", r"(ase|numpy|scipy|sklearn|matplotlib|concurrent|collections|abc|pathlib)\..*"),
    ("py:.*", r"(object|tuple|list|dict|[A-Z]\w*(Error|Warning))"),
]


def setup(app):
    app.connect("include-read", links_of_the_readme)
    app.connect("source-read", index_with_contents)
    app.connect("missing-reference", public_reference)


def links_of_the_readme(app, relative_path, parent, content):
    content[0] = content[0].replace("](examples)", "](../examples/01_calculator.py)")


def index_with_contents(app, docname, source):
    """Make README the first part of index.md, and its lists of links the table of contents.

    Both stay plain Markdown where they are read as files.
    """
    if docname != "index":
        return
    sections = re.split(r"^## (.*)$", source[0], flags=re.MULTILINE)
    page = ["```{include} ../README.md\n:relative-docs: docs/\n:relative-images:\n```\n"]
    for title, text in zip(sections[1::2], sections[2::2], strict=True):
        pages = "\n".join(re.findall(r"\]\(([\w/-]+)\.md\)", text))
        page.append(f"```{{toctree}}\n:hidden:\n:caption: {title}\n\n{pages}\n```\n")
    source[0] = "\n".join(page)


def public_reference(app, env, node, contnode):
    """Resolve the name of an object of the package by the place where it is documented.

    What exists but is not public is shown without a link; what does not exist stays a warning.
    """
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"].removeprefix("ase_mag.")
    name = target.rpartition(".")[2]
    places = [f"ase_mag.{target}", *(f"ase_mag.{package}.{target}" for package in PACKAGES)]
    if name in ase_mag.__all__:
        places.append(f"ase_mag.{name}")
    for place in places:
        found = env.domains["py"].objects.get(place)
        if found:
            uri = app.builder.get_relative_uri(env.docname, found.docname)
            return nodes.reference("", "", contnode, refuri=f"{uri}#{found.node_id}")
    modules = [name for name in sys.modules if name.partition(".")[0] == "ase_mag"]
    return contnode if any(exists(target, module) for module in modules) else None


def exists(target, module):
    """Return whether a dotted name leads somewhere from a module."""
    thing = sys.modules.get(f"ase_mag.{target}", sys.modules[module])
    for part in target.split(".") if thing is sys.modules[module] else ():
        thing = getattr(thing, part, None)
    return thing is not None
