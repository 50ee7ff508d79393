"""A server that costs next to nothing: one answer over sockets, from a process of its own.

It only puts the job's id into an answer that lies ready, so that what is measured against it is the
client.
"""

from __future__ import annotations

import selectors
import socket
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection
from typing import Final

from benchmarks.performance.served import HOST, served

ID_LENGTH: Final = 36
"""How long a job's id is: an answer's length is the same for all."""
_BACKLOG: Final = 1024
_BEFORE: Final = b'{"job_id":"'
# As the API answers for a job that runs.
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
    """The answer's body, for other servers that are to answer the same."""
    return _BEFORE + job_id + _AFTER


def constant_server() -> AbstractContextManager[str]:
    """The server's base URL, as long as this lasts."""
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
    """Answer what has come in; False when the client has hung up."""
    # A request is small and comes in one piece, and the next only after the answer: nobody here
    # pipelines. An answer is small too, and fits into the socket's buffer.
    try:
        request = connection.recv(65536)
    except ConnectionResetError:
        return False
    if not request:
        return False
    at = request.find(b" HTTP/1.1\r\n")
    connection.sendall(_HEAD + _BEFORE + request[at - ID_LENGTH : at] + _AFTER)
    return True
