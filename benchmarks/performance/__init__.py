"""What the library itself costs: requests, memory, CPU, time. `python -m benchmarks.performance`."""

from typing import Final

SUBJECTS: Final[tuple[str, ...]] = (
    "requests",
    "core",
    "memory",
    "intake",
    "latency",
    "fairness",
    "imports",
    "full_stack",
    "instructions",
)
"""The modules of this package that measure something, in the order of the page."""
