"""Tests of `legnext_stream._results`."""
