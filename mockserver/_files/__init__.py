"""The files that jobs make: small, real, another for each job and number, and always the same. Pure.

`content_of` gives a result's bytes: `png` writes images, `mp4` videos whose frames `h264` packs, and
`ranges` says which part of a file a request is for.
"""

from mockserver._files.contents import FileContent, content_of
from mockserver._files.ranges import Part, part_for

__all__ = ["FileContent", "Part", "content_of", "part_for"]
