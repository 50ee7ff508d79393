"""From prompts to jobs to files: submits a batch while the engine watches it.

`extension` connects the rest to the watch: `intake` brings prompts in, `submitter` submits them, and
`batch` is what they all know of the batch.
"""

from legnext_stream._generate.extension import PromptsExtension
from legnext_stream._generate.intake import Prompts, Tagged, Texts
from legnext_stream._generate.submitter import IfUnknown, SubmitSettings

__all__ = ["IfUnknown", "Prompts", "PromptsExtension", "SubmitSettings", "Tagged", "Texts"]
