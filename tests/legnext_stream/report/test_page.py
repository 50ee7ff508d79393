"""The page of a report."""

from __future__ import annotations

import json
import re
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest

from legnext_stream import JobStatus
from legnext_stream._report import Collector
from legnext_stream._report.page import page
from legnext_stream._report.tables import Table
from tests.legnext_stream.cli.support import some_stats
from tests.legnext_stream.report.support import a_batch, an_event

_EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'$\\frac{&{{ 7*7 }}"


@cache
def _usual() -> str:
    """The page of a batch with two failures; made once, because it takes a second."""
    return page(a_batch(40, failed={3: "no", 5: "no"}))


class _Reader(HTMLParser):
    """Collects the elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def _data(text: str) -> Any:  # noqa: ANN401 - JSON
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_a_batch_on_one_page() -> None:
    """It has the summary, charts with descriptions and tables, failures, and the data."""
    text = _usual()
    for words in (
        "a batch at https://api.example",
        "all jobs ended",
        "40, of which 40 ended",
        "Jobs over time",
        "The batch, job by job",
        "Run times by task type",
        "Detection delay",
        "Requests over time",
        "no (code 403)",
    ):
        assert words in text
    reader = _Reader(text)
    pictures = [attributes for tag, attributes in reader.tags if tag == "svg"]
    described = [found for _, found in reader.tags if found.get("role") == "img"]
    tables = [tag for tag, _ in reader.tags if tag == "details"]
    assert len(pictures) == len(described) == len(tables) == 5
    assert all(found.get("aria-label") for found in described)
    data = _data(text)
    assert data["format"] == 1
    assert data["ends"] == {"completed": 38, "failed": 2}
    assert len(data["jobs"]) == 40
    assert dict(zip(data["job_columns"], data["jobs"][0], strict=True))["delay_at_most"] == 2.0


def test_it_loads_nothing_and_runs_nothing() -> None:
    """It has no external address and no script, and its policy forbids both."""
    reader = _Reader(_usual())
    for tag, attributes in reader.tags:
        for name, value in attributes.items():
            is_inside = name.startswith("xmlns") or (value or "").startswith("#")
            assert is_inside or "://" not in (value or ""), (tag, name)
            assert name not in {"src", "href"} or is_inside
            assert not name.startswith("on")
    assert [found for tag, found in reader.tags if tag == "script"] == [
        {"type": "application/json", "id": "data"}
    ]
    policy = next(found for _, found in reader.tags if found.get("http-equiv"))
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"


def test_ids_on_the_page_are_unique() -> None:
    """No two charts share an id."""
    text = _usual()
    found = [attributes["id"] for _, attributes in _Reader(text).tags if "id" in attributes]
    assert len(found) == len(set(found))
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', text))
    assert used <= set(found)


def test_colours_are_the_pages() -> None:
    """The colours of the charts are variables of the page's style."""
    charts = "".join(re.findall(r"<svg.*?</svg>", _usual(), re.DOTALL))
    assert set(re.findall(r"#[0-9a-f]{6}\b", charts)) <= {"#000000"}
    names = set(re.findall(r"var\(--([a-z]+)\)", charts))
    assert {"ink", "faint", "good", "bad", "running", "line", "band"} <= names
    style = _usual().partition("</style>")[0]
    assert all(style.count(f"--{name}:") == 2 for name in names)


def test_text_from_outside_is_escaped() -> None:
    """Markup in prompts, reasons, task types and titles is escaped."""
    collector = Collector(_EVIL, 0.0, notes=(_EVIL,))
    collector.sample(0.0, some_stats({}, unseen=2))
    collector.note(an_event("evil", JobStatus.FAILED, reason=_EVIL, prompt=_EVIL, task_type=_EVIL))
    collector.note(an_event("other", task_type=_EVIL, at=30.0))
    collected = collector.collected(60.0, some_stats({JobStatus.FAILED: 1}), _EVIL)
    text = page(collected, (Table(_EVIL, (_EVIL,), ((_EVIL,),), note=_EVIL),))
    reader = _Reader(text)
    assert not [tag for tag, _ in reader.tags if tag == "img"]
    assert len([tag for tag, _ in reader.tags if tag == "script"]) == 1
    assert not [name for _, found in reader.tags for name in found if name.startswith("on")]
    assert reader.texts.count(_EVIL) >= 7
    assert _data(text)["unsuccessful"][0]["prompt"] == _EVIL
    assert "49" not in _data(text)["title"]


@pytest.mark.parametrize("jobs", [0, 1])
def test_hardly_anything_to_show(jobs: int) -> None:
    """A batch of no jobs or one makes a page."""
    text = page(a_batch(jobs))
    assert f"{jobs}, of which {jobs} ended" in text
    assert ("<svg" in text) == bool(jobs)


def test_a_large_batch_makes_no_large_page() -> None:
    """With ten thousand jobs the page says that it shows a sample, and is below a megabyte."""
    text = page(a_batch(10_000))
    assert "60 of 10,000 jobs, evenly spaced," in text
    assert "From a fair sample of" in text
    assert len(text) < 1_000_000


def test_the_same_batch_makes_the_same_page() -> None:
    """The page is reproducible, byte for byte."""
    assert page(a_batch(40, failed={3: "no", 5: "no"})) == _usual()
