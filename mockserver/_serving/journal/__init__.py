"""The journal: requests and how they were answered."""

from mockserver._serving.journal.journal import Journal
from mockserver._serving.journal.record import RequestRecord
from mockserver._serving.journal.requests import Requests

__all__ = ["Journal", "RequestRecord", "Requests"]
