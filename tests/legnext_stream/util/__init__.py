"""Tests of `legnext_stream._util`."""
