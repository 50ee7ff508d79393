"""Tests of `legnext_stream._engine`."""
