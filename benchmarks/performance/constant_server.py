"""A server with almost no cost: the same answer over sockets, from its own process.

It only inserts the job's id into a prepared answer, so that the client is what is measured.
"""

from __future__ import annotations

import selectors
import socket
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection
from typing import Final

from benchmarks.performance.served import HOST, served

ID_LENGTH: Final = 36
"""The length of a job id, so that all answers have the same length."""
_BACKLOG: Final = 1024
_BEFORE: Final = b'{"job_id":"'
# The API's answer for a running job.
_AFTER: Final = (
    b'","model":"midjourney","task_type":"diffusion","status":"processing","config":'
    b'{"service_mode":"public","webhook_config":{"endpoint":"","secret":""}},"input":null,'
    b'"output":{"image_url":"","image_urls":null,"seed":""},"meta":{"created_at":'
    b'"2026-01-01T00:00:00Z","started_at":"2026-01-01T00:00:01Z","ended_at":'
    b'"0001-01-01T00:00:00Z","usage":{"type":"point","frozen":80,"consume":0}},"detail":null,'
    b'"logs":[],"error":{"code":0,"raw_message":"","message":"","detail":null}}'
)
_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 2026 00:00:40 GMT\r\n"
    b"content-type: application/json\r\ncontent-length: %d\r\n\r\n"
    % (len(_BEFORE) + ID_LENGTH + len(_AFTER))
)


def body_of(job_id: bytes) -> bytes:
    """The answer's body, for other servers that give the same answer."""
    return _BEFORE + job_id + _AFTER


def constant_server() -> AbstractContextManager[str]:
    """Run the server, and return its base URL."""
    return served(_serve)


def _serve(starter: Connection) -> None:
    with (
        socket.create_server((HOST, 0), backlog=_BACKLOG) as listener,
        selectors.DefaultSelector() as selector,
    ):
        selector.register(listener, selectors.EVENT_READ)
        starter.send(listener.getsockname()[1])
        while True:
            for key, _ in selector.select():
                if key.fileobj is listener:
                    connection, _ = listener.accept()
                    selector.register(connection, selectors.EVENT_READ, connection)
                elif not _answer(key.data):
                    selector.unregister(key.data)
                    key.data.close()


def _answer(connection: socket.socket) -> bool:
    """Answer the requests that have arrived; False when the client has closed the connection."""
    # A request is small and arrives in one piece, and the next only after the answer: no client
    # pipelines here. An answer is small too, and fits into the socket's buffer.
    try:
        request = connection.recv(65536)
    except ConnectionResetError:
        return False
    if not request:
        return False
    at = request.find(b" HTTP/1.1\r\n")
    connection.sendall(_HEAD + _BEFORE + request[at - ID_LENGTH : at] + _AFTER)
    return True
