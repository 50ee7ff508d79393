"""Tests of the schedule: which job to poll, and when."""
