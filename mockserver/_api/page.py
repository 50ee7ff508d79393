"""The page on which the API's description can be read: one HTML file that needs nothing else."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mockserver._api.openapi import Document

_STYLE: Final = """
:root { color-scheme: light dark; --line: light-dark(#ddd, #444); --soft: light-dark(#f6f6f4, #222);
  --get: light-dark(#0b6b3a, #6fd39b); --post: light-dark(#1f4fa8, #8fb4ff); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .3rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; }
summary { cursor: pointer; padding: .5rem .8rem; } details > div { padding: 0 .8rem .8rem; }
.method { display: inline-block; width: 3.2rem; font: 600 .85rem ui-monospace, monospace; }
.get { color: var(--get); } .post { color: var(--post); }
code, pre { font: .85rem/1.45 ui-monospace, monospace; }
pre { background: var(--soft); padding: .8rem; border-radius: 4px; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .4rem 0; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0;
  border-bottom: 1px solid var(--line); } th { font-weight: 600; }
"""

_ARTICLES: Final = {"integer": "an integer", "number": "a number", "null": "null"}


def page_of(document: Document) -> str:
    """The page of an OpenAPI document, as HTML."""
    info = document["info"]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>{escape(info['title'])}</h1><p>{escape(info['description'])} "
        'The same for machines: <a href="openapi.json">openapi.json</a>.</p>'
        f"{''.join(_sections(document))}</main></body></html>"
    )


def _sections(document: Document) -> Iterator[str]:
    by_tag: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            (tag,) = operation["tags"]
            html = _operation(document, method, path, operation)
            by_tag.setdefault(tag, []).append(html)
    for tag, operations in by_tag.items():
        yield f"<h2>{escape(tag.capitalize())}</h2>{''.join(operations)}"
    yield "<h2>Shapes</h2>"
    for name, schema in document["components"]["schemas"].items():
        yield f'<details id="{escape(name)}"><summary>{escape(name)}</summary><div>'
        yield f"{_code(schema)}</div></details>"


def _operation(document: Document, method: str, path: str, operation: Document) -> str:
    body = operation.get("requestBody", {"content": {}})["content"]
    parts = [f"<p>{escape(operation.get('description', operation['summary'] + '.'))}</p>"]
    for media_type, content in body.items():
        parts.append(f"<p>Takes <code>{escape(media_type)}</code>:</p>")
        parts.extend(_fields(form) for form in content["schema"].get("anyOf", [content["schema"]]))
    parts.append(_answers(document, operation["responses"]))
    return (
        f'<details id="{escape(operation["operationId"])}"><summary>'
        f'<span class="method {method}">{method.upper()}</span> <code>{escape(path)}</code> '
        f"{escape(operation['summary'])}</summary><div>{''.join(parts)}</div></details>"
    )


def _fields(schema: Document) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td>"
        f"<td>{'required' if name in schema['required'] else 'optional'}</td>"
        f"<td>{escape(in_words(field))}</td></tr>"
        for name, field in schema["properties"].items()
    )
    return f"<table><tr><th>field</th><th>needed</th><th>what it is</th></tr>{rows}</table>"


def in_words(schema: Document) -> str:
    """What a parameter must be, told to people; of the schemas that `api/fields.py` makes."""
    if "anyOf" in schema and "type" not in schema:
        return " or ".join(in_words(form) for form in schema["anyOf"])
    match schema["type"]:
        case "string" if "contentMediaType" in schema:
            return f"a file ({schema['contentMediaType']})"
        case "string" if "enum" in schema:
            return f"one of {', '.join(schema['enum'])}"
        case "string" if "pattern" in schema:
            return f"an http or https URL of at most {schema['maxLength']} characters"
        case "string":
            return f"text of {schema['minLength']} to {schema['maxLength']} characters"
        case "integer" | "number" if "minimum" in schema:
            return f"{_ARTICLES[schema['type']]} from {schema['minimum']} to {schema['maximum']}"
        case "array":
            at_most = f" to {schema['maxItems']}" if "maxItems" in schema else " or more"
            return f"a list of {schema['minItems']}{at_most}, each {in_words(schema['items'])}"
        case "object":
            parts = (f"{name}: {in_words(part)}" for name, part in schema["properties"].items())
            joint = " and/or " if "anyOf" in schema else ", "
            return f"an object with ({joint.join(parts)})"
        case other:  # An integer without a range, or null.
            return _ARTICLES[other]


def _answers(document: Document, responses: Document) -> str:
    rows = []
    for code, response in responses.items():
        known = document["components"]["responses"]
        answer = known[code] if "$ref" in response else response
        shape = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        rows.append(
            f"<tr><td>{escape(code)}</td><td>{escape(answer['description'])}</td>"
            f'<td><a href="#{escape(shape)}">{escape(shape)}</a></td></tr>'
        )
    return f"<table><tr><th>answer</th><th>means</th><th>shape</th></tr>{''.join(rows)}</table>"


def _code(value: Any) -> str:  # noqa: ANN401 - any JSON
    return f"<pre>{escape(json.dumps(value, indent=2))}</pre>"
