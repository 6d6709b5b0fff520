"""Configuration of the documentation."""

import sys
from importlib.metadata import version as installed
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

project = "emgkit"
author = "the emgkit developers"
copyright = "the emgkit developers"
release = version = installed("emgkit")
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_click",
]
exclude_patterns = ["_build", "generated", "benchmark_table.rst"]
html_theme = "pydata_sphinx_theme"
html_title = "emgkit"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}
html_copy_source = False
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False
default_role = "any_or_code"
nitpicky = False


def setup(app):
    """Let single backticks be code: docstrings name parameters and verbs with them."""
    from docutils import nodes

    def as_code(name, rawtext, text, lineno, inliner, options=None, content=()):
        return [nodes.literal(rawtext, text)], []

    app.add_role("any_or_code", as_code)
    app.connect("builder-inited", draw)


def draw(app):
    """Draw the pictures of the simulator's page."""
    from make_pictures import make

    make(HERE / "generated")
