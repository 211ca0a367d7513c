"""The trained encoder as a folder that `from_pretrained` reads, with a model card."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from wavbrivl.audio.configuration import WavBriVLConfig
from wavbrivl.audio.modeling import WavBriVLModel
from wavbrivl.audio.processing import WavBriVLProcessor
from wavbrivl.errors import UserError
from wavbrivl.files import write_text
from wavbrivl.train.checkpoint import READABLE, load_best

DEVIATIONS = (
    "WavLM reads the raw waveform; the paper speaks of a spectrogram, which WavLM does not take.",
    "The image tower is frozen, so positives are online on both sides and only negatives come from "
    "momentum queues; with BriVL's loss taken literally one direction would carry no gradient.",
    "The embedding has 512 values; cross projections bridge to the teacher's width.",
    "Queue entries of the positive's own clip (or video) are masked, and so are unfilled ones.",
)
LIMITS = (
    "One embedding stands for one scene: overlapping events are not told apart.",
    "The encoder hardly hears loudness: the norms inside WavLM remove it.",
    "It knows what its training clips and its teacher knew; biases of both are kept.",
)


def export_model(training: Path, out: Path, metadata: Mapping[str, Any]) -> None:
    """Write config.json, model.safetensors, preprocessor_config.json and README.md.

    Args:
        training: a folder written by `train_encoder` (config.json, best.safetensors).
        out: the model folder; replaced as a whole.
        metadata: what the card tells. All keys are optional: `run`, `seed`, `corpus` (mapping),
            `coverage` (expected, found, missing), `teacher` (mapping), `metrics` (a list of metrics
            JSON objects), `licence`, `deviations` and `limits` (further sentences).

    Raises:
        UserError: the training folder is incomplete or its weights do not fit its configuration.
    """
    model, facts = load_trained(training)
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    model.save_pretrained(part)
    WavBriVLProcessor.for_config(model.config).save_pretrained(part)
    write_text(part / "README.md", model_card(model, metadata, facts))
    (part / "model.safetensors").chmod(READABLE)
    if out.exists():
        shutil.rmtree(out)
    part.rename(out)


def load_trained(training: Path) -> tuple[WavBriVLModel, dict[str, str]]:
    """The encoder with the best weights of a training folder, and what was noted with them.

    Raises:
        UserError: a file is missing, or weights and configuration do not fit.
    """
    weights = training / "best.safetensors"
    for path in (training / "config.json", weights):
        if not path.is_file():
            raise UserError(f"{path} is missing: the encoder has not been trained")
    model = WavBriVLModel(WavBriVLConfig.from_pretrained(training, local_files_only=True))
    try:
        tensors, facts = load_best(weights)
        model.load_state_dict(tensors)
    except (RuntimeError, SafetensorError) as error:
        raise UserError(f"{weights} does not fit {training / 'config.json'}: {error}") from None
    return model.eval(), facts


def model_card(model: WavBriVLModel, metadata: Mapping[str, Any], facts: Mapping[str, str]) -> str:
    """The text of README.md: what the model is, what it learned from, how well it does, its limits."""
    config = model.config
    corpus, coverage = _mapping(metadata.get("corpus")), _coverage(metadata.get("coverage"))
    teacher = metadata.get("teacher") or config.teacher or {}
    blocks = [
        _front_matter(metadata),
        f"# WavBriVL audio encoder ({metadata.get('run', 'unnamed run')})",
        _description(model),
        "## Use\n\n" + _EXAMPLE,
        f"## Training data\n\n{corpus}\n\n{coverage}",
        "## Teacher\n\n" + _mapping(teacher),
        "## Training\n\n" + _mapping({"seed": metadata.get("seed", "not recorded"), **facts}),
        "## Measured\n\n" + _metrics(metadata.get("metrics") or []),
        "## Deviations from the paper\n\n" + _list([*DEVIATIONS, *metadata.get("deviations", [])]),
        "## Limits\n\n" + _list([*LIMITS, *metadata.get("limits", [])]),
    ]
    return "\n\n".join(blocks) + "\n"


_EXAMPLE = """```python
import soundfile
from wavbrivl.audio.embedding import embed_waveforms
from wavbrivl.audio.modeling import WavBriVLModel

model = WavBriVLModel.from_pretrained("path/to/this/folder")
sound, rate = soundfile.read("sound.wav", dtype="float32")  # mono, 16 kHz
result = embed_waveforms(model, [sound])
result.embedding   # a, for downstream tasks
result.projection  # g(a), unit norm, in the teacher's space
```"""


def _front_matter(metadata: Mapping[str, Any]) -> str:
    licence = metadata.get("licence", "other")
    return f"---\nlibrary_name: transformers\nlicense: {licence}\ntags:\n- audio\n- wavbrivl\n---"


def _description(model: WavBriVLModel) -> str:
    config, backbone = model.config, model.config.wavlm
    millions = sum(p.numel() for p in model.parameters()) / 1e6
    return (
        f"WavLM ({backbone.num_hidden_layers} layers of width {backbone.hidden_size}"
        f"{', frozen' if config.freeze_backbone else ''}) on raw {config.sampling_rate} Hz mono sound, a "
        f"learned weighting of all its layers, the mean over time and an MLP give an embedding `a` of "
        f"{config.embedding_dim} values; g takes it to the teacher's {config.teacher_dim}. {millions:.1f} M "
        f"parameters; trained on windows of {config.window_seconds:g} s, in which longer sounds are embedded."
    )


def _coverage(coverage: Mapping[str, Any] | None) -> str:
    if not coverage:
        return "Coverage: not recorded."
    missing = ", ".join(f"{cause} {n}" for cause, n in coverage.get("missing", {}).items()) or "none"
    return f"Coverage: {coverage['found']} of {coverage['expected']} clips were found; missing: {missing}."


def _metrics(metrics: Sequence[Mapping[str, Any]]) -> str:
    if not metrics:
        return "Nothing was measured when this folder was written."
    names = ["task", "dataset", "n", "metric", "value", "95 % interval", "chance"]
    rows = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for task in metrics:
        head = f"| {task['task']} | {task.get('dataset', '')} | {task['n']} |"
        rows += [f"{head} {name} | {_cells(value)} |" for name, value in task["metrics"].items()]
    return "\n".join(rows)


def _cells(value: Mapping[str, Any]) -> str:
    ci, chance = value.get("ci95"), value.get("chance")
    interval = f"{ci[0]:.4f} to {ci[1]:.4f}" if ci else "none"
    return f"{value['value']:.4f} | {interval} | {'none' if chance is None else f'{chance:.4f}'}"


def _mapping(values: Mapping[str, Any] | None) -> str:
    return _list([f"{key}: {value}" for key, value in (values or {"recorded": "nothing"}).items()])


def _list(items: Sequence[str]) -> str:
    return "\n".join(f"- {item}" for item in items)
