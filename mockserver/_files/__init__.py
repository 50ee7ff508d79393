"""The files that jobs make: small and playable, different for each job, and always the same bytes.

`content_of` gives the bytes of a result, `png` writes images, and `ranges` reads `Range` headers.
"""

from mockserver._files.contents import content_of
from mockserver._files.ranges import part_for

__all__ = ["content_of", "part_for"]
