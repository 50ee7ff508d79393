"""The wire: what goes out, what comes back, and the connections it goes by. Alone to speak httpx.

`outgoing` writes requests, `lanes` carries them, each on a connection that is its own, `incoming`
reads what comes back, within bounds, and `http2` is what the newer protocol takes. `files` fetches
results from other hosts, and `carriers` are what both open their connections with.
"""

from legnext_stream._http.lanes import Lanes
from legnext_stream._http.requests import Request, parse_base_url

__all__ = ["Lanes", "Request", "parse_base_url"]
