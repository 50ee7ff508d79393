"""Settings for Sphinx: `sphinx-build --fail-on-warning --nitpicky docs FOLDER` builds the site."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

_DOCS: Final = Path(__file__).parent
# So that the extensions from `docs.making` below can be imported.
sys.path.insert(0, str(_DOCS.parent))

from legnext_stream import __version__  # noqa: E402 - needs the path above

project = "Legnext Stream"
author = "The Legnext Stream authors"
project_copyright = author
release = version = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.intersphinx",
    # Shows `await`, `async for` and `async with` in signatures. Must come after autodoc, which it extends.
    "sphinxcontrib_trio",
    "docs.making.public_names",
]
exclude_patterns = ["making"]

# Every reference must resolve. The names of other projects are in small inventories in this folder, so
# that building needs no network.
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
    # Projects whose documentation has no inventory.
    "httpx.AsyncBaseTransport httpx.AsyncClient httpx.TransportError",
    "hypothesis.strategies.SearchStrategy",
    # Type variables.
    "Event_co T T_co Tag Tag_co",
    # Callables that ASGI or a guide describes.
    "ASGIApp Handler",
    # The mock's aliases for literals, unions and keyword arguments; its guides list the values.
    "Envelope ErrorBody Fields JobError Logs MissingOutput MissingTime Order Outcome Per RetryAfter",
    "Separator TimeResolution Unmatched WhenFull",
    "Asked Criteria Distribution Fault LimitLike Phases RunTimes StepLike",
    # The library's aliases for iterables and literals.
    "IfUnknown Jobs Prompts Tagged Texts",
    # Opaque parts of a mock.
    "Draws Exchange FaultsSnapshot Job JobView JournalSnapshot LimitsSnapshot QueueState Randomness",
    "Recent RecordedJob Service WebhooksState",
    # Errors that need no more than their message.
    "TranscriptError",
}
nitpick_ignore_regex = [
    (r"py:(class|exc)", rf"((legnext_stream|mockserver)\.(\w+\.)*)?{re.escape(name)}")
    for names in _LEADS_NOWHERE
    for name in names.split()
]

myst_enable_extensions = ["colon_fence", "attrs_inline"]
# The notebook is not run when building; a test runs it.
nb_execution_mode = "off"
myst_heading_anchors = 3

# sphinxcontrib-trio extends the class-based documenters, which were the default before Sphinx 9.
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
# The role of text between single backticks: see `docs.making.public_names`.
default_role = "named"

html_theme = "furo"
html_title = f"Legnext Stream {release}"
html_static_path: list[str] = []
html_copy_source = False
html_show_sphinx = False
