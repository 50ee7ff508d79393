"""Tests of the decisions: no I/O, no clock, each time is an argument."""
