"""What the library costs: requests, memory, CPU and time. `python -m benchmarks.performance`."""

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
"""The modules that measure something, in the order of the page."""
