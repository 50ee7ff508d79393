"""Tests of settings as plain data."""
