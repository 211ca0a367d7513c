"""The splits of Clotho as one encoder hears them."""

from dataclasses import dataclass
from pathlib import Path

from wavbrivl.config.captions import CLOTHO_SPLITS
from wavbrivl.evaluate.captions.clotho import Captioned, Split, read_split
from wavbrivl.evaluate.encoders import Encoder
from wavbrivl.evaluate.result import Part, part_of
from wavbrivl.evaluate.sounds import Framed, frame_sounds


@dataclass(frozen=True)
class Listened:
    """One split: its sounds that could be read, as frames and as one embedding each."""

    split: Split
    encoder: str
    framed: Framed

    @property
    def clips(self) -> list[Captioned]:
        return [self.split.clips[i] for i in self.framed.kept]

    @property
    def captions(self) -> list[tuple[str, ...]]:
        return [clip.captions for clip in self.clips]

    @property
    def groups(self) -> list[str]:
        """Source recording of each sound."""
        return [clip.sound.group for clip in self.clips]

    def facts(self) -> dict:
        """How many sounds there are, and why the others are not."""
        coverage = self.part.coverage
        return {"sounds": coverage.found, "left_out": coverage.missing}

    @property
    def part(self) -> Part:
        """The same, with every sound that was left out."""
        return part_of(len(self.split.clips), self.framed.exclusions)


def read_clotho(folder: Path) -> dict[str, Split]:
    """The three splits by name.

    Raises:
        UserError: as `clotho.read_split`.
    """
    return {name: read_split(folder, name) for name in CLOTHO_SPLITS}


def listen(
    splits: dict[str, Split], encoder: Encoder, hop_seconds: float, batch_size: int
) -> dict[str, Listened]:
    """Read and embed every sound once.

    Raises:
        UserError: a split of which no sound can be read.
    """
    found = {}
    for name, split in splits.items():
        what = f"Clotho {name} sounds"
        framed = frame_sounds(split.sounds, encoder, hop_seconds, batch_size, what, embed=True)
        found[name] = Listened(split, encoder.name, framed)
    return found
