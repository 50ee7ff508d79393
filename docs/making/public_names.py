"""A Sphinx extension: public names appear under the module that users import them from.

A class of `legnext_stream` is defined in a private module, and its `__module__` says so. Readers of the
reference know it as `legnext_stream.Job`. So each public name gets the public module as its `__module__`,
and names between single backticks in docstrings become links to the reference.
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
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxRole
from sphinx.util.typing import ExtensionMetadata

from docs.making.public_modules import PUBLIC_MODULES, names_of

# Short names in annotations, and the names that the documentation of other projects uses.
_FULL_NAMES: Final = {
    "AbstractAsyncContextManager": "contextlib.AbstractAsyncContextManager",
    "datetime": "datetime.datetime",
    "MeterProvider": "opentelemetry.metrics.MeterProvider",
    "Path": "pathlib.Path",
    "TracerProvider": "opentelemetry.trace.TracerProvider",
}
# Classes that only the library instantiates; the reference hides their signatures.
_NOT_FOR_USERS_TO_CREATE: Final = {
    "EventStream",
    "JobStatus",
    "Selection",
    "Subscription",
    "TaskType",
}
_LINK: Final = PyXRefRole()


class Named(SphinxRole):
    """The role of text between single backticks: a link if it is a public name, otherwise code."""

    def run(self) -> tuple[list[Node], list[system_message]]:
        """Return the link or the code."""
        here = str(self.env.ref_context.get("py:module", PUBLIC_MODULES[0]))
        target = _public_address(self.text, here)
        if target is None:
            return [nodes.literal(self.text, self.text)], []
        text = f"{self.text} <{target}>"
        return _LINK("py:obj", self.rawtext, text, self.lineno, self.inliner)


def _public_address(name: str, here: str) -> str | None:
    """Return the full address of a public name as used in a public module, or None."""
    for module in dict.fromkeys((here, here.partition(".")[0])):
        bare = name.removeprefix(f"{module}.")
        head, _, member = bare.partition(".")
        value = names_of(module).get(head)
        if value is not None and (not member or hasattr(value, member)):
            defined_in = getattr(value, "__module__", module)
            return f"{defined_in if defined_in in PUBLIC_MODULES else module}.{bare}"
    return None


def _run_type_checking_imports() -> None:
    """Run the imports under `if TYPE_CHECKING:`, so that annotations can be resolved."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in PUBLIC_MODULES or not getattr(module, "__file__", None):
            continue
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                imports = ast.Module(node.body, type_ignores=[])
                exec(compile(imports, name, "exec"), vars(module))  # noqa: S102 - our own


def _set_public_modules(_app: Sphinx) -> None:
    """Set `__module__` of each public class and function to the public module."""
    names_by_module = {module: names_of(module) for module in PUBLIC_MODULES}
    _run_type_checking_imports()
    done = set[int]()
    for module, names in names_by_module.items():
        for value in names.values():
            defined_in = str(getattr(value, "__module__", ""))
            if defined_in.startswith(module) and id(value) not in done:
                value.__module__ = module
                done.add(id(value))


def _keep_defaults_as_written(_app: Sphinx, value: object, is_bound: bool) -> None:  # noqa: FBT001 - Sphinx's
    """Show a default as it is written in the source (`1024**3`).

    The setting `autodoc_preserve_defaults` does the same, but it also searches the source of functions that
    pass their options on, and of the `__init__` methods that attrs generates, where no defaults are written.
    """
    code = getattr(value, "__code__", None)
    is_generated = code is not None and code.co_filename.startswith("<")
    if not is_generated and "__signature__" not in getattr(value, "__dict__", {}):
        update_default_value(value, is_bound)


def _as_restructured_text(
    _app: Sphinx, what: str, _name: str, _value: object, _options: object, lines: list[str]
) -> None:
    """Add markup that our docstrings leave out: for indented examples, and for `name`s in the plural."""
    # The empty comment keeps napoleon from reading text before a colon in a property's first line as
    # its type.
    marked = ["..", ""] if what in {"attribute", "data", "property"} else list[str]()
    paragraph = ""
    for line in lines:
        is_example = line.startswith("    ") and marked and not marked[-1]
        if is_example and paragraph and not paragraph.startswith((" ", ".. ")):
            marked += [".. code-block:: python", ""]
        paragraph = line or paragraph
        marked.append(re.sub(r"(?<!`)(`[^`]+`)(?=[a-z])", r"\1\\ ", line))
    lines[:] = marked


def _resolve_references(_app: Sphinx, doctree: nodes.document) -> None:
    """Make references point to public addresses, not to any name with the same ending."""
    for reference in doctree.findall(addnodes.pending_xref):
        if reference["refdomain"] != "py":
            continue
        # Sphinx tests for the attribute, not for its value.
        reference.attributes.pop("refspecific", None)
        target, here = reference["reftarget"], reference.get("py:module")
        address = _public_address(target, here) if here in PUBLIC_MODULES else None
        reference["reftarget"] = address or _FULL_NAMES.get(target, target)


def _simplify_signatures(
    _app: Sphinx,
    what: str,
    name: str,
    _value: object,
    _options: object,
    arguments: str | None,
    returned: str | None,
) -> tuple[str, str | None] | None:
    """Hide the signature of a class that users don't create, and the type variable of what a submit returns."""
    if what == "class" and name.rpartition(".")[2] in _NOT_FOR_USERS_TO_CREATE:
        return "", None
    is_submit = returned is not None and returned.endswith("R_co")
    return (arguments or "", "Job") if is_submit else None


def _hide_overloads(_app: Sphinx) -> None:
    """Show the one explicit signature of a function that has overloads, which are for type checkers."""
    analyze = ModuleAnalyzer.analyze

    def without_overloads(self: ModuleAnalyzer) -> None:
        analyze(self)
        self.overloads = {}

    ModuleAnalyzer.analyze = without_overloads  # type: ignore[method-assign]  # there is no setting


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the extension; Sphinx calls this."""
    app.add_role("named", Named())
    app.connect("builder-inited", _set_public_modules)
    app.connect("builder-inited", _hide_overloads)
    # Before napoleon, which takes indented text as part of the heading above it.
    app.connect("autodoc-process-docstring", _as_restructured_text, priority=400)
    app.connect("autodoc-before-process-signature", _keep_defaults_as_written)
    app.connect("autodoc-process-signature", _simplify_signatures)
    app.connect("doctree-read", _resolve_references)
    return {"parallel_read_safe": True}
