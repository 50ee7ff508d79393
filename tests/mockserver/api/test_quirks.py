"""Each quirk, over HTTP."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import attrs
import pytest

from mockserver import Failure, Fixed, MockLegnext, Quirks, Script, run_virtual
from mockserver._api.times import DEFAULT_EPOCH
from tests.mockserver.api.asking import COMPLETED, ask, look_up, submit
from tests.mockserver.helpers import client_of

FAILED = Script(["failed"], failure=Failure(403, "rejected", "raw words"))
PENDING = Script(["pending"])


def job_of(script: Script, task: str = "diffusion", **quirks: Any) -> dict[str, Any]:  # noqa: ANN401 - as Quirks takes
    """A job object in an answer at the world's start."""
    mock = MockLegnext(quirks=Quirks(**quirks))
    return look_up(mock, mock.add_job(script, task))


def refusal_of(error_body: Any) -> dict[str, Any]:  # noqa: ANN401 - as Quirks takes
    """The answer to a look-up of a job that doesn't exist."""
    answer = ask(MockLegnext(quirks=Quirks(error_body=error_body)), "GET", "/api/v1/job/none")
    assert answer.status_code == 404
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"error_body": "round"}, "'error_body' must be in"),
        ({"get_without_key": 1}, "get_without_key must be true or false, not 1"),
        (
            {"job_expires_after": -1},
            "job_expires_after must be a number of seconds, 0 or more, not -1",
        ),
        ({"urls_expire_after": float("inf")}, "urls_expire_after must be a number of seconds"),
        ({"max_body_bytes": -1}, "'max_body_bytes' must be >= 0: -1"),
    ],
)
def test_settings_out_of_their_range(settings: dict[str, Any], complaint: str) -> None:
    """Settings out of their range are refused, with a message."""
    with pytest.raises(ValueError, match=re.escape(complaint)):
        Quirks(**settings)


def test_every_quirk_is_in_the_documentation() -> None:
    """The page about the API has a row for each."""
    page = (Path(__file__).parents[3] / "docs" / "mock" / "api.md").read_text()
    assert all(f"| `{field.name}` | " in page for field in attrs.fields(Quirks))


def test_a_repr_shows_what_is_special() -> None:
    """The repr only has the settings that differ from their defaults."""
    assert repr(Quirks()) == "Quirks()"
    assert repr(Quirks(logs="strings", active_tasks=True)) == (
        "Quirks(logs='strings', active_tasks=True)"
    )


def test_error_body_flat() -> None:
    """An error is an object with code and messages."""
    assert refusal_of("flat") == {
        "code": 404,
        "message": "Job not found",
        "raw_message": "no such job",
        "detail": None,
    }


def test_error_body_nested() -> None:
    """An error is that object as the member `error`."""
    assert refusal_of("nested") == {"error": refusal_of("flat")}


def test_error_body_job() -> None:
    """An error is a failed job object without an id."""
    body = refusal_of("job")
    assert (body["job_id"], body["status"]) == ("", "failed")
    assert body["error"] == refusal_of("flat")
    assert set(body) == set(job_of(PENDING))


@pytest.mark.parametrize("error_body", ["flat", "nested", "job"])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/api/v1/diffusion", 400),
        ("GET", "/nowhere", 404),
        ("GET", "/api/v1/diffusion", 405),
    ],
)
def test_every_refusal_has_the_error_body(
    error_body: Any,  # noqa: ANN401 - as Quirks takes
    method: str,
    path: str,
    status: int,
) -> None:
    """Bad submits, missing routes and wrong methods have the same form of error."""
    answer = ask(MockLegnext(quirks=Quirks(error_body=error_body)), method, path)
    body = answer.json()
    error = body if error_body == "flat" else body["error"]
    assert (answer.status_code, error["code"]) == (status, status)


@pytest.mark.parametrize(
    ("without_key", "key", "status"),
    [(False, None, 401), (True, None, 200), (True, "wrong", 401), (True, "right", 200)],
)
def test_get_without_key(without_key: bool, key: str | None, status: int) -> None:  # noqa: FBT001 - a row of the table
    """Only jobs can be looked up without a key; a wrong key is still refused."""
    mock = MockLegnext(api_keys=["right"], quirks=Quirks(get_without_key=without_key))
    job_id = mock.add_job()
    headers = {} if key is None else {"x-api-key": key}

    async def both() -> tuple[int, int]:
        async with client_of(mock, headers=headers) as client:
            job = await client.get(f"/api/v1/job/{job_id}")
            return job.status_code, (await client.get("/api/account/balance")).status_code

    assert run_virtual(both) == (status, 200 if key == "right" else 401)


