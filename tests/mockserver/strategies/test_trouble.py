"""Generated faults and their rules."""

from __future__ import annotations

import pytest
from hypothesis import given

from mockserver import Rule, Status, When
from mockserver._faults import CONNECTION_FAULTS, FAULTS, HTTP_FAULTS, Fault
from mockserver._faults.connection import Refuse, Silence
from mockserver._plain import from_plain, to_plain
from mockserver.strategies import faults, rules
from tests.mockserver.strategies.finding import plainest


@pytest.mark.parametrize("kind", FAULTS)
def test_there_is_every_kind(kind: type[Fault]) -> None:
    """Each kind of fault can be generated alone."""
    assert type(plainest(faults([kind]))) is kind


@given(faults(HTTP_FAULTS, without=[Status]))
def test_kinds_can_be_chosen(fault: Fault) -> None:
    """Kinds can be chosen and left out."""
    assert isinstance(fault, HTTP_FAULTS)
    assert not isinstance(fault, Status)


def test_no_kind_at_all_is_an_error() -> None:
    """Leaving out all kinds is an error."""
    with pytest.raises(ValueError, match="kinds must have a class"):
        faults([Silence], without=[Silence])


@given(rules(until=60))
def test_rules_are_over_in_time(rule: Rule) -> None:
    """Rules end when they should, and can be written."""
    assert rule.when.until == 60
    assert from_plain(Rule, to_plain(rule)) == rule


def test_the_end_of_trouble_comes_after_its_beginning() -> None:
    """An end at the world's start is an error."""
    with pytest.raises(ValueError, match="until must be after the world's start"):
        rules(until=0)


@given(rules([Refuse]))
def test_what_has_no_request_asks_nothing_about_one(rule: Rule) -> None:
    """A rule that refuses connections has no criteria about requests."""
    assert not rule.when.needs_request


def test_they_shrink_to_a_503() -> None:
    """Rules shrink to a 503 for every request."""
    assert plainest(faults()) == Status(503)
    assert plainest(rules()) == Rule(Status(503))
    assert plainest(rules(), lambda rule: rule.when.each_job).when.route == "job"
    assert plainest(rules(), lambda rule: rule.when.every) == Rule(Status(503), When(every=2))
    assert isinstance(plainest(faults(CONNECTION_FAULTS)), CONNECTION_FAULTS)
