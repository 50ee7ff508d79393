"""Whom to ask, and when: learned run times, the line of those that wait, and the price rule."""

from legnext_stream._core.schedule.schedule import Schedule

__all__ = ["Schedule"]
