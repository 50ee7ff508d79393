"""Tests of `legnext_stream.core.results`."""
