"""Tests of `legnext_stream._report`."""
