"""Decisions. Pure: no Trio, no HTTP, no clock, no I/O; the time is always an argument."""
