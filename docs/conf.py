"""How Sphinx builds this folder: `sphinx-build --fail-on-warning --nitpicky docs FOLDER`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

_DOCS: Final = Path(__file__).parent
# For `docs.making`, whose extensions are named below.
sys.path.insert(0, str(_DOCS.parent))

from legnext_stream import __version__  # noqa: E402 - the path has to be there first

project = "Legnext Stream"
author = "The Legnext Stream authors"
project_copyright = author
release = version = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.intersphinx",
    # After autodoc, whose directives it extends: `await`, `async for` and `async with` in signatures.
    "sphinxcontrib_trio",
    "docs.making.public_names",
]
exclude_patterns = ["making"]

# Every reference must lead somewhere. Where other projects' names lead is said in small lists that are
# kept here, so that building needs no network.
nitpicky = True
intersphinx_mapping = {
    name: (url, str(_DOCS / "inventories" / f"{name}.txt"))
    for name, url in {
        "opentelemetry": "https://opentelemetry-python.readthedocs.io/en/stable/",
        "python": "https://docs.python.org/3/",
        "trio": "https://trio.readthedocs.io/en/stable/",
    }.items()
}
_LEADS_NOWHERE: Final = {
    # Their documentation has no list of names.
    "httpx.AsyncBaseTransport httpx.AsyncClient httpx.TransportError",
    "hypothesis.strategies.SearchStrategy",
    # Type variables.
    "T T_co",
    # Callables of a shape that ASGI or the guide describes.
    "ASGIApp Handler",
    # The mock's short names for a choice of words, for any of several classes, and for what may be said by
    # keyword: its guides list what there is.
    "Envelope ErrorBody Fields JobError Logs MissingOutput MissingTime Order Outcome Per RetryAfter",
    "Separator TimeResolution Unmatched WhenFull",
    "Asked Criteria Distribution Fault LimitLike Phases RunTimes StepLike",
    # The library's own for what can be iterated, and for a choice of two words.
    "IfUnknown Jobs Prompts",
    # Parts of a mock that are handed on, and not looked into.
    "Draws Exchange FaultsSnapshot Job JobView JournalSnapshot LimitsSnapshot QueueState Randomness",
    "Recent RecordedJob Service WebhooksState",
    # Errors of one reader, told by their message.
    "TranscriptError",
}
nitpick_ignore_regex = [
    (r"py:(class|exc)", rf"((legnext_stream|mockserver)\.(\w+\.)*)?{re.escape(name)}")
    for names in _LEADS_NOWHERE
    for name in names.split()
]

myst_enable_extensions = ["colon_fence", "attrs_inline"]
# A notebook is shown as it was saved; that it runs is for a test to show.
nb_execution_mode = "off"
myst_heading_anchors = 3

# The documenters that sphinxcontrib-trio extends are those of before Sphinx 9.
autodoc_use_legacy_class_based = True
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_maximum_signature_line_length = 80
python_use_unqualified_type_names = True
add_module_names = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_attr_annotations = True
napoleon_use_rtype = False
# What stands between single backticks in a docstring: see `docs.making.public_names`.
default_role = "named"

html_theme = "furo"
html_title = f"Legnext Stream {release}"
html_static_path: list[str] = []
html_copy_source = False
html_show_sphinx = False
