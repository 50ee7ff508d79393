"""The bytes of requests, and base URLs."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from legnext_stream import ConfigurationError, LegnextClient, UnexpectedAnswerError
from legnext_stream._core.answers import Reply
from legnext_stream._http import Request, parse_base_url
from legnext_stream._version import __version__
from tests.legnext_stream.http.conftest import GET, Setup
from tests.legnext_stream.support import (
    KEY,
    URL,
    Network,
    RawServer,
    http_bytes,
)


async def test_the_bytes_of_a_status_request(connect: Setup) -> None:
    """It has the key in one header, the user agent, the accepted types, and no cookies."""
    server = RawServer(http_bytes())
    lanes = connect(server)
    answer = await lanes.send(GET)
    assert isinstance(answer, Reply)
    head = server.requests[0].decode()
    lines = head.split("\r\n")
    assert lines[0] == "GET /api/v1/job/a HTTP/1.1"
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    assert head.count(KEY) == 1
    assert headers["x-api-key"] == KEY
    assert [line.lower().split(":")[0] for line in lines].count("x-api-key") == 1
    assert headers["user-agent"] == f"legnext-stream/{__version__}"
    assert headers["accept"] == "application/json"
    assert headers["host"] == "legnext.test"
    assert not {"cookie", "authorization", "referer"} & set(headers)
    await lanes.aclose()


async def test_header_fields_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are in each request to the API, once; the user agent is replaced, and the key stays."""
    server = RawServer(http_bytes())
    Network(server.serve).install(monkeypatch)
    given = {"X-Gateway": "team 7", "user-agent": "our-service/1.0"}
    async with LegnextClient(KEY, URL, headers=given) as client:
        given["X-Gateway"] = "changed later"
        calls: list[Callable[[], Awaitable[object]]] = [
            client.balance,
            partial(client.diffusion, "a"),
        ]
        for call in calls:
            with suppress(UnexpectedAnswerError):
                await call()
    assert len(server.requests) == 2
    for request in server.requests:
        lines = request.decode().lower().split("\r\n\r\n")[0].split("\r\n")[1:]
        headers = dict(line.split(": ", 1) for line in lines)
        assert len(headers) == len(lines)
        assert headers["x-gateway"] == "team 7"
        assert headers["user-agent"] == "our-service/1.0"
        assert headers["x-api-key"] == KEY.lower()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("X-Api-Key", "other", "X-Api-Key is set by the library"),
        ("Content-Length", "1", "Content-Length is set by the library"),
        ("host", "other.test", "host is set by the library"),
        ("X Gateway", "a", "'X Gateway' is not the name of a header field"),
        ("", "a", "'' is not the name of a header field"),
        (b"X-Gateway", "a", "is not the name of a header field"),
        ("X-Gateway", "s3cret\r\nX-Other: 1", "the value of X-Gateway is not printable"),
        ("X-Gateway", "s3cret ", "the value of X-Gateway is not printable"),
        ("X-Gateway", "s3crét", "the value of X-Gateway is not printable"),
        ("X-Gateway", "", "the value of X-Gateway is not printable"),
        ("X-Gateway", 7, "the value of X-Gateway is not printable"),
    ],
)
def test_header_fields_that_cant_be_sent(name: Any, value: Any, message: str) -> None:  # noqa: ANN401 - wrong on purpose
    """They are refused when the client is made, and their values are not shown."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        LegnextClient(KEY, URL, headers={name: value})
    assert "s3cr" not in str(caught.value)


async def test_no_credentials_from_the_machine(
    connect: Setup, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A `.netrc` is ignored."""
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine legnext.test login somebody password something\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server = RawServer(http_bytes())
    lanes = connect(server)
    await lanes.send(GET)
    assert b"authorization" not in server.requests[0].lower()
    await lanes.aclose()


async def test_the_bytes_of_a_submit(connect: Setup) -> None:
    """It has a JSON body with its type and length."""
    server = RawServer(http_bytes())
    lanes = connect(server)
    await lanes.send(Request("POST", "/api/v1/diffusion", json={"text": "ein Füchslein"}))
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/v1/diffusion HTTP/1.1\r\n")
    assert b"content-type: application/json" in head.lower()
    assert json.loads(body) == {"text": "ein Füchslein"}
    await lanes.aclose()


async def test_the_bytes_of_a_file(connect: Setup) -> None:
    """It is a multipart form: the file with its name and type, and the fields as text."""
    server = RawServer(http_bytes())
    lanes = connect(server)
    await lanes.send(
        Request(
            "POST",
            "/api/v1/inpaint",
            files={"mask": ("mask.png", b"\x89PNG-bytes", "image/png")},
            fields={"jobId": "j", "imageNo": "2"},
        )
    )
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert b"content-type: multipart/form-data; boundary=" in head.lower()
    assert b'name="mask"; filename="mask.png"\r\nContent-Type: image/png' in body
    assert b"\x89PNG-bytes" in body
    assert b'name="jobId"\r\n\r\nj\r\n' in body
    assert b'name="imageNo"\r\n\r\n2\r\n' in body
    await lanes.aclose()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://api.legnext.ai", "https://api.legnext.ai"),
        ("https://api.legnext.ai/", "https://api.legnext.ai"),
        ("https://api.legnext.ai/api", "https://api.legnext.ai"),
        ("https://api.legnext.ai/api/", "https://api.legnext.ai"),
        ("https://api.legnext.ai/api/v1/", "https://api.legnext.ai"),
        ("http://127.0.0.1:8080/api", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://gate.test/legnext/api?x=1#y", "https://gate.test/legnext"),
    ],
)
def test_base_urls(text: str, expected: str) -> None:
    """`/api` and `/api/v1` at the end are removed; a path before them is kept."""
    assert parse_base_url(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api.legnext.ai",
        "ftp://x.test",
        "http://",
        "//x.test",
        "http://x:y",
        "http://x:0",
        "http://x:65536",
        7,
    ],
)
def test_invalid_base_urls(text: str) -> None:
    """It is refused at once, and the message shows it."""
    with pytest.raises(ConfigurationError, match="base_url"):
        parse_base_url(text)


def test_a_base_url_with_a_password_is_refused() -> None:
    """The message doesn't show it."""
    with pytest.raises(ConfigurationError) as caught:
        parse_base_url("https://user:s3cret@x.test")
    assert "s3cret" not in str(caught.value)


async def test_the_path_before_the_api_is_kept(connect: Setup) -> None:
    """A gateway may have the API below a path."""
    server = RawServer(http_bytes())
    lanes = connect(server, base_url="http://gate.test/legnext/api")
    await lanes.send(GET)
    assert server.requests[0].startswith(b"GET /legnext/api/v1/job/a ")
    await lanes.aclose()
