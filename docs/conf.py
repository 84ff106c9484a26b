"""Sphinx's configuration: everything that it needs is installed, nothing is fetched."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from making import accessible, gallery, pages

project = "softmax-harness"
author = "the softmax-harness authors"
copyright = "2026, the softmax-harness authors"
version = release = version_of("softmax-harness")

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "_gallery", "making"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
default_role = "code"  # docstrings write names between single backticks
add_module_names = False
toc_object_entries = False
autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections say them in words
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
# Not the examples of docstrings, which the tests run.
doctest_test_doctest_blocks = ""

myst_enable_extensions = ["attrs_block", "deflist", "fieldlist"]
myst_heading_anchors = 3
myst_links_external_new_tab = False
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True

html_theme = "furo"
html_title = f"softmax-harness {release}"
html_show_sphinx = False
html_copy_source = False
html_extra_path = ["_gallery"]
html_theme_options = {"navigation_with_keys": True, "top_of_page_buttons": []}
html_static_path = ["static"]
html_css_files = ["site.css"]
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

linkcheck_timeout = 20
# A badge or a link that GitHub resolves against the repository's own pages.
linkcheck_ignore = [r"\.\./\.\./actions/.*"]


def leave_out_what_is_not_there(app, name, source):
    """The pages that a pattern of the front page stands for need not be there."""
    for pattern in ("survey*", "exhaustive*"):
        if name == "index" and not any(HERE.glob(f"{pattern}.md")):
            source[0] = source[0].replace(f"{pattern}\n", "")


def mend_what_the_theme_leaves_out(app, error):
    """Of pages that were built; other builders write none."""
    if error is None and app.builder.name == "html":
        accessible.mend(Path(app.outdir))


def setup(app):
    """Called by Sphinx."""
    app.connect("source-read", leave_out_what_is_not_there)
    app.connect("build-finished", mend_what_the_theme_leaves_out)


pages.write(HERE, HERE.parent)
gallery.write_list(HERE)
