"""What was asked of the mock, and how it was answered."""

from mockserver.journal.requests import Journal, RequestRecord

__all__ = ["Journal", "RequestRecord"]
