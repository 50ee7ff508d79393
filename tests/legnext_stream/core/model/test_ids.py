"""Which strings can be a job id."""

from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream._core.model.ids import check_job_id
from legnext_stream._engine.account import job_path
from legnext_stream.errors import InvalidJobId


@given(st.uuids())
def test_uuids_are_ids(job_id: uuid.UUID) -> None:
    """Every UUID is one, in capitals too."""
    assert check_job_id(str(job_id)) == str(job_id)
    assert check_job_id(str(job_id).upper()) == str(job_id).upper()


@pytest.mark.parametrize(
    "item",
    [
        *("", " ", "a b", "a/b", "..", "a.b", "a?b", "a#b", "a%2Fb", "a\n", "\na", "é", "a\x00"),
        *("a" * 129, "https://api.legnext.ai/x", None, 7, b"abc", ["a"], uuid.UUID(int=1)),
    ],
)
def test_what_is_no_id_is_refused_by_name(item: object) -> None:
    """The error quotes the item, shortened, and is a ValueError."""
    with pytest.raises(InvalidJobId) as caught:
        check_job_id(item)
    assert isinstance(caught.value, ValueError)
    assert repr(item)[:60] in str(caught.value)
    assert len(str(caught.value)) < 200


@given(st.text(max_size=140))
def test_an_id_stays_in_its_place_in_the_path(text: str) -> None:
    """What is accepted goes into the path unchanged, and can't change the rest of it."""
    try:
        job_id = check_job_id(text)
    except InvalidJobId:
        return
    assert re.fullmatch(r"/api/v1/job/[A-Za-z0-9_-]+", job_path(job_id))
    assert job_path(job_id).endswith(text)
