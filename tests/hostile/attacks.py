"""Attacks: answers made to exhaust, confuse or break the client that reads them.

Each attack makes the bytes of one HTTP answer while they are sent, so a gigabyte costs the server no
memory either. Each one states what a client may make of the answer.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal, TypeAlias

import attrs

MEBIBYTE: Final = 1024 * 1024
GIGABYTE: Final = 1024 * MEBIBYTE
JOB_ID: Final = "789320d3-4b20-46d3-a804-6165a079176a"
"""The job that is polled."""
ELSEWHERE: Final = "elsewhere.test"
"""A host that no answer may lead the client to."""

Sending: TypeAlias = Iterable[bytes | float]
"""What is sent: bytes, and numbers for pauses in seconds."""
Means: TypeAlias = Literal["seen", "trouble", "limited"]


@attrs.frozen
class Attack:
    """A hostile answer.

    Attributes:
        name: What it is.
        send: Makes the bytes of the answer.
        means: What a client may make of it: `"seen"`, a completed job, with whatever else the answer
            says; `"trouble"`, nothing, so that it polls again; `"limited"`, that it polls too fast.
        memory: The most memory that reading it may take, bytes.
    """

    name: str
    send: Callable[[], Sending]
    means: Means = "trouble"
    memory: int = 32 * MEBIBYTE

    def __str__(self) -> str:
        return self.name


def head(*lines: str, code: int = 200) -> bytes:
    """The head of an answer."""
    first = (f"HTTP/1.1 {code} Whatever", "content-type: application/json")
    return "\r\n".join([*first, *lines, "", ""]).encode("latin-1")


def whole(content: bytes, *lines: str, code: int = 200) -> list[bytes]:
    """An answer with this body."""
    return [head(f"content-length: {len(content)}", *lines, code=code), content]


def job(fields: str = "", **more: object) -> bytes:
    """The body of a completed job; `fields` are raw JSON that no encoder would write."""
    said = json.dumps({"job_id": JOB_ID, "status": "completed", **more})
    return (said[:-1] + (f",{fields}" if fields else "") + "}").encode("utf-8", "surrogatepass")


def _body(name: str, fields: str, means: Means = "trouble", memory: int = 32 * MEBIBYTE) -> Attack:
    return Attack(name, lambda: whole(job(fields)), means, memory)


def _headers(name: str, *lines: str, code: int = 200, means: Means = "seen") -> Attack:
    return Attack(name, lambda: whole(job(), *lines, code=code), means)


# ---------------------------------------------------------------- endless answers


def _zeros(size: int) -> Iterator[bytes]:
    block = b"0" * 65536
    for _ in range(size // len(block)):
        yield block


def _a_gigabyte() -> Sending:
    yield head(f"content-length: {GIGABYTE}")
    yield from _zeros(GIGABYTE)


def _a_gigabyte_in_chunks() -> Sending:
    yield head("transfer-encoding: chunked")
    for block in _zeros(GIGABYTE):
        yield b"%x\r\n%b\r\n" % (len(block), block)


def _a_gigabyte_without_a_length() -> Sending:
    yield head("connection: close")
    yield from _zeros(GIGABYTE)


def _spaces() -> Sending:
    yield head("transfer-encoding: chunked")
    while True:
        yield b"1\r\n \r\n"
        yield 0.5


def _one_chunk_head() -> Sending:
    yield head("transfer-encoding: chunked")
    while True:
        yield b"0" * 1000
        yield 0.001


def _a_head() -> Sending:
    yield b"HTTP/1.1 200 OK\r\nx: "
    while True:
        yield b"x"
        yield 0.5


def _patience() -> Sending:
    while True:
        yield b"HTTP/1.1 100 Continue\r\n\r\n" * 10
        yield 0.1


def _trailers() -> Sending:
    yield head("transfer-encoding: chunked")
    yield b"0\r\n"
    while True:
        yield b"x: y\r\n" * 50
        yield 0.05


WITHOUT_END: Final = (
    Attack("a gigabyte", _a_gigabyte),
    Attack("a gigabyte in chunks", _a_gigabyte_in_chunks),
    Attack("a gigabyte without a length", _a_gigabyte_without_a_length),
    Attack("a space every half second", _spaces),
    Attack("a chunk's length without end", _one_chunk_head),
    Attack("a head, byte by byte", _a_head),
    Attack("100 Continue, for ever", _patience),
    Attack("trailers without end", _trailers),
)

# ---------------------------------------------------------------- compressed answers


def _bomb(wbits: int) -> bytes:
    """A gigabyte of zeros, compressed to one megabyte by repeating one flushed block."""
    packing = zlib.compressobj(9, zlib.DEFLATED, wbits)
    start = packing.compress(b"0" * MEBIBYTE) + packing.flush(zlib.Z_FULL_FLUSH)
    block = packing.compress(b"0" * MEBIBYTE) + packing.flush(zlib.Z_FULL_FLUSH)
    return start + block * (GIGABYTE // MEBIBYTE - 1)


def _packed(
    name: str, encoding: str, pack: Callable[[], bytes], means: Means = "trouble"
) -> Attack:
    return Attack(name, lambda: whole(pack(), f"content-encoding: {encoding}"), means)


PACKED: Final = (
    _packed("a gzip bomb", "gzip", lambda: _bomb(16 + zlib.MAX_WBITS)),
    _packed("a deflate bomb", "deflate", lambda: _bomb(zlib.MAX_WBITS)),
    _packed("what claims to be brotli", "br", lambda: b"\xce\xb2\xcf\x81" * 1000),
    _packed("what claims to be zstd", "zstd", lambda: b"\x28\xb5\x2f\xfd" * 1000),
    _packed("gzip twice", "gzip, gzip", lambda: gzip.compress(gzip.compress(job()))),
    _packed("gzip with a tail", "gzip", lambda: gzip.compress(job()) + b"tail" * 1000, "seen"),
    _packed("gzip cut short", "gzip", lambda: gzip.compress(job())[:-9]),
    _packed("many empty gzips", "gzip", lambda: gzip.compress(b"") * 10_000),
    _packed("an encoding with no name", "\x80", job),
)

# ---------------------------------------------------------------- JSON

_DEEP = 100_000
# Memory grows in proportion to the size, so a bound here also holds for the largest body, which is twenty
# times larger.
_MANY = 60_000

JSON: Final = (
    _body("lists, deep", f'"logs":{"[" * _DEEP}{"]" * _DEEP}'),
    _body("objects, deep", '"output":' + '{"a":' * _DEEP + "1" + "}" * _DEEP),
    _body("lists as deep as Python goes", f'"logs":{"[" * 940}{"]" * 940}'),
    _body("deep without an end", '"logs":' + "[" * _DEEP),
    _body("a seed of 10,000 digits", f'"output":{{"seed":{"9" * 10_000}}}'),
    _body("a seed of 4,000 digits", f'"output":{{"seed":{"9" * 4_000}}}', "seen"),
    _body("a price of 10,000 digits", f'"meta":{{"usage":{{"frozen":{"9" * 10_000}}}}}'),
    _body("10,000 digits behind the point", f'"x":0.{"9" * 10_000}', "seen"),
    _body("a number beyond all numbers", '"meta":{"usage":{"frozen":1e999999}}'),
    _body("not a number", '"meta":{"usage":{"frozen":NaN}}'),
    _body("NUL, escaped", '"logs":["a\\u0000b"],"error":{"message":"\\u0000"}', "seen"),
    _body("NUL, as it is", '"logs":["a\x00b"]'),
    _body("half a character, escaped", '"logs":["\\ud800"]'),
    _body("half a character, as it is", '"logs":["\ud800"]'),
    _body("half a character in a name", '"\\udfff":1'),
    _body("a name that occurs 100,000 times", ",".join(['"logs":[]'] * 100_000), "seen"),
    _body("many empty lists", f'"logs":[{",".join(["[]"] * _MANY)}]', "seen"),
    _body("many names", ",".join(f'"{n}":{n}' for n in range(_MANY // 2)), "seen"),
    _body("a text of 3 MB", f'"error":{{"message":"{"x" * 3_000_000}"}}', "seen", 64 * MEBIBYTE),
    _body("every field of another kind", '"output":7,"meta":[],"logs":{},"error":[1]', "seen"),
    _body("a control sequence", '"error":{"message":"\\u001b]0;x\\u0007\\u009b2J"}', "seen"),
    Attack("a status of 3 MB", lambda: whole(job(status="x" * 3_000_000))),
    Attack("two values", lambda: whole(job() + job())),
    Attack("a byte order mark", lambda: whole(b"\xef\xbb\xbf" + job())),
    Attack("UTF-16", lambda: whole(job().decode().encode("utf-16"))),
    Attack("nothing", lambda: whole(b"")),
)

# ---------------------------------------------------------------- ids

IDS: Final = tuple(
    Attack(f"the id is {name}", lambda said=said: whole(job(job_id=said)))  # type: ignore[misc] # a default binds it
    for name, said in {
        "a path": "../../../../etc/passwd",
        "a path, quoted": "%2e%2e%2f" + JOB_ID,
        "a URL": f"https://{ELSEWHERE}/api/v1/job/{JOB_ID}",
        "a megabyte": "a" * MEBIBYTE,
        "with NUL": f"{JOB_ID}\x00",
        "a number": 7,
        "a list": [JOB_ID],
        "another's": "00000000-0000-4000-8000-000000000000",
    }.items()
)

# ---------------------------------------------------------------- dates

_DATES = (
    "9999-12-31T23:59:59.999999999Z",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:01Z",
    "0002-01-01T00:00:00+23:59",
    "0000-00-00T00:00:00Z",
    "-271821-04-20T00:00:00Z",
    "+275760-09-13T00:00:00Z",
    "2025-12-17T25:61:61Z",
    "2025-12-17T11:08:36" + "0" * 10_000 + "Z",
    "٢٠٢٥-12-17T11:08:36Z",
)


def _dated(stamp: str, date: str) -> Attack:
    fields = json.dumps({"created_at": stamp, "started_at": stamp, "ended_at": stamp})
    name = f"all times are {stamp[:32]}, dated {date}"
    return Attack(name, lambda: whole(job(f'"meta":{fields}'), f"date: {date}"), "seen")


DATES: Final = tuple(
    _dated(stamp, date)
    for stamp in _DATES
    for date in ("Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "soon")
)

# ---------------------------------------------------------------- headers

HEADERS: Final = (
    _headers("2,000 headers", *(f"x-{number}: y" for number in range(2_000))),
    _headers("2,000 headers of one name", *["retry-after: 7"] * 2_000),
    _headers("100,000 headers", *["x: y"] * 100_000, means="trouble"),
    _headers("a header of a megabyte", "x: " + "y" * MEBIBYTE, means="trouble"),
    _headers("a header without a name", ": y", means="trouble"),
    _headers("NUL in a header", "x: \x00", means="trouble"),
    _headers("a length that isn't true", f"content-length: {10**30}", means="trouble"),
    _headers("a length below zero", "content-length: -1", means="trouble"),
    _headers("chunks that aren't", "transfer-encoding: chunked", means="trouble"),
    Attack("a code of four digits", lambda: whole(job(), code=2000)),
    Attack("a code of no digits", lambda: [head().replace(b"200", b"\xff\xff\xff")]),
    Attack("another protocol", lambda: [b"SSH-2.0-OpenSSH_9.2\r\n" * 1000]),
    Attack("HTTP/9.9", lambda: [head().replace(b"1.1", b"9.9")]),
    Attack("another protocol, by agreement", lambda: [head("upgrade: x", code=101)]),
)

RETRY_AFTER: Final = tuple(
    _headers(f"429, {line[:60]}", line, code=429, means="limited")
    for line in (
        "retry-after: 99999999999999999999",
        "retry-after: " + "9" * 50_000,
        "retry-after: -1",
        "retry-after: 1e308",
        "retry-after: nan",
        "retry-after: inf",
        "retry-after: Fri, 31 Dec 9999 23:59:59 GMT",
        "retry-after: Thu, 01 Jan 1970 00:00:00 GMT",
        "retry-after: \xb2",
        "retry-after: 1, 2, 3" + ", 4" * 20_000,
        'ratelimit: "a";r=0;t=99999999999999999999',
        'ratelimit-policy: "a";q=0;w=0, "b";q=-1',
        "ratelimit: " + 'limit=1, remaining=0, reset=9;"' * 1_000,
        "x-ratelimit-reset: 99999999999999999999",
        "x-ratelimit-remaining: 0",
    )
)

REDIRECTS: Final = tuple(
    _headers(f"{code} to {target[:40]}", f"location: {target}", code=code, means="trouble")
    for code in (301, 302, 303, 307, 308)
    for target in (
        f"http://{ELSEWHERE}/api/v1/job/{JOB_ID}",
        f"//{ELSEWHERE}/",
        f"https://{ELSEWHERE}:443/",
        "file:///etc/passwd",
        "http://[::1",
        "../" * 1_000,
        "",
    )
)

ATTACKS: Final = (
    *WITHOUT_END,
    *PACKED,
    *JSON,
    *IDS,
    *DATES,
    *HEADERS,
    *RETRY_AFTER,
    *REDIRECTS,
)
