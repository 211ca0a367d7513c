"""Drawings and clips made up for tests: shapes whose place and colour are the class."""

from dataclasses import dataclass

import numpy as np

from wavbrivl.generate.drawings import Drawings, Drawn

LABELS = ("ball bouncing", "bell ringing", "rain <b>cloud</b> pouring", 'car "humming"')


@dataclass(frozen=True)
class FakeClip:
    clip_id: str
    video_id: str
    label: str


def clips(count: int, labels: tuple[str, ...] = LABELS) -> list[FakeClip]:
    """Clips of videos of two clips each, the labels in turn."""
    rows = []
    for i in range(count):
        video, start = f"video{i // 2:06d}", 2000 * (i % 2)
        rows.append(FakeClip(f"{video}_{start}_{start + 2000}", video, labels[i % len(labels)]))
    return rows


def picture(label: int, seed: int, side: int = 64) -> np.ndarray:
    """A bright square whose corner is the class, on noise: uint8 [side, side, 3]."""
    random = np.random.default_rng(seed)
    image = random.integers(0, 60, (side, side, 3))
    half = side // 2
    top, left = divmod(label % 4, 2)
    image[top * half : top * half + half, left * half : left * half + half] += random.integers(100, 190, 3)
    return image.astype(np.uint8)


def drawings(count: int, repeats: int = 1, labels: tuple[str, ...] = LABELS, right: float = 1.0) -> Drawings:
    """Pictures of clips; a share of them shows the item's own class, the others the next one."""
    rows, images = [], []
    random = np.random.default_rng(3)
    for i, clip in enumerate(clips(count, labels)):
        for repeat in range(repeats):
            shown = i if random.uniform() < right else i + 1
            images.append(picture(shown % len(labels), 100 * i + repeat))
            seed = 7 + repeat
            rows.append(Drawn(clip.clip_id, clip.label, "audio", seed, 0.5, clip.clip_id, clip.label))
    return Drawings(np.stack(images), rows)


def tone(name: str) -> np.ndarray:
    """Half a second of a tone at 16 kHz, whose pitch depends on the name."""
    pitch = 300 + sum(name.encode()) % 700
    return (0.3 * np.sin(2 * np.pi * pitch * np.arange(8000) / 16000)).astype(np.float32)
