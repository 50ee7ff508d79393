"""The settings of webhooks."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import attrs
import pytest

from mockserver import Uniform, WebhookSettings


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"lost_share": 1.1}, "lost_share must be from 0 to 1, not 1.1"),
        ({"duplicate_share": float("nan")}, "duplicate_share must be from 0 to 1, not nan"),
        ({"overtaken_share": -1}, "overtaken_share must be from 0 to 1, not -1"),
        ({"early_share": 2}, "early_share must be from 0 to 1, not 2"),
        ({"delay": -1}, "delay must be a number of seconds, 0 or more, not -1"),
        ({"early_by": float("inf")}, "early_by must be a number of seconds, 0 or more, not inf"),
        ({"duplicate_after": -2}, "duplicate_after must be a number of seconds"),
        ({"overtaken_within": -2}, "overtaken_within must be a number of seconds"),
        ({"retries": (1, -2)}, "retries must be a number of seconds, 0 or more, not -2"),
        ({"timeout": 0}, "timeout must be a number above 0, not 0"),
        ({"at_once": 0}, "at_once must be a whole number, 1 or more, not 0"),
        ({"keep": 0}, "keep must be a whole number, 1 or more, not 0"),
    ],
)
def test_settings_out_of_their_range(setting: dict[str, Any], message: str) -> None:
    """Settings out of their range are refused, with what they must be."""
    with pytest.raises(ValueError, match=message):
        WebhookSettings(**setting)


@pytest.mark.parametrize("name", ["statuses", "allowed_hosts"])
def test_one_text_is_no_list(name: str) -> None:
    """A text in place of a list is refused."""
    settings: dict[str, Any] = {name: "completed"}
    with pytest.raises(TypeError, match="expected several texts"):
        WebhookSettings(**settings)


def test_good_settings() -> None:
    """Durations may be distributions, and lists are kept as tuples."""
    lists: dict[str, Any] = {"statuses": ["failed"], "keep": 10}
    settings = WebhookSettings(delay=Uniform(1, 2), **lists)
    assert settings.statuses == ("failed",)


def test_the_secret_is_not_shown() -> None:
    """The repr does not have the secret."""
    assert "hidden" not in repr(WebhookSettings(secret="hidden"))  # noqa: S106 - no real one


def test_the_page_has_every_option() -> None:
    """The page has all settings with their defaults."""
    page = (Path(__file__).parents[4] / "docs" / "mock" / "webhooks.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| `(.*?)` \|", page, re.MULTILINE))
    assert {name: ast.literal_eval(default) for name, default in rows.items()} == attrs.asdict(
        WebhookSettings()
    )
