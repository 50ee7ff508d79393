"""Which classes a setting may be of, and what each is called."""

from __future__ import annotations

import attrs

from mockserver import HtmlPage, TokenBucket
from mockserver._plain.families import FAMILIES, KINDS
from mockserver._world.kinds import kind_of


def test_kinds_are_kebab_case() -> None:
    """A class is called by its name, word by word."""
    assert kind_of(TokenBucket) == "token-bucket"
    assert kind_of(HtmlPage) == "html-page"


def test_no_two_classes_are_called_the_same() -> None:
    """A kind says which class is meant, and no class has a setting of its own called so."""
    assert len({kind_of(cls) for cls in KINDS}) == len(KINDS)
    assert all("kind" not in attrs.fields_dict(cls) for cls in KINDS)


def test_families_have_kinds() -> None:
    """Whatever a setting may be one of says its kind."""
    for members in FAMILIES.values():
        assert set(members) <= KINDS
