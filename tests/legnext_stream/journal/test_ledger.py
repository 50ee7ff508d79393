"""The prompts of a batch on disk: their entries, and what a restart reads."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream import JobStatus, JournalError, Prompt
from legnext_stream._journal import Store, Taken
from legnext_stream._journal.prompts import Claim, Content, Moved, Refused, Submitted
from tests.effort import examples
from tests.legnext_stream.journal.support import kept, opened


def claimed(store: Store, prompts: Sequence[Prompt]) -> list[Claim]:
    """Claims for these prompts, written together."""
    claims = [Claim(Content.of(prompt), 5.0) for prompt in prompts]
    store.write(claims)
    return claims


@examples(40)
@given(runs=st.lists(st.lists(st.sampled_from("aabc"), max_size=6), min_size=1, max_size=3))
def test_each_run_claims_what_it_is_given(
    tmp_path_factory: pytest.TempPathFactory, runs: list[list[str]]
) -> None:
    """Of those that say the same, the nth that a run is given is the nth that there is."""
    path = tmp_path_factory.mktemp("journal") / "batch.db"
    most: dict[str, int] = {}
    for texts in runs:
        with closing(opened(path)) as store:
            claims = claimed(store, [Prompt(text) for text in texts])
            assert len({claim.position for claim in claims}) == len(texts)
            for text in set(texts):
                given_now, known = texts.count(text), most.get(text, 0)
                new = [
                    claim.is_new for claim, one in zip(claims, texts, strict=True) if one == text
                ]
                assert new == [False] * min(known, given_now) + [True] * max(0, given_now - known)
                most[text] = max(known, given_now)
            unsent = store.unsent_prompts(0, 1000)
            assert [one.position for one in unsent] == list(range(1, sum(most.values()) + 1))


def test_what_is_open_is_read(tmp_path: Path) -> None:
    """Those under way, those with a job that has not ended, and refusals that are owed."""
    with closing(opened(tmp_path / "batch.db")) as store:
        prompts = [Prompt(f"cat {number}", tag=[number]) for number in range(1, 7)]
        claimed(store, prompts)
        refusal = kept("", JobStatus.NOT_SUBMITTED, code=403, reason="no")
        store.write(
            [
                Moved(1, "sending"),
                Submitted(2, "a"),
                Taken("a", 5.0),
                Refused(3, refusal),
                Refused(4, refusal),
                Moved(4, "ended"),
                Moved(5, "sending"),
                Moved(5, "unsent"),
            ]
        )
        found = {one.position: one for one in store.open_prompts()}
        assert {position: one.state for position, one in found.items()} == {
            1: "sending",
            2: "submitted",
            3: "refused",
        }
        assert [found[at].prompt for at in (1, 2, 3)] == prompts[:3]
        assert found[2].job_id == "a"
        assert found[3].refusal is not None
        assert (found[3].refusal.status, found[3].refusal.code) == ("not_submitted", 403)
        assert [one.position for one in store.unsent_prompts(0, 10)] == [5, 6]
        assert [one.position for one in store.unsent_prompts(5, 10)] == [6]
        assert [one.position for one in store.unsent_prompts(0, 1)] == [5]


@pytest.mark.parametrize("column", ["params", "tag", "task_type"])
def test_damage_is_named(tmp_path: Path, column: str) -> None:
    """What no run can have written is not taken for a prompt."""
    path = tmp_path / "batch.db"
    with closing(opened(path)) as store:
        claimed(store, [Prompt("a")])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE prompts SET {column} = '{{'")  # noqa: S608 - of this test
    with closing(opened(path)) as store, pytest.raises(JournalError, match="damaged"):
        store.unsent_prompts(0, 10)
