"""Where the mock may send requests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver._serving.network.destinations import why_refused, without_password


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "https://127.8.9.1:8443/hook?x=1",
        "http://[::1]:9/a",
        "http://LocalHost:8000",
        "http://name:word@127.0.0.1/",
    ],
)
def test_this_machine_is_allowed(url: str) -> None:
    """Loopback addresses and `localhost` are allowed."""
    assert why_refused(url, ()) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "http://127.0.0.1@example.org/",
        "http://example.org#@127.0.0.1/",
        "http://127.0.0.1.example.org/",
        "http://localhost.example.org/",
        "http://localhost./",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://[::ffff:169.254.169.254]/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://lo%63alhost/",
    ],
)
def test_other_hosts_are_not(url: str) -> None:
    """Other hosts are refused, and so are other spellings of loopback addresses."""
    reason = why_refused(url, ())
    assert reason is not None
    assert "not this machine" in reason


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1/\r\n", "it is not a URL: Invalid non-printable"),
        ("http://１２７.0.0.1/", "it is not a URL: Invalid IDNA"),
        ("ftp://127.0.0.1/", "it is not an http or https URL"),
        ("file:///etc/passwd", "it is not an http or https URL"),
        ("http:///hook", "it is not an http or https URL"),
        ("//127.0.0.1/", "it is not an http or https URL"),
        ("http://127.0.0.1:0/", "there is no port 0"),
        ("http://127.0.0.1:99999/", "there is no port 99999"),
    ],
)
def test_what_is_no_url_is_refused(url: str, reason: str) -> None:
    """An invalid URL is refused with the reason."""
    assert (why_refused(url, ("127.0.0.1",)) or "").startswith(reason)


def test_hosts_can_be_allowed() -> None:
    """Hosts are allowed by their whole name, in any case."""
    allowed = ("Hooks.example.org", "10.0.0.7")
    assert why_refused("https://hooks.example.org/x", allowed) is None
    assert why_refused("http://10.0.0.7:81/x", allowed) is None
    assert why_refused("https://example.org/x", allowed)
    assert why_refused("http://10.0.0.70/x", allowed)


@given(st.text())
def test_anything_can_be_asked_about(url: str) -> None:
    """No URL raises an exception."""
    why_refused(url, ())
    without_password(url)


def test_passwords_are_not_written_down() -> None:
    """User and password are removed from a URL; other texts stay as they are."""
    assert without_password("http://me:secret@127.0.0.1/x?y=1") == "http://127.0.0.1/x?y=1"
    assert without_password("http://127.0.0.1:80/x") == "http://127.0.0.1:80/x"
    assert without_password("http://1\n") == "http://1\n"
