"""Which rows and columns the tables have: data, so that a new task or encoder is a line here."""

from collections.abc import Iterable
from dataclasses import dataclass

from wavbrivl.evaluate.kinds import CAPTION_FREQUENCY, SUPERVISED

CAPTIONS_ONLY = "not measured: one caption for all sounds is a baseline of captioning only"
NO_MODEL = "not measured: the best of several other systems, not one model"
NOT_IN_RUN = "not measured: not part of this run"
NOT_SUPERVISED = "not measured: training from scratch is a baseline of the classification tasks only"
NO_ZERO_SHOT = "not measured: zero-shot is not defined for this task"
NO_SEARCH = (
    "trained end to end with the configured steps and rate (evaluate.supervised) and no search; the head of "
    "the other rows has its learning rate searched on validation items"
)


@dataclass(frozen=True)
class Column:
    """A measured quantity of Table 2.

    Attributes:
        key: the column in `published.csv`, where the paper has it.
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
        only: the tasks that it can be measured on at all; empty: any.
        remark: how it differs from the other rows.
    """

    title: str
    published: str | None
    encoder: str | None
    absent: str = NOT_IN_RUN
    zero_shot: bool = False
    only: tuple[str, ...] = ()
    remark: str = ""

    def may_have(self, task: str | None) -> bool:
        """Whether a number of this task could stand in the row."""
        return not self.only or task in self.only


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
"""The columns of the paper's Table 2."""

FURTHER_COLUMNS = (
    Column("vggsound_accuracy", "VGG-Sound ACC", "vggsound", "accuracy", "vggsound_zeroshot"),
    Column("desed_event_f1", "DESED event F1", "desed", "event_f1_macro"),
    Column("clotho_bleu_4", "Clotho BLEU-4", "clotho_captioning", "bleu_4"),
    Column("clotho_meteor", "Clotho METEOR", "clotho_captioning", "meteor"),
    Column("clotho_rouge_l", "Clotho ROUGE-L", "clotho_captioning", "rouge_l"),
    Column("clotho_cider", "Clotho CIDEr", "clotho_captioning", "cider"),
    Column("clotho_spider", "Clotho SPIDEr", "clotho_captioning", "spider"),
    Column("clotho_text_to_audio", "Clotho T→A mAP@10", "clotho_retrieval", "map_at_10_text_to_audio"),
    Column("clotho_audio_to_text", "Clotho A→T mAP@10", "clotho_retrieval", "map_at_10_audio_to_text"),
)
"""What is measured beside them; the paper's Table 1 names captioning, and no table prints its numbers."""

TABLE2_ROWS = (
    Row("Supervise", "Supervise", SUPERVISED, remark=NO_SEARCH),
    Row("OpenL3", "OpenL3", "openl3"),
    Row("Wav2CLIP", "Wav2CLIP", "wav2clip"),
    Row("WavBriVL", "WavBriVL", "wavbrivl"),
    Row("SOTA", "SOTA", None, NO_MODEL),
    Row("WavBriVL (ZS)", "WavBriVL (ZS)", "wavbrivl", zero_shot=True),
    Row("Random weights", None, "random"),
    Row("Log-mel statistics", None, "logmel"),
)

ONE_CAPTION = Row("One caption for all", None, CAPTION_FREQUENCY, CAPTIONS_ONLY, only=("clotho_captioning",))
"""Stands among the rows where captions were written."""


def all_rows(encoders: Iterable[str]) -> tuple[Row, ...]:
    """The rows of the layout, and one for every further encoder of a run."""
    known = {row.encoder for row in TABLE2_ROWS}
    further = [name for name in dict.fromkeys(encoders) if name not in known]
    return (
        *TABLE2_ROWS,
        *(ONE_CAPTION if name == CAPTION_FREQUENCY else Row(name, None, name) for name in further),
    )
