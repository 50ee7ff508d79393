"""Which job to poll, and when: the price rule, learned run times, and the order of waiting jobs."""

from legnext_stream._core.schedule.schedule import Schedule

__all__ = ["Schedule"]
