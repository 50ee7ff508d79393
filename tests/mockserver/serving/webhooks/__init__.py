"""Tests of what the mock tells by itself."""
