"""Reading and changing a running mock: by methods, by routes, and on a page."""

from mockserver._serving.control.control import Control, State
from mockserver._serving.control.snapshots import Snapshot

__all__ = ["Control", "Snapshot", "State"]
