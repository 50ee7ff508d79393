"""From prompts to jobs to files: submits a batch while the engine watches it.

`opening` makes the stream. `extension` connects the rest to the watch: `intake` brings prompts in,
`submitter` submits them, and `batch` is what they all know of the batch.
"""

from legnext_stream._generate.intake import Prompts
from legnext_stream._generate.opening import generate
from legnext_stream._generate.submitter import IfUnknown

__all__ = ["IfUnknown", "Prompts", "generate"]
