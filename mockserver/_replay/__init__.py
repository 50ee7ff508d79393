"""Recording real traffic as a transcript, and replaying a transcript as a mock."""

from mockserver._replay.lives import RecordedJob
from mockserver._replay.playback import replaying
from mockserver._replay.reading import jobs_of, scripts_of
from mockserver._replay.recorder import Recorder
from mockserver._replay.transcript import Exchange, Transcript, TranscriptError, read_transcript

__all__ = [
    "Exchange",
    "RecordedJob",
    "Recorder",
    "Transcript",
    "TranscriptError",
    "jobs_of",
    "read_transcript",
    "replaying",
    "scripts_of",
]
