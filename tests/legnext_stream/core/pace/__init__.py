"""Tests of the pace: how fast to ask."""
