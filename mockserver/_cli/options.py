"""The options of `legnext-mock` that describe a mock; the docstring of `Options` is their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import attrs
from cyclopts import Group, Parameter
from cyclopts.validators import Number

from mockserver._api.hints import Fields, RetryAfter
from mockserver._scenario import UNLIMITED
from mockserver._world.slots import Order, read_slots

SERVER: Final = Group("Server", sort_key=1)
_JOBS: Final = Group("Jobs and account", sort_key=2)
_LIMITS: Final = Group("Limits", sort_key=3)
_TROUBLE: Final = Group("Trouble", sort_key=4)
_ANSWERS: Final = Group("Answers and webhooks", sort_key=5)


def _repeatable(name: str, group: Group) -> Parameter:
    """An option that is given once for each of its values."""
    return Parameter(name=name, group=group, negative=(), show_default=False)


def slots_in(text: str) -> int | str | None:
    """The slots that an option means: a number, None for no limit, or `queue@6` and the like."""
    if text == UNLIMITED:
        return None
    return int(text) if text.isdecimal() else text


def _can_be_slots(_: object, text: str | None) -> None:
    """Raise what the parser reports, with the name of the option."""
    if text is not None:
        read_slots(slots_in(text), "queue")


@attrs.frozen(kw_only=True)
class Options:
    """What the command line says about a mock; None or empty where it says nothing.

    Attributes:
        scenario: A file of settings, in TOML or JSON; the other options override or extend it.
        time_scale: Seconds that pass for the jobs in one real second; 1 by default.
        admin: Serve /__admin/; by default only where no other machine can reach it.
        admin_hosts: A name other than localhost by which to reach /__admin/. Repeatable.
        seed: The same seed gives the same jobs; 0 by default.
        slots: The most jobs at once: 12 by default, unlimited, queue@6, or reject@6 (more get 429).
        order: Which waiting job gets a free slot: the first by default.
        priorities: TASK=NUMBER: the priority of a task type's jobs. Repeatable.
        run_times: A preset (fast, typical, relax, video), seconds, or e.g. lognormal:45,0.3.
        failure_share: The share of jobs that fail, from 0 to 1; none by default.
        failures: MODE=SHARE of failing jobs: submit, moderation, processing, timeout. Repeatable.
        jobs: The number of diffusion jobs that exist from the start.
        account: NAME=VALUE: points, credits, or limited=true (402 once spent). Repeatable.
        rate: Requests a second (of the jobs' time) that don't get 429; all by default.
        burst: Requests that may come at once before the rate counts; 1 by default.
        limits: A limit of another kind, e.g. sliding-window:100,60@submit,per=key. Repeatable.
        retry_after: The form of Retry-After in a 429: seconds by default.
        rate_limit_fields: Header fields that report the limits on every answer. Repeatable.
        latency: How long each answer takes, in seconds of the jobs' time; or a distribution.
        faults: Something that goes wrong, e.g. status:503@job,every=10. Repeatable.
        moderated: A word that no prompt may contain: the answer is 403. Repeatable.
        quirks: NAME=VALUE: a variant in which the API has been seen to answer. Repeatable.
        webhooks: NAME=VALUE: how callbacks are made, e.g. secret=s3cret. Repeatable.
    """

    scenario: Annotated[Path | None, Parameter(group=SERVER)] = None
    time_scale: Annotated[float | None, Parameter(group=SERVER, validator=Number(gt=0))] = None
    admin: Annotated[bool | None, Parameter(group=SERVER)] = None
    admin_hosts: Annotated[tuple[str, ...], _repeatable("--admin-host", SERVER)] = ()
    seed: Annotated[int | None, Parameter(group=_JOBS)] = None
    slots: Annotated[str | None, Parameter(group=_JOBS, validator=_can_be_slots)] = None
    order: Annotated[Order | None, Parameter(group=_JOBS)] = None
    priorities: Annotated[tuple[str, ...], _repeatable("--priority", _JOBS)] = ()
    run_times: Annotated[str | None, Parameter(group=_JOBS)] = None
    failure_share: Annotated[
        float | None, Parameter(group=_JOBS, validator=Number(gte=0, lte=1))
    ] = None
    failures: Annotated[tuple[str, ...], _repeatable("--failure", _JOBS)] = ()
    jobs: Annotated[int, Parameter(group=_JOBS, validator=Number(gte=0))] = 0
    account: Annotated[tuple[str, ...], _repeatable("--account", _JOBS)] = ()
    rate: Annotated[float | None, Parameter(group=_LIMITS, validator=Number(gt=0))] = None
    burst: Annotated[int | None, Parameter(group=_LIMITS, validator=Number(gte=1))] = None
    limits: Annotated[tuple[str, ...], _repeatable("--limit", _LIMITS)] = ()
    retry_after: Annotated[RetryAfter | None, Parameter(group=_LIMITS)] = None
    rate_limit_fields: Annotated[
        tuple[Fields, ...], _repeatable("--rate-limit-fields", _LIMITS)
    ] = ()
    latency: Annotated[str | None, Parameter(group=_TROUBLE)] = None
    faults: Annotated[tuple[str, ...], _repeatable("--fault", _TROUBLE)] = ()
    moderated: Annotated[tuple[str, ...], _repeatable("--moderate", _TROUBLE)] = ()
    quirks: Annotated[tuple[str, ...], _repeatable("--quirk", _ANSWERS)] = ()
    webhooks: Annotated[tuple[str, ...], _repeatable("--webhook", _ANSWERS)] = ()
