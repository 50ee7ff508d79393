"""From the options of the command line to the scenario that they describe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from mockserver._cli.short_forms import (
    Kinds,
    ShortFormError,
    read_assignments,
    read_form,
    read_value,
)
from mockserver._faults import FAULTS
from mockserver._plain import PlainError, from_plain, kind_of, to_plain
from mockserver._plain.families import FAMILIES
from mockserver._scenario import UNLIMITED, Scenario, ScenarioError, read_scenario
from mockserver._world import Distribution, Limit


def _kinds(classes: Iterable[type]) -> Kinds:
    return {kind_of(cls): cls for cls in classes}


DISTRIBUTIONS: Final = _kinds(FAMILIES[Distribution])
LIMITS: Final = _kinds(FAMILIES[Limit])
FAULT_KINDS: Final = _kinds(FAULTS)


class UsageError(ValueError):
    """The options can't be as they are; each line of the message says something about it."""


@attrs.frozen(kw_only=True)
class Options:
    """What was asked for; None or empty where nothing was.

    Those that aren't explained here are as a `Scenario` has them.

    Attributes:
        scenario: A file to begin with: what else is asked for replaces its settings, or is added
            to its lists.
        slots: A number, `unlimited`, `queue@6` or `reject@6`.
        run_times: The name of a preset, seconds, or a short form.
        failures: `MODE=SHARE`.
        priorities: `TASK=NUMBER`.
        account: `NAME=VALUE`.
        jobs: How many diffusion jobs there are from the start.
        limits: Short forms; with them or a rate, the limits of the file don't hold.
        rate: Requests a second.
        burst: How many of them at once.
        latency: Seconds, or a short form.
        faults: Short forms.
        quirks: `NAME=VALUE`.
        moderated: Words that no prompt may have.
        webhooks: `NAME=VALUE`.
        admin_hosts: Names by which the admin routes may be asked.
    """

    scenario: Path | None = None
    seed: int | None = None
    slots: str | None = None
    order: str | None = None
    time_scale: float | None = None
    run_times: str | None = None
    failure_share: float | None = None
    failures: Sequence[str] = ()
    priorities: Sequence[str] = ()
    account: Sequence[str] = ()
    jobs: int = 0
    limits: Sequence[str] = ()
    rate: float | None = None
    burst: int | None = None
    retry_after: str | None = None
    rate_limit_fields: Sequence[str] = ()
    latency: str | None = None
    faults: Sequence[str] = ()
    quirks: Sequence[str] = ()
    moderated: Sequence[str] = ()
    webhooks: Sequence[str] = ()
    admin: bool | None = None
    admin_hosts: Sequence[str] = ()


def slots_in(text: str) -> int | str | None:
    """The slots that a word says: a number, None for no limit, or a word with a number in it."""
    if text == UNLIMITED:
        return None
    return int(text) if text.isdecimal() else text


def scenario_of(options: Options) -> Scenario:
    """The scenario that the options describe.

    Raises:
        UsageError: An option, or the scenario's file, can't be as it is.
    """
    try:
        base = Scenario() if options.scenario is None else read_scenario(options.scenario)
        data: dict[str, Any] = to_plain(base)
        _replace(data, options)
        _add(data, options)
        return from_plain(Scenario, data)
    except PlainError as error:
        raise UsageError("\n".join(error.problems)) from error
    except (ShortFormError, ScenarioError) as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"can't read {options.scenario}: {error.strerror or error}") from error


def _replace(data: dict[str, Any], options: Options) -> None:
    """Put what has one value in the place of what the file says."""
    for name in ("seed", "order", "time_scale", "failure_share", "admin"):
        if (value := getattr(options, name)) is not None:
            data[name] = value
    if options.failure_share is not None:
        data.pop("failures", None)
    if options.slots is not None:
        data["slots"] = slots_in(options.slots)
    if options.run_times is not None:
        data["run_times"] = read_value(options.run_times, DISTRIBUTIONS)
    if options.latency is not None:
        data["latency"] = read_value(options.latency, DISTRIBUTIONS)
    if options.limits or options.rate is not None:
        data["limit"] = [_limit(text) for text in options.limits]
    if options.rate is not None:
        bucket = {"kind": "token-bucket", "rate": options.rate, "burst": options.burst or 1}
        data["limit"].append(bucket)
    elif options.burst is not None:
        raise UsageError("--burst says how many requests may come at once at a --rate: give both")


def _add(data: dict[str, Any], options: Options) -> None:
    """Add what has several values to those of the file."""
    for name, texts in (
        ("failures", options.failures),
        ("account", options.account),
        ("quirks", options.quirks),
        ("webhooks", options.webhooks),
    ):
        if texts:
            data[name] = data.get(name, {}) | read_assignments(texts)
    if options.failures:
        data.pop("failure_share", None)
    if options.priorities:
        given = read_assignments(options.priorities)
        # The names of task types have dashes.
        types = {name.replace("_", "-"): priority for name, priority in given.items()}
        data["priorities"] = data.get("priorities", {}) | types
    hints = {"retry_after": options.retry_after, "fields": list(options.rate_limit_fields)}
    if given := {name: value for name, value in hints.items() if value}:
        data["hints"] = data.get("hints", {}) | given
    if options.moderated:
        moderation = data.setdefault("moderation", {})
        moderation["words"] = [*moderation.get("words", []), *options.moderated]
    if options.jobs:
        data["jobs"] = [*data.get("jobs", []), {"count": options.jobs}]
    if options.faults:
        data["faults"] = [*data.get("faults", []), *map(_fault, options.faults)]
    if options.admin_hosts:
        data["admin_hosts"] = [*data.get("admin_hosts", []), *options.admin_hosts]


def _limit(text: str) -> dict[str, Any]:
    """`KIND:VALUES@ROUTE,per=…`; a table of TOML may be a rule itself."""
    limit, criteria = read_form(text, LIMITS, LIMITS)
    return {"limit": limit, **criteria} if criteria else limit


def _fault(text: str) -> dict[str, Any]:
    """`KIND:VALUES@ROUTE,CRITERIA`; a table of TOML may be a rule itself."""
    fault, criteria = read_form(text, FAULT_KINDS, DISTRIBUTIONS)
    if not criteria:
        return fault
    name = {"name": criteria.pop("name")} if "name" in criteria else {}
    return {"fault": fault, "when": criteria, **name}
