"""Recording real traffic, and replaying it: transcripts, event logs, and mocks made of them."""

from mockserver._replay.event_log import EventLogError, read_event_log
from mockserver._replay.lives import RecordedJob
from mockserver._replay.playback import replaying
from mockserver._replay.reading import jobs_of, scripts_of
from mockserver._replay.recorder import Recorder
from mockserver._replay.resending import resend
from mockserver._replay.transcript import Exchange, Transcript, TranscriptError, read_transcript

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
