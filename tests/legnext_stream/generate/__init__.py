"""Tests of generating: from prompts to jobs to files."""
