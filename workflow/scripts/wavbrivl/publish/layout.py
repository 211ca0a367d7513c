"""Which rows and columns the tables have: data, so that a new task or encoder is a line here."""

from dataclasses import dataclass

NO_WEIGHTS = "not measured: weights not configured"
NO_MODEL = "not measured: the best of several other systems, not one model"
NOT_IN_RUN = "not measured: not part of this run"


@dataclass(frozen=True)
class Column:
    """A measured quantity of Table 2.

    Attributes:
        key: the column in `published.csv`.
        title: heading.
        task: task of the metrics file; `zero_shot` the one of zero-shot rows, where there is one.
        metric: metric in that file.
    """

    key: str
    title: str
    task: str
    metric: str
    zero_shot: str | None = None


@dataclass(frozen=True)
class Row:
    """A model of Table 2.

    Attributes:
        title: heading.
        published: the row in `published.csv`, or None where the paper has none.
        encoder: the encoder of the metrics files, or None where there is no model to measure.
        absent: why there is no number where the encoder has no metrics file.
        zero_shot: whether its numbers are those of the zero-shot tasks.
    """

    title: str
    published: str | None
    encoder: str | None
    absent: str = NOT_IN_RUN
    zero_shot: bool = False


@dataclass(frozen=True)
class TaskRow:
    """A dataset and task of Table 1: its row in `published.csv` and the tasks that measure it."""

    published: str
    dataset: str
    tasks: tuple[str, ...]


TABLE1 = (
    TaskRow("ESC-50 MC/ZS", "ESC-50", ("esc50", "esc50_zeroshot")),
    TaskRow("UrbanSound8K MC/ZS", "UrbanSound8K", ("urbansound8k", "urbansound8k_zeroshot")),
    TaskRow("VGGSound MC/ZS", "VGG-Sound", ("vggsound", "vggsound_zeroshot")),
    TaskRow("DESED AR", "DESED", ("desed",)),
    TaskRow("VGGSound CMR", "VGG-Sound", ("vggsound_retrieval",)),
    TaskRow("Clotho AC", "Clotho", ("clotho_captioning", "clotho_retrieval")),
)

TABLE2_COLUMNS = (
    Column("esc50_accuracy", "ESC-50 ACC", "esc50", "accuracy", "esc50_zeroshot"),
    Column("urbansound8k_accuracy", "UrbanSound8K ACC", "urbansound8k", "accuracy", "urbansound8k_zeroshot"),
    Column("vggsound_map", "VGG-Sound mAP", "vggsound", "map", "vggsound_zeroshot"),
    Column("desed_f1", "DESED F1", "desed", "segment_f1_macro"),
    Column("mrr_audio_to_image", "A→I MRR", "vggsound_retrieval", "mrr_audio_to_image"),
    Column("mrr_image_to_audio", "I→A MRR", "vggsound_retrieval", "mrr_image_to_audio"),
)

TABLE2_ROWS = (
    Row("Supervise", "Supervise", "supervised"),
    Row("OpenL3", "OpenL3", "openl3", NO_WEIGHTS),
    Row("Wav2CLIP", "Wav2CLIP", "wav2clip", NO_WEIGHTS),
    Row("WavBriVL", "WavBriVL", "wavbrivl"),
    Row("SOTA", "SOTA", None, NO_MODEL),
    Row("WavBriVL (ZS)", "WavBriVL (ZS)", "wavbrivl", zero_shot=True),
    Row("Random weights", None, "random"),
    Row("Log-mel statistics", None, "logmel"),
)
