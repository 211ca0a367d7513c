"""A training as plain values: what a job hands to the processes that train together."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wavbrivl.config.models import AudioEncoderConfig, TrainingConfig
from wavbrivl.files import read_json, write_json
from wavbrivl.shards.reader import MediaShards
from wavbrivl.train.loop import train_encoder


@dataclass(frozen=True)
class Task:
    """Everything that `train_encoder` needs, fit for JSON.

    media: paths of the media shards, by split ("train", "validation"). embeddings: matrix and table
    of each split. audio_encoder, training: the sections of the configuration. readers: threads that
    read ahead in each process. The rest as in `train_encoder`.
    """

    media: dict[str, list[str]]
    embeddings: dict[str, list[str]]
    audio_encoder: dict[str, Any]
    training: dict[str, Any]
    out: str
    seed: int
    teacher: dict[str, Any]
    revision: str
    readers: int = 1

    @classmethod
    def of_job(cls, job: Any, out: Path) -> "Task":
        """The training of a rule whose inputs and params are those of `train_audio_encoder`."""
        media, params = Path(job.input.media[0]).parent, job.params
        pairs = zip(job.input.matrices, job.input.rows, strict=True)
        return cls(
            media={s: [str(media / f"{name}.tar") for name in params.shards[s]] for s in params.shards},
            embeddings={s: list(pair) for s, pair in zip(params.shards, pairs, strict=True)},
            audio_encoder=params.audio_encoder,
            training=params.training,
            out=str(out),
            seed=params.seed,
            teacher=params.teacher,
            revision=params.revision,
            readers=max(1, job.threads // max(1, job.resources.get("gpu", 1)) - 1),
        )

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        write_json(path, dataclasses.asdict(self))

    @classmethod
    def read(cls, path: Path) -> "Task":
        """What `write` wrote."""
        return cls(**read_json(path))

    def run(self) -> None:
        """Train, alone or as one process of several; errors as in `train_encoder`."""
        matrices = {split: (Path(matrix), Path(rows)) for split, (matrix, rows) in self.embeddings.items()}
        train_encoder(
            train=MediaShards([Path(path) for path in self.media["train"]]),
            validation=MediaShards([Path(path) for path in self.media["validation"]]),
            embeddings=matrices,
            audio=AudioEncoderConfig(**self.audio_encoder),
            config=TrainingConfig(**self.training),
            out=Path(self.out),
            seed=self.seed,
            teacher=self.teacher,
            revision=self.revision,
            readers=self.readers,
        )
