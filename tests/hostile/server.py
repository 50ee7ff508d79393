"""An in-memory server that answers the first request with an attack, and all others normally."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import httpcore
import trio

from tests.hostile.attacks import Attack, Sending, job, whole
from tests.legnext_stream.support import Network


class HostileServer:
    """Serves connections, and counts what it sent.

    Attributes:
        requests: The heads of all requests.
        sent: How many bytes of the attack the client received.
    """

    def __init__(self, attack: Attack) -> None:
        self._attack = attack
        # Made before the measurement, so that its cost doesn't count as the cost of reading it.
        self._answer: Sending | None = attack.send()
        self.requests: list[bytes] = []
        self.sent = 0

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Serve one connection."""
        data = b""
        while more := await stream.receive_some(65536):
            data += more
            if not self._is_whole(data):
                continue
            self.requests.append(data)
            data = b""
            answer, self._answer = self._answer, None
            if answer is None:
                await stream.send_all(b"".join(whole(job())))
                continue
            for piece in answer:
                if isinstance(piece, bytes):
                    await stream.send_all(piece)
                    self.sent += len(piece)
                else:
                    await trio.sleep(piece)
            if self._attack.means == "trouble":
                return

    @staticmethod
    def _is_whole(data: bytes) -> bool:
        """Whether a complete request has arrived, including the body that its head announces."""
        head, end, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        return bool(end) and len(body) >= (int(length[1]) if length else 0)


class WatchedNetwork(Network):
    """A network that records the hosts to connect to.

    Attributes:
        hosts: The hosts.
    """

    def __init__(self, server: HostileServer) -> None:
        super().__init__(server.serve)
        self.hosts: set[str] = set()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the server, whatever the host."""
        self.hosts.add(host)
        return await super().connect_tcp(host, port, timeout, local_address, socket_options)
