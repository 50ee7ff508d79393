"""HTTP: requests, responses and connections. The only package that uses httpx.

`requests` builds requests; `lanes` sends them, each lane on its own connection; `responses` reads the
answers, within bounds; `http2` has what HTTP/2 needs. `files` downloads results from other hosts, and
`transports` opens the connections of both.
"""

from legnext_stream._http.lanes import Lanes
from legnext_stream._http.requests import Request, parse_base_url

__all__ = ["Lanes", "Request", "parse_base_url"]
