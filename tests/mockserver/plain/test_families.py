"""The classes that a setting may be of."""

from __future__ import annotations

import attrs

from mockserver._plain.families import FAMILIES, KINDS
from mockserver._world.kinds import kind_of


def test_no_two_classes_are_called_the_same() -> None:
    """Kinds are unique, and no class has a field named `kind`."""
    assert len({kind_of(cls) for cls in KINDS}) == len(KINDS)
    assert all("kind" not in attrs.fields_dict(cls) for cls in KINDS)


def test_families_have_kinds() -> None:
    """Every class of a family has a kind."""
    for members in FAMILIES.values():
        assert set(members) <= KINDS
