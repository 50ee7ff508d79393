"""The files that jobs make: small and playable, different for each job, and always the same bytes.

`content_of` gives the bytes of a result, `png` writes images, and `ranges` reads `Range` headers.
"""

from mockserver._files.contents import FileContent, content_of
from mockserver._files.ranges import Part, part_for

__all__ = ["FileContent", "Part", "content_of", "part_for"]
