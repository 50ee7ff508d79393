"""Why there is no answer, in words, over real sockets."""

from __future__ import annotations

import errno
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import httpx
import pytest
import trio

from legnext_stream import ConfigurationError, LegnextClient
from legnext_stream._core.answers import NoReply
from legnext_stream._http import Lanes, Request
from legnext_stream._http.causes import cause_of, is_untrusted, no_reply
from legnext_stream.errors import HostUnreachableError
from tests.legnext_stream.support import KEY

_GET = Request("GET", "/api/v1/job/some")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for this machine, with its key."""
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    names = "subjectAltName=DNS:localhost"
    files = ("-keyout", path, "-out", path.with_name("only.pem"), "-addext", names)
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    with path.open("ab") as file:
        file.write(path.with_name("only.pem").read_bytes())
    return path


@contextmanager
def tls_server(certificate: Path) -> Iterator[int]:
    """A server that greets each client with this certificate, and then hangs up; gives its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    stream, _ = listener.accept()
                except OSError:
                    return
                with stream:
                    try:
                        context.wrap_socket(stream, server_side=True).close()
                    except OSError:
                        continue

        thread = Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _answer(url: str) -> NoReply:
    """What a request leads to, in real time."""

    async def ask() -> NoReply:
        lanes = Lanes(base_url=url, api_key=KEY, transport=None, request_timeout=5)
        answer = await lanes.send(_GET)
        await lanes.aclose()
        assert isinstance(answer, NoReply)
        assert url in answer.reason
        return answer

    return trio.run(ask)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_port_where_nothing_listens() -> None:
    """The system's own word is the cause."""
    answer = _answer(f"http://127.0.0.1:{_free_port()}")
    assert answer.cause == "connection refused"
    assert not answer.was_sent
    assert not answer.is_untrusted


def test_a_name_that_does_not_exist() -> None:
    """The cause is the name."""
    answer = _answer("http://no-such-host.invalid")
    assert answer.cause.startswith("its name can't be resolved: ")


def test_a_certificate_that_is_not_trusted(certificate: Path) -> None:
    """The fault and the setting are named, and each call ends at once with a ConfigurationError."""
    with tls_server(certificate) as port:
        url = f"https://localhost:{port}"
        answer = _answer(url)
        assert answer.is_untrusted
        assert "can't be verified: self-signed certificate; " in answer.reason
        assert "SSL_CERT_FILE" in answer.reason
        trio.run(_refused, url)


async def _refused(url: str) -> None:
    async with LegnextClient(KEY, url) as client:
        with trio.fail_after(5), pytest.raises(ConfigurationError, match="self-signed certificate"):
            await client.get_job("job-1")
        with trio.fail_after(5), pytest.raises(ConfigurationError, match="self-signed certificate"):
            await client.wait("job-1")
        with trio.fail_after(5), pytest.raises(ConfigurationError, match="self-signed certificate"):
            await client.diffusion("a fox")
        with trio.fail_after(5), pytest.raises(ConfigurationError, match="self-signed certificate"):
            async for _ in client.generate(["a fox"]):
                pass


def test_a_certificate_that_is_trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the setting that the message names, the connection is made."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("only.pem")))
    with tls_server(certificate) as port:
        answer = _answer(f"https://localhost:{port}")
    assert not answer.is_untrusted


@pytest.mark.parametrize(
    ("number", "fault", "advice"),
    [
        (9, "certificate is not yet valid", "is the clock of this machine right?"),
        (10, "certificate has expired", "is the clock of this machine right?"),
        (62, "Hostname mismatch, certificate is not valid for 'a'.", "the URL must have the name"),
        (64, "IP address mismatch, certificate is not valid for '::1'.", "the URL must have"),
        (20, "unable to get local issuer certificate", "set SSL_CERT_FILE"),
    ],
)
def test_the_advice_fits_the_fault_of_the_certificate(number: int, fault: str, advice: str) -> None:
    """No trust in an authority mends a wrong name or date, so that isn't advised then."""
    cause = ssl.SSLCertVerificationError(1, "x")
    cause.verify_code, cause.verify_message = number, fault
    said = _told(_caused(httpx.ConnectError(""), cause))
    assert said.is_untrusted
    assert f"can't be verified: {fault.rstrip('.')}; " in said.reason
    assert advice in said.reason
    assert ("SSL_CERT_FILE" in said.reason) == ("SSL_CERT_FILE" in advice)


