"""A stand-in for the Legnext service: simulated jobs behind real HTTP.

For a test or a program, `MockLegnext`; as a process, the command `legnext-mock`. With the package
comes a pytest plugin with the fixture `legnext_mock`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mockserver.journal import Journal, RequestRecord
    from mockserver.mock import MockLegnext
    from mockserver.virtual import run_virtual
    from mockserver.world import (
        Change,
        Concurrency,
        Failure,
        Fixed,
        FixedWindow,
        JobChange,
        Limit,
        Lognormal,
        PerType,
        Run,
        Scheduled,
        Script,
        SlidingWindow,
        Start,
        Step,
        TokenBucket,
        Truth,
        Uniform,
        World,
    )

__all__ = [
    "Change",
    "Concurrency",
    "Failure",
    "Fixed",
    "FixedWindow",
    "JobChange",
    "Journal",
    "Limit",
    "Lognormal",
    "MockLegnext",
    "PerType",
    "RequestRecord",
    "Run",
    "Scheduled",
    "Script",
    "SlidingWindow",
    "Start",
    "Step",
    "TokenBucket",
    "Truth",
    "Uniform",
    "World",
    "run_virtual",
]

_ELSEWHERE: Final = {
    "Journal": "mockserver.journal",
    "RequestRecord": "mockserver.journal",
    "MockLegnext": "mockserver.mock",
    "run_virtual": "mockserver.virtual",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used.

    pytest imports this package to load the plugin, in every project in whose environment it is
    installed, also where the servers that the mock needs are not.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_ELSEWHERE.get(name, "mockserver.world")), name)
    globals()[name] = value
    return value
