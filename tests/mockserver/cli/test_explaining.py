"""The explanations of settings."""

from __future__ import annotations

from typing import get_args

import pytest

from mockserver._cli.explaining import Topic, explanation
from mockserver._faults import FAULTS
from mockserver._plain import kind_of


@pytest.mark.parametrize("topic", get_args(Topic))
def test_every_topic_is_explained(topic: Topic) -> None:
    """Each topic has its kinds, with their values and what they mean."""
    said = explanation(topic)
    assert "Attributes:" in said
    assert "\n    " in said


def test_every_fault_is_explained() -> None:
    """Each fault has its kind and its values, with optional ones in brackets."""
    said = explanation("faults")
    for fault in FAULTS:
        assert f"{kind_of(fault)}: " in said
    assert "status: code, [body], [headers]" in said
    assert "answer-lost: no values" in said