def _told(error: Exception) -> NoReply:
    """What a request that fails with this error leads to."""

    async def tell() -> NoReply:
        await trio.lowlevel.checkpoint()
        return no_reply("https://a", error, 0.0, proxy=None)

    return trio.run(tell)


def test_a_certificate_with_another_name(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trusted certificate for another name is refused, and the name is what is wrong."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("only.pem")))
    with tls_server(certificate) as port:
        answer = _answer(f"https://127.0.0.1:{port}")
    assert answer.is_untrusted
    assert "; the URL must have the name that is in the certificate" in answer.reason


def test_https_where_there_is_none(certificate: Path) -> None:
    """A host that doesn't speak TLS, or not as we do, is named as that."""
    del certificate
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            stream, _ = listener.accept()
            with stream:
                stream.recv(1000)
                stream.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = Thread(target=serve)
        thread.start()
        answer = _answer(f"https://localhost:{listener.getsockname()[1]}")
        thread.join()
    assert answer.cause.startswith("TLS failed: ")
    assert not answer.is_untrusted


def test_a_proxy_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be the proxy that can't be reached."""
    port = _free_port()
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:secret@127.0.0.1:{port}")
    answer = _answer("https://api.example")
    assert answer.cause == f"connection refused, through the proxy http://127.0.0.1:{port}"
    assert "secret" not in answer.reason


def _caused(error: Exception, cause: BaseException | None) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx.ConnectTimeout(""), "connecting took too long"),
        (httpx.ReadTimeout(""), "the host sent nothing for too long"),
        (_caused(httpx.ConnectError(""), OSError(errno.EHOSTUNREACH, "x")), "no route to host"),
        (
            _caused(
                httpx.ReadError(""),
                ExceptionGroup("", [OSError(errno.ECONNRESET, "x"), OSError(errno.EPIPE, "y")]),
            ),
            "connection reset by peer",
        ),
        (_caused(httpx.ReadError(""), OSError("odd")), "ReadError"),
        (_caused(httpx.ConnectError(""), ssl.SSLError("odd")), "TLS failed: ('odd',)"),
        (
            httpx.RemoteProtocolError("illegal status line: bytearray(b'x')"),
            "the host broke the rules of HTTP: illegal status line",
        ),
        (
            httpx.RemoteProtocolError("Server disconnected without sending a response."),
            "the host closed the connection without an answer",
        ),
        (
            httpx.RemoteProtocolError("peer closed connection without sending complete message"),
            "the host closed the connection within its answer",
        ),
        (httpx.ProxyError("503 Busy"), "the proxy refused: 503 Busy"),
    ],
)
def test_causes_in_words(error: Exception, words: str) -> None:
    """The word of the system if there is one; else what httpx says."""
    assert cause_of(error) == words
    assert not is_untrusted(error)


def test_errors_may_go_round_in_circles() -> None:
    """An error whose cause is itself has an end."""
    error = httpx.ReadError("odd")
    error.__cause__ = error
    assert cause_of(error) == "ReadError: odd"


def test_a_connection_that_is_refused_ends_a_watch_with_its_cause() -> None:
    """After the timeout the exception has the cause."""

    async def wait() -> None:
        async with LegnextClient(KEY, f"http://127.0.0.1:{_free_port()}") as client:
            with pytest.raises(HostUnreachableError, match="connection refused"):
                await client.wait("job-1", timeout=0.1)

    trio.run(wait)
