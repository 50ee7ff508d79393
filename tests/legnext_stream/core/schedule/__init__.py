"""Tests of the schedule: whom to ask, and when."""
