"""From options to a scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mockserver import Account, Failures, Lognormal, Quirks, Rule, Status, TokenBucket, When
from mockserver._api.hints import Hints
from mockserver._api.moderation import Moderation
from mockserver._cli.options import Options
from mockserver._cli.settings import UsageError, scenario_of
from mockserver._faults.http import Delay, Redirect
from mockserver._scenario import Jobs, Scenario
from mockserver._serving.webhooks import WebhookSettings
from mockserver._world.durations import Fixed, Uniform
from mockserver._world.limit_rules import LimitRule
from mockserver._world.limits import Concurrency, SlidingWindow

FILE = """
seed = 5
failures = { submit = 0.5 }
priorities = { pan = 1 }
account = { points = 7 }
moderation = { words = ["one"] }
quirks = { logs = "strings" }
webhooks = { lost_share = 0.5 }
hints = { retry_after = "date" }
admin_hosts = ["mock"]
limit = [{ kind = "token-bucket", rate = 1 }]
faults = [{ kind = "status", code = 500 }]
jobs = [{ count = 2 }]
"""


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({}, {}),
        (
            {"seed": 7, "order": "random", "time_scale": 2.0},
            {"seed": 7, "order": "random", "time_scale": 2.0},
        ),
        ({"slots": "6"}, {"slots": 6}),
        ({"slots": "unlimited"}, {"slots": None}),
        ({"slots": "reject@6"}, {"slots": "reject@6"}),
        ({"run_times": "relax"}, {"run_times": "relax"}),
        ({"run_times": "40"}, {"run_times": Fixed(40)}),
        ({"run_times": "lognormal:45,0.3"}, {"run_times": Lognormal(45, 0.3)}),
        ({"failure_share": 0.5}, {"failure_share": 0.5}),
        (
            {"failures": ["timeout=0.5", "submit=0.1"]},
            {"failures": Failures(timeout=0.5, submit=0.1)},
        ),
        ({"priorities": ["upload-paint=3"]}, {"priorities": {"upload-paint": 3}}),
        ({"account": ["points=3", "limited=true"]}, {"account": Account(points=3, limited=True)}),
        ({"jobs": 4}, {"jobs": (Jobs(count=4),)}),
        ({"rate": 2.0}, {"limit": (TokenBucket(2.0, 1),)}),
        ({"rate": 2.0, "burst": 5}, {"limit": (TokenBucket(2.0, 5),)}),
        (
            {"limits": ["concurrency:3", "sliding-window:9,60@submit,per=key"], "rate": 1.0},
            {
                "limit": (
                    Concurrency(3),
                    LimitRule(SlidingWindow(9, 60), "key", "submit"),
                    TokenBucket(1.0),
                )
            },
        ),
        (
            {"retry_after": "date", "rate_limit_fields": ["draft", "x"]},
            {"hints": Hints("date", ("draft", "x"))},
        ),
        ({"latency": "0.5"}, {"latency": 0.5}),
        ({"latency": "uniform(1,2)"}, {"latency": Uniform(1, 2)}),
        ({"faults": ["status:503"]}, {"faults": (Status(503),)}),
        (
            {"faults": ["status:503@job,every=10,name=busy", "delay:uniform(0,5)@probability=0.5"]},
            {
                "faults": (
                    Rule(Status(503), When(route="job", every=10), "busy"),
                    Rule(Delay(Uniform(0, 5)), When(probability=0.5)),
                )
            },
        ),
        (
            {"faults": ["{fault = {kind = 'redirect', status = 307}, when = {nth = 2}}"]},
            {"faults": (Rule(Redirect(status=307), When(nth=2)),)},
        ),
        (
            {"quirks": ["error_body=nested", "get-without-key=true"]},
            {"quirks": Quirks(error_body="nested", get_without_key=True)},
        ),
        ({"moderated": ["war"]}, {"moderation": Moderation(("war",))}),
        ({"webhooks": ["lost_share=0.1"]}, {"webhooks": WebhookSettings(lost_share=0.1)}),
        ({"admin": False, "admin_hosts": ["box"]}, {"admin": False, "admin_hosts": ("box",)}),
    ],
)
def test_what_options_mean(options: dict[str, Any], settings: dict[str, Any]) -> None:
    """Each option sets a setting of the scenario."""
    assert scenario_of(Options(**options)) == Scenario(**settings)


def test_options_go_over_a_file(tmp_path: Path) -> None:
    """Options replace single settings and limits of the file, and extend its lists."""
    path = tmp_path / "base.toml"
    path.write_text(FILE)
    assert scenario_of(Options(scenario=path)).seed == 5
    scenario = scenario_of(
        Options(
            scenario=path,
            seed=7,
            failures=("timeout=0.25",),
            priorities=("edit=2",),
            account=("credits=1",),
            moderated=("two",),
            quirks=("error_body=job",),
            webhooks=("keep=5",),
            rate_limit_fields=("x",),
            admin_hosts=("box",),
            rate=9.0,
            faults=("stale",),
            jobs=1,
        )
    )
    assert scenario.seed == 7
    assert scenario.failures == Failures(submit=0.5, timeout=0.25)
    assert scenario.priorities == {"pan": 1, "edit": 2}
    assert scenario.account == Account(points=7, credits=1)
    assert scenario.moderation == Moderation(("one", "two"))
    assert scenario.quirks == Quirks(logs="strings", error_body="job")
    assert scenario.webhooks == WebhookSettings(lost_share=0.5, keep=5)
    assert scenario.hints == Hints("date", ("x",))
    assert scenario.admin_hosts == ("mock", "box")
    assert scenario.limit == (TokenBucket(9.0),)
    assert len(scenario.faults) == 2
    assert [jobs.count for jobs in scenario.jobs] == [2, 1]
    by_share = scenario_of(Options(scenario=path, failure_share=0.1))
    assert (by_share.failure_share, by_share.failures) == (0.1, None)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"faults": ["statu:5"]}, "there is no kind 'statu'; is 'status' meant?"),
        ({"faults": ["status:x"]}, "faults[0].code must be an integer, not 'x'"),
        ({"limits": ["token-bucket:-1"]}, "limit[0]"),
        ({"quirks": ["error_body"]}, "'error_body' is not of the form NAME=VALUE"),
        ({"quirks": ["error_body=x"]}, "quirks.error_body must be one of"),
        ({"run_times": "slow"}, "run_times must be"),
        ({"burst": 3}, "--burst needs a --rate: it is how many requests may come at once"),
        ({"account": ["points=-1"]}, "account"),
        ({"scenario": Path("nowhere.toml")}, "can't read nowhere.toml: No such file or directory"),
    ],
)
def test_what_is_wrong_is_said(options: dict[str, Any], problem: str) -> None:
    """A wrong option gets a message with its name and what it must be."""
    with pytest.raises(UsageError) as raised:
        scenario_of(Options(**options))
    assert problem in str(raised.value)


def test_a_wrong_file_is_said_so(tmp_path: Path) -> None:
    """Problems in the scenario's file are reported with its name and their place."""
    path = tmp_path / "base.toml"
    path.write_text("seed = 'x'")
    with pytest.raises(UsageError, match=r"base\.toml: seed must be an integer"):
        scenario_of(Options(scenario=path))
