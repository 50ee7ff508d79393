"""Which journal is kept, and what is said of one."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from legnext_stream import JobStatus
from legnext_stream._cli.exits import UsageError
from legnext_stream._cli.journals import all_ended, announcement, default_journal, find_journal
from legnext_stream._journal.contents import Standing

_PATH = Path("batch.journal")


def _standing(
    ended: int = 0, unfinished: int = 0, *, to_submit: int = 0, without_job: int = 0
) -> Standing:
    return Standing(
        base_url="https://api.example",
        begun_at=0.0,
        acknowledged_at=None,
        unfinished={f"job-{number}": None for number in range(unfinished)},
        ended={f"done-{number}": JobStatus.COMPLETED for number in range(ended)},
        owed=0,
        events=0,
        to_submit=to_submit,
        without_job={JobStatus.NOT_SUBMITTED: without_job} if without_job else {},
    )


def test_the_same_prompts_at_the_same_api_have_the_same_journal(tmp_path: Path) -> None:
    """So the same line resumes, and another API or another file doesn't."""
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a fox\n")
    name = default_journal(str(prompts), None)
    assert re.fullmatch(r"prompts-[0-9a-f]{6}\.journal", str(name))
    assert default_journal("prompts.txt", "https://api.legnext.ai/") == name
    assert default_journal("prompts.txt", "http://127.0.0.1:8080") != name
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "prompts.txt").write_text("a fox\n")
    assert default_journal("other/prompts.txt", None) != name


def test_prompts_that_come_only_once_have_a_new_journal() -> None:
    """Standard input and pipes can't be read again."""
    first = default_journal("-", None)
    assert re.fullmatch(r"generate-\d{8}-\d{6}\.journal", str(first))
    for name in (first, default_journal("/dev/null", None)):
        name.touch()
    assert not default_journal("-", None).exists()


def test_a_folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the options for it."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UsageError, match=r"--journal, or use --no-journal"):
        default_journal("prompts.txt", None)


def test_a_journal_that_was_hardly_begun(tmp_path: Path) -> None:
    """An empty file, as a kill leaves it, is a journal that is yet to be begun."""
    path = tmp_path / "batch.db"
    path.touch()
    assert find_journal(path) is None
    assert find_journal(None) is None


def test_what_is_said_of_a_journal() -> None:
    """A new one, one to go on with, and one whose batch has ended."""
    assert "can be resumed" in announcement(_PATH, None)
    said = announcement(_PATH, _standing(3, 2, to_submit=1, without_job=1))
    assert said == "Journal: batch.journal. Resuming: 4 of 7 jobs had ended."
    assert announcement(_PATH, _standing(3)) == "Journal: batch.journal."
    ended = all_ended(_PATH, _standing(3, without_job=1))
    assert "batch.journal has ended (3 completed, 1 not submitted)" in ended
    assert "it had no jobs" in all_ended(_PATH, _standing())
