"""From prompts to jobs to files: what submits a batch while the engine watches it.

`intake` brings prompts in, `submitter` submits them, `batch` knows whose job is whose, and `opening` makes
the stream of what a caller says (`terms`).
"""

from legnext_stream._generate.batch import Batch
from legnext_stream._generate.intake import Prompts
from legnext_stream._generate.opening import generate
from legnext_stream._generate.terms import IfUnknown

__all__ = ["Batch", "IfUnknown", "Prompts", "generate"]
