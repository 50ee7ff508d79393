"""Tests of the mock server, a file for each of its modules."""
