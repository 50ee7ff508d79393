"""The simulated account: pure functions of a seed, a script and the time.

`world` is the account. Its jobs are described in `tasks`, `scripts`, `durations`, `failures` and
`presets`, the limits on requests in `limits` and `limit_rules`.
"""
