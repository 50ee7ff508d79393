"""Tests of the control of a running mock."""
