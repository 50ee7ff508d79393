"""Metrics and traces of an account and its watches, with OpenTelemetry's API package alone.

`recording` has what a caller says, and joins the rest: `requests` makes a span and a duration of
each request, by the semantic conventions for HTTP clients; `metrics` counts what the watches of a client
count; `jobs` makes a span for each job.
"""

from legnext_stream._telemetry.recording import Recording, Telemetry

__all__ = ["Recording", "Telemetry"]
