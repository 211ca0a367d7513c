"""The model card: what the encoder is, what it learned from, how well it does, what its limits are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wavbrivl.corpus.ledger import coverage
from wavbrivl.evaluate.places import TRAINED
from wavbrivl.evaluate.result import Metric, Result, read_result
from wavbrivl.files import read_json, write_text
from wavbrivl.safetensors_header import read_header
from wavbrivl.train.best import best_facts
from wavbrivl.train.deviations import deviations, read_settings
from wavbrivl.train.provenance import backbone_facts, described

LIMITS = (
    "One embedding stands for one scene: overlapping events are not told apart.",
    "It knows what its training clips and its teacher knew; biases of both are kept.",
    "Cosines rank; they are no probabilities, and are not comparable between teachers.",
)
DEAF = "The encoder hardly hears loudness: the norms inside WavLM remove it."
"""Of an encoder without the loudness feature."""


@dataclass(frozen=True)
class Provenance:
    """Everything about a model that its own files do not tell.

    Attributes:
        run: name of the run.
        seed: that decided its weights.
        corpus, teacher, backbone: facts in words, licences among them (`wavbrivl.train.provenance`).
        deviations: from the paper, a sentence each.
        coverage: clips expected, found and missing by cause.
        results: what was measured; empty before the evaluations.
    """

    run: str
    seed: int
    corpus: Mapping[str, Any]
    teacher: Mapping[str, Any]
    backbone: Mapping[str, Any]
    deviations: Sequence[str]
    coverage: Mapping[str, Any]
    results: Sequence[Result] = field(default=())


def gather(
    facts: Mapping[str, Any],
    teacher: Path,
    ledgers: Sequence[Path],
    metrics: Iterable[Path] = (),
    chosen: Path | str | None = None,
) -> Provenance:
    """Put together what a job is told.

    Args:
        facts: run, seed, corpus, teacher, and settings (`wavbrivl.train.deviations.deciding`).
        teacher: the teacher's folder, which tells more.
        ledgers: of the training and validation shards.
        metrics: metrics files.
        chosen: the grid search's chosen.json, if there was one: its point is what is described.

    Raises:
        UserError: a file that is no ledger or no metrics file.
    """
    settings = read_settings(facts["settings"], chosen)
    return Provenance(
        run=facts["run"],
        seed=facts["seed"],
        corpus=facts["corpus"],
        teacher={**facts["teacher"], **described(teacher)},
        backbone=backbone_facts(settings.audio_encoder.wavlm),
        deviations=deviations(settings),
        coverage=coverage(ledgers),
        results=[read_result(path) for path in metrics],
    )


def write_card(path: Path, model: Path, best: Path, provenance: Provenance) -> None:
    """Write the card of an exported model.

    Args:
        path: of the Markdown file.
        model: folder with config.json and model.safetensors.
        best: best.safetensors of the training, which carries when it was best.
        provenance: the rest.
    """
    config = read_json(model / "config.json")
    values = read_header(model / "model.safetensors").values
    write_text(path, card(config, values, best_facts(best), provenance))


def card(config: Mapping[str, Any], values: int, facts: Mapping[str, str], provenance: Provenance) -> str:
    """The text: `config` is the model's own, `values` the number of weights, `facts` the best ones' notes."""
    digest = (config.get("teacher") or {}).get("weights_sha256")
    space = {"weights_sha256": digest} if digest else {}
    blocks = [
        _FRONT_MATTER,
        f"# WavBriVL audio encoder ({provenance.run})",
        _description(config, values),
        "## Use\n\n" + _EXAMPLE,
        f"## Training data\n\n{_facts(provenance.corpus)}\n\n{_coverage(provenance.coverage)}",
        "## Teacher\n\n" + _facts({**provenance.teacher, **space}),
        "## Backbone\n\n" + _facts(provenance.backbone),
        "## Training\n\n" + _facts({"seed": provenance.seed, **facts}),
        "## Measured\n\n" + _measured(provenance.results, provenance.run),
        "## Deviations from the paper\n\n" + _list(provenance.deviations),
        "## Limits\n\n" + _list(LIMITS if config["loudness"] else [*LIMITS, DEAF]),
    ]
    return "\n\n".join(blocks) + "\n"


_FRONT_MATTER = """---
library_name: transformers
pipeline_tag: feature-extraction
license: other
license_name: see-teacher-backbone-and-training-data
tags:
- audio
- wavbrivl
---"""

_EXAMPLE = """```python
from wavbrivl import WavBriVL

model = WavBriVL.from_pretrained("path/to/this/folder")  # images and texts need the teacher beside it
sounds = model.embed_audio(["dog.wav", "street.mp4"])
sounds.embedding  # a, for downstream tasks
sounds.projection  # g(a), unit length, in the teacher's space
```"""


def _description(config: Mapping[str, Any], values: int) -> str:
    backbone = config["wavlm"]
    return (
        f"WavLM ({backbone['num_hidden_layers']} layers of width {backbone['hidden_size']}"
        f"{', frozen' if config['freeze_backbone'] else ''}) on raw {config['sampling_rate']} Hz mono sound, "
        f"a learned weighting of all its layers, the mean over time and an MLP give an embedding `a` of "
        f"{config['embedding_dim']} values; g takes it to the teacher's {config['teacher_dim']}. "
        f"{values / 1e6:.1f} M parameters; sounds longer than {config['window_seconds']:g} s are embedded in "
        "windows of that length."
    )


def _coverage(coverage: Mapping[str, Any]) -> str:
    missing = ", ".join(f"{cause} {n}" for cause, n in coverage["missing"].items()) or "none"
    return f"Coverage: {coverage['found']} of {coverage['expected']} clips were found; missing: {missing}."


def _measured(results: Sequence[Result], run: str) -> str:
    mine = [result for result in results if result.encoder == TRAINED]
    if not mine:
        return (
            "Nothing was measured when this card was written. Once the evaluations have run, "
            f"`results/{run}/model_card.md` is this card with their numbers."
        )
    head = ["task", "dataset", "n", "metric", "value", "95 % interval", "chance"]
    rows = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for result in mine:
        n = f"{result.n} ({result.coverage.found} of {result.coverage.expected} found)"
        start = f"| {result.task} | {result.dataset}, {result.split} | {n} |"
        rows += [f"{start} {name} | {_cells(metric)} |" for name, metric in result.metrics.items()]
    return "\n".join([*rows, "", *_list(_protocols(mine)).splitlines()])


def _protocols(results: Iterable[Result]) -> list[str]:
    """How each number came about, once a task."""
    lines = []
    for result in results:
        line = f"{result.task}: {result.protocol}; {result.intervals}"
        if result.prompts:
            line += f"; prompts ({result.prompts.language}): {', '.join(result.prompts.templates)}"
        lines.append(line)
    return lines


def _cells(metric: Metric) -> str:
    interval = f"{metric.ci95[0]:.4f} to {metric.ci95[1]:.4f}" if metric.ci95 else "none"
    return f"{metric.value:.4f} | {interval} | {'none' if metric.chance is None else f'{metric.chance:.4f}'}"


def _facts(facts: Mapping[str, Any]) -> str:
    return _list([f"{key}: {value}" for key, value in facts.items()])


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)
