"""A server with HTTP/2 and HTTP/1.1 over TLS; it gives the same answer as `constant_server`.

It is granian, whose HTTP code is compiled: one in Python would be slower than the measured clients.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

import attrs
import trustme

from benchmarks.performance.constant_server import ID_LENGTH, body_of
from benchmarks.performance.served import HOST

_PATIENCE: Final = 20.0
"""How long the server may take to start, in seconds."""


@attrs.frozen
class SecureServer:
    """A running server.

    Attributes:
        url: Its base URL.
        certificates: A file with the certificates that a client must trust.
    """

    url: str
    certificates: str


class _Scope(Protocol):
    path: str


class _Sender(Protocol):
    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...


async def answer(scope: _Scope, sender: _Sender) -> None:
    """The application, in the server's interface (RSGI)."""
    headers = [("content-type", "application/json")]
    sender.response_bytes(200, headers, body_of(scope.path[-ID_LENGTH:].encode()))


@contextmanager
def secure_server() -> Iterator[SecureServer]:
    """Run the server, with a certificate made for it."""
    authority = trustme.CA()
    certificate = authority.issue_cert(HOST)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority.cert_pem.write_to_path(folder / "authority.pem")
        certificate.private_key_pem.write_to_path(folder / "key.pem")
        for blob in certificate.cert_chain_pems:
            blob.write_to_path(folder / "certificate.pem", append=True)
        port = _free_port()
        options = {
            "--interface": "rsgi",
            "--host": HOST,
            "--port": str(port),
            "--ssl-certificate": str(folder / "certificate.pem"),
            "--ssl-keyfile": str(folder / "key.pem"),
            "--log-level": "warning",
        }
        arguments = [word for option in options.items() for word in option]
        command = [sys.executable, "-m", "granian", *arguments, f"{__name__}:answer"]
        with subprocess.Popen(command) as process:  # noqa: S603 - our own command
            try:
                _wait_for(port)
                yield SecureServer(f"https://{HOST}:{port}", str(folder / "authority.pem"))
            finally:
                process.terminate()


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _wait_for(port: int) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        with suppress(ConnectionRefusedError), socket.create_connection((HOST, port)):
            return
        time.sleep(0.05)
    raise TimeoutError("the server doesn't start")
