"""Reading the bodies of submits, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from mockserver import MockLegnext, Quirks, run_virtual
from mockserver._api.bodies import read_params
from mockserver._api.refusals import Refusal
from mockserver._world.tasks import TASKS
from tests.mockserver.api.asking import PNG, add_parent, ask
from tests.mockserver.helpers import POST, client_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Message

BODY = b'{"text":"a"}'


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
    ],
)
def test_media_types(media_type: str, status: int) -> None:
    """JSON is accepted, also without a media type; a form only by tasks that take a file."""
    headers = {"content-type": media_type} if media_type else {}
    answer = ask(MockLegnext(), "POST", POST, content=BODY, headers={"x-api-key": "key", **headers})
    assert answer.status_code == status
    if status == 415:
        said = media_type.partition(";")[0]
        assert answer.json()["raw_message"] == f"the body must be application/json, not {said}"


def test_a_form_has_only_texts() -> None:
    """In a form, a number is a text, and a mask can be a part without a file name."""
    mock = MockLegnext()
    form = {"jobId": "j", "imageNo": "3", "remixPrompt": "more"}
    add_parent(mock, form)
    assert ask(mock, "POST", "/api/v1/inpaint", data=form, files={"mask": PNG}).status_code == 200
    parts = {name: (None, value) for name, value in {**form, "mask": "no PNG"}.items()}
    answer = ask(mock, "POST", "/api/v1/inpaint", files=parts)
    assert (answer.status_code, answer.json()["raw_message"]) == (422, "mask must be a PNG file")


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=x"])
def test_a_broken_form(content_type: str) -> None:
    """A form without a boundary, or with invalid parts, gets 400."""
    answer = ask(
        MockLegnext(),
        "POST",
        "/api/v1/inpaint",
        content=b"not a form",
        headers={"x-api-key": "key", "content-type": content_type},
    )
    assert (answer.status_code, answer.json()["code"]) == (400, 400)


def test_files_are_not_kept() -> None:
    """The world keeps the texts of a form, but not the file."""
    mock = MockLegnext()
    form = {"jobId": "j", "imageNo": "0"}
    add_parent(mock, form)
    answer = ask(mock, "POST", "/api/v1/inpaint", data=form, files={"mask": PNG})
    job = mock.world.job(answer.json()["job_id"], mock.now)
    assert job.params == {"jobId": "j", "imageNo": 0}


@pytest.mark.parametrize("announced", [b"100", b"9" * 5000])
def test_a_body_that_is_announced_too_long_is_not_waited_for(announced: bytes) -> None:
    """A body that is too long by its header is refused before it is read."""

    async def receive() -> Message:
        raise AssertionError("nothing is to be taken")

    scope = {"type": "http", "method": "POST", "headers": [(b"content-length", announced)]}
    with pytest.raises(Refusal, match="at most 99 bytes") as caught:
        trio.run(read_params, scope, receive, TASKS["diffusion"], 99)
    assert caught.value.status_code == 413


def test_a_body_that_grows_too_long() -> None:
    """A chunked body that gets too long is refused, as JSON and as a form."""
    mock = MockLegnext(quirks=Quirks(max_body_bytes=99))

    async def chunks() -> AsyncIterator[bytes]:
        yield b'--y\r\ncontent-disposition: form-data; name="mask"\r\n\r\n'
        for _ in range(10):
            yield b"y" * 10

    async def all_three() -> list[int]:
        forms = ["multipart/form-data; boundary=x", "multipart/form-data; boundary=y"]
        async with client_of(mock) as client:
            answers = [await client.post(POST, content=chunks())]
            for form in forms:
                headers = {"content-type": form}
                answers.append(
                    await client.post("/api/v1/inpaint", content=chunks(), headers=headers)
                )
            return [answer.status_code for answer in answers]

    assert run_virtual(all_three) == [413, 400, 413]


def test_who_leaves_before_the_end_has_submitted_nothing() -> None:
    """A client that leaves within its body makes no job, and gets no answer."""
    mock = MockLegnext()
    sent = []

    async def receive() -> Message:
        await trio.lowlevel.checkpoint()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        await trio.lowlevel.checkpoint()
        sent.append(message)

    async def submit() -> None:
        scope = {"type": "http", "method": "POST", "path": POST, "headers": [(b"x-api-key", b"k")]}
        await mock.app(scope, receive, send)

    run_virtual(submit)
    assert not sent
    assert len(mock.world) == 0
    assert not mock.crashes
