"""What was asked of the mock, and how it was answered."""

from mockserver.journal.journal import Journal
from mockserver.journal.record import RequestRecord
from mockserver.journal.requests import Criteria, Requests, Unmatched

__all__ = ["Criteria", "Journal", "RequestRecord", "Requests", "Unmatched"]
