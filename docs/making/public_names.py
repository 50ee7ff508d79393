"""Names by their public address: in signatures, in references, and between backticks in docstrings.

A class of `legnext_stream` is made in some room of it, and says so in `__module__`; who reads the
reference knows it as `legnext_stream.Job`. So each name is told that it lives at the package's face.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from typing import Final

from docutils import nodes
from docutils.nodes import Node, system_message
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.python import PyXRefRole
from sphinx.ext.autodoc._dynamic._preserve_defaults import update_default_value
from sphinx.util.docutils import SphinxRole
from sphinx.util.typing import ExtensionMetadata

from docs.making.faces import PUBLIC_MODULES, names_of

# What annotations call these, and what their own documentation does.
_KNOWN_AS: Final = {
    "AbstractAsyncContextManager": "contextlib.AbstractAsyncContextManager",
    "datetime": "datetime.datetime",
    "MeterProvider": "opentelemetry.metrics.MeterProvider",
    "Path": "pathlib.Path",
    "TracerProvider": "opentelemetry.trace.TracerProvider",
}


# Whose making is the library's business.
_MADE_FOR_YOU: Final = {"EventStream", "JobStatus", "Selection", "Subscription", "TaskType"}
_LINK: Final = PyXRefRole()


class Named(SphinxRole):
    """A link to what a public name stands for; what is no such name stands as code."""

    def run(self) -> tuple[list[Node], list[system_message]]:
        """Make the link, or the piece of code."""
        here = str(self.env.ref_context.get("py:module", PUBLIC_MODULES[0]))
        target = _home_of(self.text, here)
        if target is None:
            return [nodes.literal(self.text, self.text)], []
        text = f"{self.text} <{target}>"
        return _LINK("py:obj", self.rawtext, text, self.lineno, self.inliner)


def _home_of(name: str, here: str) -> str | None:
    """The address of a public name, seen from a public module; None for what is no such name."""
    for module in dict.fromkeys((here, here.partition(".")[0])):
        bare = name.removeprefix(f"{module}.")
        head, _, member = bare.partition(".")
        thing = names_of(module).get(head)
        if thing is not None and (not member or hasattr(thing, member)):
            made_at = getattr(thing, "__module__", module)
            return f"{made_at if made_at in PUBLIC_MODULES else module}.{bare}"
    return None


def _import_what_types_need() -> None:
    """Do the imports that are for type checkers alone, so that annotations can be looked up."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in PUBLIC_MODULES or not getattr(module, "__file__", None):
            continue
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                imports = ast.Module(node.body, type_ignores=[])
                exec(compile(imports, name, "exec"), vars(module))  # noqa: S102 - our own


def _settle(_app: Sphinx) -> None:
    """Tell every public class and function where it lives."""
    faces = {module: names_of(module) for module in PUBLIC_MODULES}
    _import_what_types_need()
    settled = set[int]()
    for module, names in faces.items():
        for thing in names.values():
            made_in = str(getattr(thing, "__module__", ""))
            if made_in.startswith(module) and id(thing) not in settled:
                thing.__module__ = module
                settled.add(id(thing))


def _keep_defaults_as_written(_app: Sphinx, thing: object, is_bound: bool) -> None:  # noqa: FBT001 - Sphinx's
    """Show a default as it is written (`1024**3`).

    Sphinx's own setting for this looks for them in the function's source. They are not there where options
    are passed on, nor in an `__init__` that attrs has generated.
    """
    code = getattr(thing, "__code__", None)
    is_generated = code is not None and code.co_filename.startswith("<")
    if not is_generated and "__signature__" not in getattr(thing, "__dict__", {}):
        update_default_value(thing, is_bound)


def _as_restructured_text(
    _app: Sphinx, what: str, _name: str, _thing: object, _options: object, lines: list[str]
) -> None:
    """Mark what docstrings leave to the eye: indented examples, and letters right after a name."""
    # An empty comment: napoleon takes what stands before a colon in a property's first line for its type.
    marked = ["..", ""] if what in {"attribute", "data", "property"} else list[str]()
    paragraph = ""
    for line in lines:
        is_example = line.startswith("    ") and marked and not marked[-1]
        if is_example and paragraph and not paragraph.startswith((" ", ".. ")):
            marked += [".. code-block:: python", ""]
        paragraph = line or paragraph
        marked.append(re.sub(r"(?<!`)(`[^`]+`)(?=[a-z])", r"\1\\ ", line))
    lines[:] = marked


def _lead(_app: Sphinx, doctree: nodes.document) -> None:
    """Lead references to where their names are, and not to whatever ends like them."""
    for reference in doctree.findall(addnodes.pending_xref):
        if reference["refdomain"] != "py":
            continue
        # There or not is what counts.
        reference.attributes.pop("refspecific", None)
        target, here = reference["reftarget"], reference.get("py:module")
        home = _home_of(target, here) if here in PUBLIC_MODULES else None
        reference["reftarget"] = home or _KNOWN_AS.get(target, target)


def _hide_making(_app: Sphinx, what: str, name: str, *_: object) -> tuple[str, str | None] | None:
    """Leave out how a class is made that nobody makes but the library."""
    return ("", None) if what == "class" and name.rpartition(".")[2] in _MADE_FOR_YOU else None


def setup(app: Sphinx) -> ExtensionMetadata:
    """Called by Sphinx."""
    app.add_role("named", Named())
    app.connect("builder-inited", _settle)
    # Before napoleon, for which what is indented belongs to the heading above it.
    app.connect("autodoc-process-docstring", _as_restructured_text, priority=400)
    app.connect("autodoc-before-process-signature", _keep_defaults_as_written)
    app.connect("autodoc-process-signature", _hide_making)
    app.connect("doctree-read", _lead)
    return {"parallel_read_safe": True}
