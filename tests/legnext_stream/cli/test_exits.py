"""Exit statuses and their messages."""

from __future__ import annotations

import sys

import pytest

from legnext_stream import (
    AuthenticationError,
    ConfigurationError,
    HostUnreachableError,
    InsufficientCreditsError,
    JournalInUseError,
    LegnextError,
)
from legnext_stream._cli import main
from legnext_stream._cli.exits import Exit, complain, fail


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AuthenticationError("no"), Exit.USAGE),
        (ConfigurationError("no"), Exit.USAGE),
        (JournalInUseError("no"), Exit.USAGE),
        (InsufficientCreditsError("no"), Exit.INCOMPLETE),
        (HostUnreachableError("no"), Exit.INCOMPLETE),
    ],
)
def test_an_error_has_a_status(error: LegnextError, status: Exit) -> None:
    """Wrong usage has another status than trouble with the API or the network."""
    assert fail(error) is status


def test_a_wrong_key_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """The message says which setting to look at."""
    fail(AuthenticationError("401"))
    assert "401 – is LEGNEXT_API_KEY the right key?\n" in capsys.readouterr().err
    fail(HostUnreachableError("no answer"))
    assert capsys.readouterr().err == "legnext-stream: no answer\n"


def test_a_message_is_one_line_without_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A message can't move the cursor or span two lines."""
    complain("a\nb\x1b[2J")
    assert capsys.readouterr().err == "legnext-stream: a b [2J\n"


def test_a_closed_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed standard error is ignored."""
    monkeypatch.setattr(sys, "stderr", None)
    complain("nothing happens")


def test_ctrl_c_while_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C during the imports gives status 130 without a traceback."""

    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("legnext_stream._cli.app.run", interrupted)
    with pytest.raises(SystemExit) as raised:
        main()
    assert raised.value.code == 130
