"""Mutations: real bodies and headers with mistakes, and random bytes.

They are quick to make, and the same for the same seed.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from mockserver._api.quirks import Quirks
from mockserver._api.wire import job_body
from mockserver._world.scripts import Script
from mockserver._world.tasks import TASKS
from mockserver._world.world import World

JOB_ID: Final = "789320d3-4b20-46d3-a804-6165a079176a"
"""The id of all jobs in the bodies."""

_EPOCH: Final = datetime(2025, 12, 17, 11, 8, 36, tzinfo=UTC)
_SHAPES: Final = (
    Quirks(),
    Quirks(job_error="null", missing_time="empty", missing_output="null", logs="strings"),
    Quirks(job_error="string", missing_time="null", logs="objects", task_type_separator="_"),
    Quirks(time_resolution="nanoseconds", extra_fields=True, empty_image_urls=True),
)
_REFUSALS: Final = (
    b'{"code":404,"message":"job not found","raw_message":"","detail":null}',
    b'{"error":{"code":403,"message":"moderated","detail":{"words":["x"]}}}',
    b'{"code":200,"data":{"available_points":1048,"balance_usd":72.048}}',
    b'{"job_id":"","status":"","error":{"code":"429","message":"slow down"}}',
    b"<html><body><h1>502 Bad Gateway</h1></body></html>",
)
HEADERS: Final = (
    "120",
    "1.5",
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    '"default";r=50;t=30',
    '"burst";q=100;w=60, "daily";q=1000;w=86400;qu="requests";pk=:c2VjcmV0:',
    "limit=100, remaining=50, reset=30",
    "100, 100;w=10, 1000;w=3600",
    "1734433716",
    "1734433716512",
)
"""Values of headers about limits and times."""
TIMES: Final = (
    "2025-12-17T11:08:36Z",
    "2025-12-17T11:08:36.123456789+08:00",
    "0001-01-01T00:00:00Z",
    "20251217T110836Z",
)
"""Times as bodies have them."""

# Bytes that are likely to matter to a parser.
_TOKENS: Final = (
    *(b"null", b"true", b"NaN", b"-0", b"1e999", b"9" * 30, b"-1", b"1e-9", b"0.1", b'""', b"{}"),
    *(b"[]", b"[[", b"}}", b'"', b"\\", b"\\u0000", b"\\ud800", b"\xff\xfe", b"\xed\xa0\x80"),
    *(b"\x00", b",", b":", b";", b"=", b" ", b"\r\n", b"completed", b"pending", b"timed_out"),
    *(b"9999-12-31T23:59:59Z", b"0001-01-01T00:00:00+23:59", b"../..", b"%00", b"\x1b[2J", b"e"),
    *(b'"job_id":', b'"status":"failed"', b'"error":null', b'"meta":{}', "٣".encode()),
)

_ODD: Final[Sequence[object]] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        7,
        10**25,
        2**64,
        -0.0,
        0.1,
        1e308,
        5e-324,
        "",
        " ",
        "7",
        "x" * 1000,
    ),
    *("completed", "PENDING", "timed_out", "unknown", "retry", "paused", JOB_ID.upper(), "\x00"),
    *("\u2028", "\x1b[2J", "9999-12-31T23:59:59.9Z", "0001-01-01T00:00:00+14:00", "1970-01-01"),
    *([], {}, [[]], [None], [{}], ["a", 1, None], {"": ""}, {"code": "500", "message": []}),
)
# Stored as JSON, so that each body gets its own copy.
_VALUES: Final = tuple(json.dumps(value) for value in _ODD)


def corpus() -> list[bytes]:
    """Bodies as the API sends them: jobs of all types, statuses and variants, and refusals."""
    bodies: list[bytes] = list(_REFUSALS)
    for number, task_type in enumerate(TASKS):
        for status in ("pending", "processing", "completed", "failed"):
            end = "failed" if status == "failed" else "completed"
            script = Script([("pending", 3.0), ("processing", 40.0), end])
            world = World(number)
            job_id = world.add_job(task_type, at=0.0, script=script, job_id=JOB_ID)
            at = {"pending": 1.0, "processing": 20.0}.get(status, 60.0)
            shape = _SHAPES[len(bodies) % len(_SHAPES)]
            bodies.append(job_body(world.job(job_id, at), _EPOCH, shape))
    return bodies


class Mutator:
    """Makes inputs one after the other.

    Args:
        seed: The same seed gives the same inputs.
    """

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._bodies = corpus()
        self._jobs = self._bodies[len(_REFUSALS) :]
        self._ways: Sequence[Callable[[bytearray], None]] = (
            self._flip,
            self._overwrite,
            self._insert,
            self._insert,
            self._cut_out,
            self._repeat,
            self._cut_off,
            self._splice,
        )

    def body(self) -> bytes:
        """Return a body with a few mistakes in its bytes or values, or, now and then, random bytes."""
        chance = self._rng.random()
        if chance < 0.05:
            return self._rng.randbytes(self._rng.randrange(60))
        if chance < 0.5:
            return self._misshapen()
        return self._changed(self._rng.choice(self._bodies))

    def text(self, texts: Sequence[str]) -> str:
        """Return one of these texts with a mistake, decoded one character per byte, as headers are."""
        return self._changed(self._rng.choice(texts).encode()).decode("latin-1")

    def name(self, names: Sequence[str]) -> str:
        """Return one of these names unchanged."""
        return self._rng.choice(names)

    def _misshapen(self) -> bytes:
        """Return a JSON body with a few misplaced values."""
        body = msgspec.json.decode(self._rng.choice(self._jobs))
        for _ in range(self._rng.choice((1, 1, 2, 4))):
            inside = body
            while True:
                keys: Sequence[Any] = (
                    list(inside) if isinstance(inside, dict) else range(len(inside))
                )
                if not keys:
                    break
                key = self._rng.choice(keys)
                if not isinstance(inside[key], dict | list) or self._rng.random() < 0.2:
                    inside[key] = msgspec.json.decode(self._rng.choice(_VALUES))
                    break
                inside = inside[key]
        return json.dumps(body).encode()

    def _changed(self, data: bytes) -> bytes:
        changing = bytearray(data)
        # Mostly a single change, because two syntax errors would hide each other's effect.
        for _ in range(self._rng.choice((1, 1, 1, 2, 5))):
            self._rng.choice(self._ways)(changing)
        return bytes(changing)

    def _place(self, data: bytearray) -> int:
        return self._rng.randrange(len(data) + 1)

    def _flip(self, data: bytearray) -> None:
        if data:
            data[self._rng.randrange(len(data))] ^= 1 << self._rng.randrange(8)

    def _overwrite(self, data: bytearray) -> None:
        at, token = self._place(data), self._rng.choice(_TOKENS)
        data[at : at + len(token)] = token

    def _insert(self, data: bytearray) -> None:
        at = self._place(data)
        data[at:at] = self._rng.choice(_TOKENS)

    def _cut_out(self, data: bytearray) -> None:
        at = self._place(data)
        del data[at : at + self._rng.randrange(30)]

    def _cut_off(self, data: bytearray) -> None:
        del data[self._place(data) :]

    def _repeat(self, data: bytearray) -> None:
        at = self._place(data)
        data[at:at] = data[at : at + self._rng.randrange(30)] * self._rng.randrange(6)

    def _splice(self, data: bytearray) -> None:
        other = self._rng.choice(self._bodies)
        start = self._rng.randrange(len(other))
        data[self._place(data) :] = other[start : start + self._rng.randrange(300)]
