"""Tests of `legnext_stream.results`."""
