"""Recording real traffic, and replaying it: transcripts, event logs, and mocks made of them."""

from mockserver.replay.event_log import EventLogError, read_event_log
from mockserver.replay.lives import RecordedJob
from mockserver.replay.playback import replaying
from mockserver.replay.reading import jobs_of, scripts_of
from mockserver.replay.recorder import Recorder
from mockserver.replay.resending import resend
from mockserver.replay.transcript import Exchange, Transcript, TranscriptError, read_transcript

__all__ = [
    "EventLogError",
    "Exchange",
    "RecordedJob",
    "Recorder",
    "Transcript",
    "TranscriptError",
    "jobs_of",
    "read_event_log",
    "read_transcript",
    "replaying",
    "resend",
    "scripts_of",
]
