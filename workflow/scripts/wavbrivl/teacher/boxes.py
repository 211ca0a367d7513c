"""A detector's regions of stored frames, as BriVL's first release was trained on them.

A file a media shard, `<shard>.jsonl`, one line a frame: `{"clip_id": ..., "frame": 0, "boxes": [[left, top,
right, bottom], ...]}` in pixels of the stored square frame, best first.
"""

import json
from pathlib import Path

import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.files import sha256_of

COUNT = 36
"""Boxes that count of each frame; the whole image comes after them."""


class Boxes:
    """The regions of one shard's frames.

    Args:
        path: the shard's file.
        source: side of the stored frames in pixels.

    Raises:
        UserError: the file is missing, or a line is not as it should be.
    """

    def __init__(self, path: Path, source: int) -> None:
        self.path, self.source = path, source
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"teacher.boxes: {path} cannot be read ({error})") from None
        self.digest = sha256_of(path)
        self._found = dict(self._read(number, line) for number, line in enumerate(lines, start=1) if line)

    def of(self, clip_id: str, frame: int, side: int) -> np.ndarray:
        """The regions of one frame, in pixels of a square of `side`: float32 [37, 4], the whole image last;
        rows of zeros fill up where the detector found fewer.

        Raises:
            UserError: the file does not have this frame.
        """
        if (clip_id, frame) not in self._found:
            raise UserError(f"teacher.boxes: {self.path} has no line for frame {frame} of clip {clip_id}")
        regions = np.zeros((COUNT + 1, 4), dtype=np.float32)
        boxes = self._found[clip_id, frame][:COUNT]
        regions[: len(boxes)] = boxes * (side / self.source)
        regions[-1] = (0, 0, side, side)
        return regions

    def _read(self, number: int, line: str) -> tuple[tuple[str, int], np.ndarray]:
        try:
            values = json.loads(line)
            boxes = np.array(values["boxes"], dtype=np.float32).reshape(-1, 4)
            key = str(values["clip_id"]), int(values["frame"])
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"teacher.boxes: {self.path}, line {number} is not a frame's boxes ({error!r})"
            ) from None
        inside = (boxes >= 0).all() and (boxes <= self.source).all()
        if not inside or not (boxes[:, :2] < boxes[:, 2:]).all():
            raise UserError(
                f"teacher.boxes: {self.path}, line {number}: left < right and top < bottom, within "
                f"0 to {self.source}, is not so for every box"
            )
        return key, boxes
