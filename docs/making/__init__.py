"""Sphinx extensions, and commands that generate parts of the documentation."""
