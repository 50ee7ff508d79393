"""The proxies and certificates of the environment, where they can't be used."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from legnext_stream import ConfigurationError, LegnextClient
from legnext_stream._http import transports
from tests.legnext_stream.support import KEY

_HTTPS, _HTTP = "https://legnext.test", "http://legnext.test"


@pytest.fixture(autouse=True)
def _no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("base_url", [_HTTPS, _HTTP])
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("NO_PROXY", "localhost,[::1]", "NO_PROXY has an entry that is no host"),
        ("no_proxy", ":::", "no_proxy has an entry that is no host"),
        ("ALL_PROXY", "socks5://proxy.test:1080", "ALL_PROXY names a SOCKS proxy, which needs"),
        ("https_proxy", "socks5h://proxy.test", "https_proxy names a SOCKS proxy, which needs"),
        ("HTTP_PROXY", "ftp://proxy.test", "HTTP_PROXY is not the URL of a proxy"),
        ("HTTP_PROXY", "http://", "HTTP_PROXY is not the URL of a proxy"),
        ("HTTP_PROXY", "proxy.test:99999", "HTTP_PROXY is not the URL of a proxy"),
        ("HTTPS_PROXY", "http://[::", "HTTPS_PROXY is not the URL of a proxy"),
        ("HTTPS_PROXY", "http://user:\udcff@proxy.test", "HTTPS_PROXY is not the URL of a proxy"),
        ("HTTPS_PROXY", "http://user:s3cret@proxy.test:a", "HTTPS_PROXY is not the URL of a proxy"),
    ],
)
def test_a_variable_for_proxies_that_can_not_be_used(
    monkeypatch: pytest.MonkeyPatch, base_url: str, name: str, value: str, message: str
) -> None:
    """One error names it, before anything is sent, and shows no password."""
    monkeypatch.setenv(name, value)
    monkeypatch.setattr(transports, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=message) as caught:
        LegnextClient(KEY, base_url)
    assert "s3cret" not in str(caught.value)


def test_proxies_that_are_not_used_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """`NO_PROXY=*` is for all hosts."""
    monkeypatch.setenv("HTTP_PROXY", "nonsense://")
    monkeypatch.setenv("NO_PROXY", "a.test, *")
    LegnextClient(KEY, _HTTP)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SSL_CERT_FILE", "gone.pem", "SSL_CERT_FILE=gone.pem can't be read: no such file"),
        ("SSL_CERT_FILE", ".", "SSL_CERT_FILE=. can't be read: is a directory"),
        ("SSL_CERT_FILE", "empty.pem", "SSL_CERT_FILE=empty.pem can't be read: no certificate"),
        ("SSL_CERT_DIR", "gone", "SSL_CERT_DIR=gone: there is no such folder"),
        ("SSLKEYLOGFILE", "gone/log", "trusted certificates or SSLKEYLOGFILE=gone/log can't be"),
    ],
)
def test_certificates_that_can_not_be_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, message: str
) -> None:
    """One error names the variable; plain http needs none."""
    (tmp_path / "empty.pem").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=message.replace(".", r"\.")):
        LegnextClient(KEY, _HTTPS)
    LegnextClient(KEY, _HTTP)


def test_certificates_that_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any variable, too, it is an error of the configuration."""

    def create() -> ssl.SSLContext:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("httpx.create_ssl_context", create)
    with pytest.raises(ConfigurationError, match="the trusted certificates can't be read"):
        LegnextClient(KEY, _HTTPS)
