"""Families of settings, and their kinds."""

from __future__ import annotations

import attrs

from mockserver import HtmlPage, TokenBucket
from mockserver._world.kinds import Family, kind_of, kinds_of


def test_kinds_are_kebab_case() -> None:
    """A kind is the name of its class in kebab case."""
    assert kind_of(TokenBucket) == "token-bucket"
    assert kind_of(HtmlPage) == "html-page"


def test_attrs_classes_are_the_kinds_of_a_family() -> None:
    """A family has the attrs classes below it, in order, and no bases between them."""

    class Animal(Family):
        pass

    class Bird(Animal):
        pass

    @attrs.frozen
    class Owl(Bird):
        wingspan: float

    @attrs.define
    class Newt(Animal):
        pass

    assert kinds_of(Animal) == (Owl, Newt)
    assert isinstance(Owl(1.0), kinds_of(Animal))
