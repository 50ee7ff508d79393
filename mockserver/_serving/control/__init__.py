"""What can be done to a running mock, and read of it: as methods, as routes, and as a page."""

from mockserver._serving.control.control import Control, State
from mockserver._serving.control.snapshots import Snapshot

__all__ = ["Control", "Snapshot", "State"]
