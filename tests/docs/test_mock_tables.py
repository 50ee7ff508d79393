"""The tables of the mock's faults and limits are complete."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import attrs
import pytest

from mockserver import LimitRule, When
from mockserver._api.hints import Fields, RetryAfter
from mockserver._faults import CONNECTION_FAULTS, HTTP_FAULTS, STATE_FAULTS

_DOCS = Path(__file__).parents[2] / "docs" / "mock"


@pytest.mark.parametrize("fault", [*HTTP_FAULTS, *STATE_FAULTS], ids=lambda fault: fault.__name__)
def test_every_fault_has_its_row(fault: type) -> None:
    """Each fault has a row with all of its settings."""
    page = (_DOCS / "faults.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith(f"| `{fault.__name__}(")]
    assert len(rows) == 1, f"{len(rows)} rows for {fault.__name__} in docs/mock/faults.md"
    assert all(field.name in rows[0] for field in attrs.fields(fault))


def test_every_fault_of_the_connection_is_named() -> None:
    """The page about faults names each fault of the connection."""
    page = (_DOCS / "faults.md").read_text()
    assert all(f"`{fault.__name__}`" in page for fault in CONNECTION_FAULTS)


def test_every_criterion_has_its_row() -> None:
    """Each criterion for requests is explained."""
    page = (_DOCS / "faults.md").read_text()
    assert all(f"`{field.name}`" in page for field in attrs.fields(When))


def test_every_hint_has_its_row() -> None:
    """Each form of rate-limit header and each field of a limit rule has a row."""
    page = (_DOCS / "limits.md").read_text()
    words = (*get_args(RetryAfter), *get_args(Fields))
    assert all(f'| `"{word}"` |' in page for word in words)
    assert all(f"| `{field.name}` |" in page for field in attrs.fields(LimitRule))
