"""The documentation: a Sphinx site, and the commands that write some of its pictures."""
