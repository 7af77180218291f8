"""Build the documentation: sphinx-build -W --keep-going -b html docs docs/_build/html."""

import os
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
# Cells of the tutorials call the `gatekeeper` command and import the packages of this checkout.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])

project = "gatekeeper"
author = "The gatekeeper developers"
release = metadata.version("gatekeeper-mrgrt")
version = release

# MyST-NB executes the tutorials: it is kept by the Executable Books project beside MyST-Parser, reads the Markdown of
# all other pages, and runs shell and Python cells, which the scripts of sphinx-gallery do not.
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_design",
    "docs.sitetools",
]
exclude_patterns = ["_build", "decisions/template.md"]
nitpicky = False

myst_enable_extensions = ["colon_fence", "dollarmath", "fieldlist"]
myst_heading_anchors = 4
html_math_renderer = "mathml"

nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
# Generous, for a machine with other work; an idle one needs a minute for all cells together.
nb_execution_timeout = 300
nb_merge_streams = True

autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False
templates_path = ["_templates"]

html_theme = "pydata_sphinx_theme"
html_title = "gatekeeper"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["example-report.html"]
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "show_toc_level": 2,
    "footer_start": ["research-use"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
