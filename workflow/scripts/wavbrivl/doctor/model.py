"""An exported model's folder: its variant, every key and shape, whether it runs, whether its teacher fits."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from wavbrivl.api.load import load_config, load_encoder, load_fitting_teacher
from wavbrivl.api.places import find_teacher
from wavbrivl.audio.configuration import WavBriVLConfig
from wavbrivl.audio.embedding import embed_waveforms
from wavbrivl.audio.modeling import WavBriVLModel
from wavbrivl.audio.processing import SAMPLING_RATE
from wavbrivl.errors import UserError
from wavbrivl.files import read_json
from wavbrivl.findings import Finding
from wavbrivl.teacher.digest import weights_digest
from wavbrivl.teacher.report import which_brivl

SUBJECT, TEACHER = "model", "teacher"


HOW_TO_GET = "`snakemake --cores all train` exports one to results/<run>/model, with its teacher beside it"


def inspect_model(
    folder: Path, teacher: Path | str | None = None, images: Path | None = None
) -> list[Finding]:
    """Everything that can be known about a model's folder without data.

    Args:
        folder: with config.json and model.safetensors.
        teacher: its teacher's folder, where it is neither in the folder nor beside it.
        images: folder with BriVL's three published examples, to try its teacher on.
    """
    try:
        config = load_config(folder)
    except UserError as error:
        return [Finding(SUBJECT, "failed", f"{error}. {HOW_TO_GET}")]
    about = [_variant(config), *_weights(folder), *_papers(folder, config)]
    return [*about, *_teacher(folder, config, teacher, images)]


def _variant(config: WavBriVLConfig) -> Finding:
    wavlm, style = config.wavlm, "large" if config.do_normalize else "base"
    return Finding(
        SUBJECT,
        "ok",
        f"WavLM in the style of {style} ({wavlm.num_hidden_layers} layers of width {wavlm.hidden_size}), "
        f"{config.attention_layers} attention layers, embedding {config.embedding_dim}, teacher space "
        f"{config.teacher_dim}, windows of {config.window_seconds:g} s",
    )


def _weights(folder: Path) -> Iterator[Finding]:
    try:
        model = load_encoder(folder)
    except UserError as error:
        yield Finding(SUBJECT, "failed", f"{error}. {HOW_TO_GET}")
        return
    weights = model.state_dict()
    count = sum(weight.numel() for weight in weights.values())
    yield Finding(SUBJECT, "ok", f"all {len(weights)} keys and shapes fit; {count / 1e6:.1f} M values")
    odd = [name for name, weight in weights.items() if not torch.isfinite(weight).all()]
    if odd:
        yield Finding(SUBJECT, "failed", f"{len(odd)} weights are not finite, first {odd[0]}")
        return
    yield _runs(model)


def _runs(model: WavBriVLModel) -> Finding:
    """Embed a second of noise, alone and beside another sound."""
    noise = np.random.default_rng(0).normal(0, 0.1, SAMPLING_RATE).astype(np.float32)
    alone = embed_waveforms(model, [noise]).projection[0]
    together = embed_waveforms(model, [noise, noise[::-1].copy()]).projection[0]
    cosine = float(alone @ together)
    if not abs(cosine - 1) < 1e-3:
        return Finding(SUBJECT, "failed", f"an embedding changes with its batch-mates: cosine {cosine:.6f}")
    return Finding(SUBJECT, "ok", f"embeds sound; with and without a batch-mate the cosine is {cosine:.6f}")


def _papers(folder: Path, config: WavBriVLConfig) -> Iterator[Finding]:
    path = folder / "preprocessor_config.json"
    try:
        values = read_json(path)
        fits = (values["sampling_rate"], values["do_normalize"]) == (
            config.sampling_rate,
            config.do_normalize,
        )
    except FileNotFoundError:
        yield Finding(SUBJECT, "warning", f"{path.name} is missing: AutoFeatureExtractor cannot be used")
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield Finding(SUBJECT, "failed", f"{path} cannot be read ({type(error).__name__}: {error})")
    else:
        if not fits:
            yield Finding(SUBJECT, "failed", f"{path.name}: rate or normalisation differ from config.json")
    if not (folder / "README.md").is_file():
        yield Finding(SUBJECT, "absent", "no model card (README.md): `snakemake train` writes one")


def _teacher(
    folder: Path, config: WavBriVLConfig, place: Path | str | None, images: Path | None
) -> Iterator[Finding]:
    try:
        found = find_teacher(folder, place)
    except UserError as error:
        yield Finding(TEACHER, "absent" if place is None else "failed", str(error))
        return
    try:
        teacher = load_fitting_teacher(found, config)
        text = teacher.embed_texts(["{}"])
        image = teacher.embed_images(np.zeros((1, 32, 32, 3), dtype=np.uint8))
    except UserError as error:
        yield Finding(TEACHER, "failed", str(error))
        return
    lengths = np.linalg.norm(np.concatenate([text, image]), axis=1)
    if not np.allclose(lengths, 1, atol=1e-3):
        yield Finding(
            TEACHER, "failed", f"{found}: embeddings have the lengths {lengths.round(3).tolist()}, not 1"
        )
        return
    yield Finding(TEACHER, "ok", f"{found}: {teacher.dim} dimensions, reads '{teacher.language}'")
    yield from which_brivl(found, teacher, images)
    if weights_digest(found) and not (config.teacher or {}).get("weights_sha256"):
        yield Finding(
            TEACHER, "warning", "the model does not say which teacher it was trained with; only widths agree"
        )
