"""Tests of the strategies: what they generate, and what it shrinks to."""
