"""Every polling policy in every world, in virtual time: `python -m benchmarks`."""
