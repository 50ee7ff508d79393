"""Tests of the simulated account."""