@pytest.mark.parametrize(
    ("job_error", "nothing", "something"),
    [
        (
            "object",
            {"code": 0, "raw_message": "", "message": "", "detail": None},
            {"code": 403, "raw_message": "raw words", "message": "rejected", "detail": None},
        ),
        (
            "null",
            None,
            {"code": 403, "raw_message": "raw words", "message": "rejected", "detail": None},
        ),
        ("string", "", "rejected"),
    ],
)
def test_job_error(job_error: str, nothing: object, something: object) -> None:
    """The error of a job that succeeded, and of one that failed."""
    assert job_of(PENDING, job_error=job_error)["error"] == nothing
    assert job_of(FAILED, job_error=job_error)["error"] == something


@pytest.mark.parametrize(
    ("missing_time", "shown"), [("zero", "0001-01-01T00:00:00Z"), ("empty", ""), ("null", None)]
)
def test_missing_time(missing_time: str, shown: str | None) -> None:
    """A time that hasn't come."""
    meta = job_of(PENDING, missing_time=missing_time)["meta"]
    assert (meta["started_at"], meta["ended_at"]) == (shown, shown)
    assert meta["created_at"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("time_resolution", "shown"),
    [
        ("seconds", ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"]),
        (
            "nanoseconds",
            [
                "2026-01-01T00:00:00.000000000Z",
                "2026-01-01T00:00:01.250000000Z",
                "2026-01-01T00:00:02.500000000Z",
            ],
        ),
    ],
)
def test_time_resolution(time_resolution: Any, shown: list[str]) -> None:  # noqa: ANN401 - as Quirks takes
    """The times of jobs have a resolution of a second, or of a nanosecond."""
    mock = MockLegnext(quirks=Quirks(time_resolution=time_resolution))
    script = Script([("pending", 1.25), ("processing", 1.25), "completed"])

    async def late() -> list[str]:
        job_id = mock.add_job(script)
        async with client_of(mock) as client:
            await anyio.sleep(5)
            meta = (await client.get(f"/api/v1/job/{job_id}")).json()["meta"]
            return [meta["created_at"], meta["started_at"], meta["ended_at"]]

    assert run_virtual(late) == shown


@pytest.mark.parametrize(
    ("missing_output", "shown"),
    [("object", {"image_url": "", "image_urls": None, "seed": ""}), ("null", None)],
)
def test_missing_output(missing_output: str, shown: object) -> None:
    """The quirk changes the output of jobs that aren't completed, and of no others."""
    assert job_of(PENDING, missing_output=missing_output)["output"] == shown
    assert job_of(FAILED, missing_output=missing_output)["output"] == shown
    assert len(job_of(COMPLETED, missing_output=missing_output)["output"]["image_urls"]) == 4


@pytest.mark.parametrize(
    ("task", "shown"), [("diffusion", [""] * 4), ("upscale", [""]), ("describe", None)]
)
def test_empty_image_urls(task: str, shown: object) -> None:
    """There is an empty text for each image to come; a task without images has none."""
    assert job_of(PENDING, task, empty_image_urls=True)["output"]["image_urls"] == shown
    assert job_of(PENDING, task)["output"]["image_urls"] is None


def test_empty_image_urls_of_a_video() -> None:
    """A task that makes videos has no images to come."""
    output = job_of(PENDING, "video-diffusion", empty_image_urls=True)["output"]
    assert output == {"video_urls": None, "seed": ""}


@pytest.mark.parametrize(
    ("logs", "shown"),
    [
        ("empty", []),
        ("strings", ["0%", "20%", "40%"]),
        (
            "objects",
            [
                {"level": "info", "message": message, "since": "2026-01-01T00:00:01Z"}
                for message in ("0%", "20%", "40%")
            ],
        ),
    ],
)
def test_logs(logs: Any, shown: object) -> None:  # noqa: ANN401 - as Quirks takes
    """The logs have the progress once a job is processed, and not before."""
    mock = MockLegnext(quirks=Quirks(logs=logs), run_times=Fixed(100))

    async def twice() -> list[object]:
        (job_id,) = mock.add_jobs(1)
        async with client_of(mock) as client:
            before = (await client.get(f"/api/v1/job/{job_id}")).json()["logs"]
            await anyio.sleep(1 + 50)
            return [before, (await client.get(f"/api/v1/job/{job_id}")).json()["logs"]]

    assert run_virtual(twice) == [[], shown]


def test_task_type_separator() -> None:
    """The words of a task type are joined by a hyphen or an underscore."""
    assert job_of(PENDING, "upload-paint")["task_type"] == "upload-paint"
    job = job_of(PENDING, "upload-paint", task_type_separator="_")
    assert job["task_type"] == "upload_paint"


def test_echo_input() -> None:
    """The job's input is null, or the parameters of the submit."""
    params = {"text": "a lighthouse", "callback": "https://hook.example/x"}
    assert submit(MockLegnext(), **params).json()["input"] is None
    mock = MockLegnext(quirks=Quirks(echo_input=True))
    submitted = submit(mock, **params).json()
    assert submitted["input"] == params
    assert look_up(mock, submitted["job_id"])["input"] == params
    assert look_up(mock, mock.add_job())["input"] is None


def test_extra_fields() -> None:
    """The job and the objects in it have undocumented fields."""
    plain, extra = job_of(COMPLETED), job_of(COMPLETED, extra_fields=True)
    for whole, more in ((plain, extra), *((plain[k], extra[k]) for k in ("meta", "output"))):
        assert set(whole) < set(more)
        assert {k: v for k, v in more.items() if k in whole and k not in {"meta", "output"}} == {
            k: v for k, v in whole.items() if k not in {"meta", "output"}
        }


def test_active_tasks() -> None:
    """The route only exists with the quirk."""
    assert ask(MockLegnext(), "GET", "/api/account/active_tasks").status_code == 404
    mock = MockLegnext(quirks=Quirks(active_tasks=True))
    assert ask(mock, "GET", "/api/account/active_tasks").status_code == 200


def test_job_expires_after() -> None:
    """A job that has expired is a 404, for look-ups and for submits that refer to it."""
    mock = MockLegnext(quirks=Quirks(job_expires_after=100))
    ended = mock.add_job(Script([("pending", 10), "completed"]))
    waits = mock.add_job(PENDING)

    async def asking() -> list[int]:
        async with client_of(mock) as client:
            statuses = []
            for wait in (0, 109, 1):
                await anyio.sleep(wait)
                statuses.append((await client.get(f"/api/v1/job/{ended}")).status_code)
            statuses.append((await client.get(f"/api/v1/job/{waits}")).status_code)
            reroll = await client.post("/api/v1/reroll", json={"jobId": ended})
            return [*statuses, reroll.status_code]

    assert run_virtual(asking) == [200, 200, 404, 200, 404]


@pytest.mark.parametrize(
    ("quirks", "folder", "expires"),
    [
        ({}, "", None),
        ({"urls_expire_after": 7 * 86400}, "", 7 * 86400),
        ({"temporary_urls": True}, "temp/", 86400),
        ({"temporary_urls": True, "urls_expire_after": 60}, "temp/", 60),
        ({"temporary_urls": True, "urls_expire_after": 1e6}, "temp/", 86400),
    ],
)
def test_urls_of_results(quirks: dict[str, Any], folder: str, expires: float | None) -> None:
    """URLs never expire, or are signed and say when; temporary ones expire within a day."""
    job = job_of(COMPLETED, **quirks)
    urls = [job["output"]["image_url"], *job["output"]["image_urls"]]
    for url in map(urlsplit, urls):
        assert url.path.startswith(f"/{folder}{job['job_id']}/")
        query = parse_qs(url.query)
        if expires is None:
            assert not query
        else:
            moment = datetime.fromtimestamp(int(query["Expires"][0]), UTC)
            assert (moment - DEFAULT_EPOCH).total_seconds() == expires
            assert re.fullmatch("[0-9a-f]{14}", query["Signature"][0])


@pytest.mark.parametrize(("max_body_bytes", "status"), [(12, 200), (11, 413)])
def test_max_body_bytes(max_body_bytes: int, status: int) -> None:
    """A body of that length is accepted, and one more byte is too long."""
    mock = MockLegnext(quirks=Quirks(max_body_bytes=max_body_bytes))
    answer = ask(mock, "POST", "/api/v1/diffusion", content=b'{"text":"a"}')
    assert answer.status_code == status
    assert len(mock.truth) == (status == 200)
