"""Watching the watcher: metrics and traces by OpenTelemetry, through its API package alone.

`requests` has a span and a duration for each request, by the semantic conventions of HTTP clients;
`numbers` what the watches of a client count; `jobs` a span for each job. `follower` joins them, and
`settings` is what a caller says.
"""

from legnext_stream._telemetry.settings import Telemetry

__all__ = ["Telemetry"]
