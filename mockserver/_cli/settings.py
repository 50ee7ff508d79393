"""From the options of the command line to a scenario."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from mockserver._cli.options import Options, slots_in
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
from mockserver._scenario import Scenario, ScenarioError, read_scenario
from mockserver._world.durations import Distribution
from mockserver._world.limits import Limit


def _kinds(classes: Iterable[type]) -> Kinds:
    return {kind_of(cls): cls for cls in classes}


DISTRIBUTIONS: Final = _kinds(FAMILIES[Distribution])
LIMITS: Final = _kinds(FAMILIES[Limit])
FAULT_KINDS: Final = _kinds(FAULTS)


class UsageError(ValueError):
    """An option is wrong; each line of the message has a problem."""


def scenario_of(options: Options) -> Scenario:
    """The scenario that the options describe.

    Raises:
        UsageError: An option or the scenario's file is wrong, or the file can't be read.
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
    """Replace the settings of the file that have one value."""
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
        raise UsageError("--burst needs a --rate: it is how many requests may come at once")


def _add(data: dict[str, Any], options: Options) -> None:
    """Extend the settings of the file that have several values."""
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
    """A limit from `KIND:VALUES@ROUTE,per=…`; a table of TOML may be a rule itself."""
    limit, criteria = read_form(text, LIMITS, LIMITS)
    return {"limit": limit, **criteria} if criteria else limit


def _fault(text: str) -> dict[str, Any]:
    """A fault from `KIND:VALUES@ROUTE,CRITERIA`; a table of TOML may be a rule itself."""
    fault, criteria = read_form(text, FAULT_KINDS, DISTRIBUTIONS)
    if not criteria:
        return fault
    name = {"name": criteria.pop("name")} if "name" in criteria else {}
    return {"fault": fault, "when": criteria, **name}
