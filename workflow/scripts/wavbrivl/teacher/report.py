"""What a checkpoint is, and whether it is what it should be: the checks of `wavbrivl doctor`."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from pydantic import ValidationError
from torch import Tensor

from wavbrivl.config.teacher import TeacherConfig
from wavbrivl.errors import UserError
from wavbrivl.files import read_json
from wavbrivl.findings import Finding
from wavbrivl.progress import track
from wavbrivl.teacher.architecture import describe, family, guess_config, vocabulary_size
from wavbrivl.teacher.checkpoint import (
    NOT_WEIGHTS,
    PREFIXES,
    empty_towers,
    misfits,
    read_learnable,
    towers_of,
)
from wavbrivl.teacher.golden import BAAI, Golden, check_golden, read_examples
from wavbrivl.teacher.huggingface import adopt_model
from wavbrivl.teacher.interface import FrozenTeacher
from wavbrivl.teacher.kinds import LANGUAGES, MODELS
from wavbrivl.teacher.model import Teacher, load_teacher
from wavbrivl.teacher.text import Tokenizer, read_vocabulary
from wavbrivl.teacher.towers import Towers
from wavbrivl.weights.places import WEIGHTS, record_of

HOW_TO_GET = (
    "BriVL's weights are not redistributed: brivl-with-roberta-base.pth (NMI) is linked in the README of "
    "github.com/neilfei/brivl-nmi, BriVL-1.0-5500w.pth (BAAI) was given out on application; "
    "docs/teachers.md names teachers that are easier to get"
)
VOCABULARY = "chinese-roberta-wwm-ext"
SHOWN = 5
"""Keys that are named of each kind of misfit."""


def inspect_checkpoint(path: Path | str, images: Path | str | None = None) -> list[Finding]:
    """Look at a released checkpoint, a teacher's folder or a CLIP-like model's folder.

    Nothing in a file runs: pickles are read weights-only.

    Args:
        path: the file or folder.
        images: folder with BriVL's three published examples (`wavbrivl.teacher.golden`), to try a released
            checkpoint on.

    Returns:
        One finding a check; the first that fails ends what depends on it.
    """
    path = Path(path)
    try:
        if path.is_dir():
            return inspect_folder(path, Path(images) if images else None)
        if not path.exists():
            return [Finding("checkpoint", "absent", f"there is no {path}. {HOW_TO_GET}")]
        return _released(path, Path(images) if images else None)
    except UserError as error:
        how = "`snakemake --cores all teacher` makes or converts one" if path.is_dir() else HOW_TO_GET
        return [Finding("checkpoint", "failed", f"{error}. {how}")]


def _released(path: Path, images: Path | None) -> list[Finding]:
    learnable = read_learnable(path)
    gigabytes = path.stat().st_size / 1e9
    found = [
        Finding(
            "checkpoint",
            "ok",
            f"{path} ({gigabytes:.2f} GB) holds {len(learnable)} plain tensors, nothing else",
        )
    ]
    weights = towers_of(learnable)
    try:
        config = guess_config(weights)
    except (UserError, ValidationError) as error:
        words = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        return [
            *found,
            Finding("architecture", "failed", f"{words}; this is no BriVL checkpoint. {HOW_TO_GET}"),
        ]
    fit = keys_and_shapes(weights, config)
    found += [architecture(config), *fit, momentum(learnable), finite(weights)]
    vocabulary, about = find_vocabulary(path, images, vocabulary_size(weights))
    found.append(about)
    if any(finding.state == "failed" for finding in fit):
        return [
            *found,
            variant(path, config, None),
            Finding("checkpoint", "failed", f"not whole. {HOW_TO_GET}"),
        ]
    golden, met = golden_vectors(weights, config, vocabulary, images)
    return [*found, variant(path, config, met), *_forgiven(golden, met, path)]


def architecture(config: TeacherConfig) -> Finding:
    """Which of the known models it is by its shapes."""
    sentences = {
        "b5": ("ok", "the architecture of both released checkpoints"),
        "b7": (
            "warning",
            "the architecture of BriVL's article, which was never released; its input size is unknown",
        ),
        None: ("warning", "no published BriVL; the configuration's section teacher has to name these widths"),
    }
    state, words = sentences[family(config)]
    return Finding("architecture", "ok" if state == "ok" else "warning", f"{describe(config)}: {words}")


def keys_and_shapes(weights: Mapping[str, Tensor], config: TeacherConfig) -> list[Finding]:
    """Every key and shape against the towers."""
    towers = empty_towers(config, vocabulary_size(weights))
    found = [
        Finding("keys and shapes", "failed", f"{len(keys)} {what}: {', '.join(keys[:SHOWN])}{_more(keys)}")
        for what, keys in misfits(weights, towers).items()
        if keys
    ]
    parts = [f"{sum(key.startswith(prefix) for key in weights)} of {prefix[:-1]}" for prefix in PREFIXES]
    return found or [Finding("keys and shapes", "ok", f"all fit: {' and '.join(parts)}")]


def momentum(learnable: Mapping[str, Tensor]) -> Finding:
    """The momentum copies and the old buffer, which the teacher does not need."""
    copies = sum("encoder_mom." in key for key in learnable)
    buffer = any(key.endswith(NOT_WEIGHTS) for key in learnable)
    words = f"{copies} entries of momentum copies" if copies else "no momentum copies"
    return Finding(
        "other entries",
        "ok",
        f"{words}, {'with' if buffer else 'without'} position_ids; neither is needed or kept",
    )


def finite(weights: Mapping[str, Tensor]) -> Finding:
    """Damage that keeps keys and shapes: a value that is not a number."""
    bad = [
        key
        for key, value in track(weights.items(), "tensors looked at", total=len(weights))
        if value.is_floating_point() and not bool(torch.isfinite(value).all())
    ]
    if bad:
        return Finding("values", "failed", f"{len(bad)} tensors hold NaN or infinity, the first is {bad[0]}")
    return Finding("values", "ok", "every value is finite")


def variant(path: Path, config: TeacherConfig, met: int | None) -> Finding:
    """BAAI's or NMI's: keys do not tell, the published vectors and, a little, the file's name do."""
    if family(config) != "b5":
        return Finding("variant", "warning", "neither BAAI's nor NMI's: another architecture")
    if met:
        return Finding(
            "variant", "ok", f"BAAI's, by its published vectors: use teacher.image.image_size {met}, and "
            "boxes or the whole image (teacher.image.regions)",
        )  # fmt: skip
    name = {"baai": "; the file's name is BAAI's", "nmi": "; the file's name is NMI's", None: ""}[
        _named(path)
    ]
    return Finding(
        "variant", "warning", "BAAI's (380 pixels, a detector's boxes) or NMI's (456 pixels, uniform grid): "
        f"their keys and shapes are the same{name}. config/paper.yaml is NMI's, config/brivl-baai.yaml lays "
        "BAAI's over it",
    )  # fmt: skip


def find_vocabulary(path: Path, images: Path | None, size: int) -> tuple[list[str] | None, Finding]:
    """The vocabulary beside the checkpoint, in the folder of examples or among the fetched weights."""
    places = [path.with_name("vocab.txt"), *([images / "vocab.txt"] if images else [])]
    place = next((p for p in [*places, WEIGHTS / VOCABULARY / "vocab.txt"] if p.is_file()), None)
    if place is None:
        how = f"snakemake --cores 1 {record_of(VOCABULARY)} fetches it"
        return None, Finding("vocabulary", "absent", f"checkpoints carry none: {how}")
    tokens = read_vocabulary(place)
    if len(tokens) != size:
        words = f"{place} has {len(tokens)} tokens, the text tower {size}"
        return None, Finding("vocabulary", "failed", words)
    return tokens, Finding("vocabulary", "ok", f"{place}: {size} tokens, as many as the text tower has")


def golden_vectors(
    weights: Mapping[str, Tensor], config: TeacherConfig, vocabulary: list[str] | None, images: Path | None,
    golden: Golden = BAAI,
) -> tuple[list[Finding], int | None]:  # fmt: skip
    """The published examples through these weights; the size at which they are met."""
    if images is None:
        words = (
            "give the folder with BriVL's three published pictures to compare embeddings (docs/teachers.md)"
        )
        return [Finding("golden images", "absent", words)], None
    try:
        examples = read_examples(images, golden)
    except (UserError, OSError, ValueError, KeyError) as error:
        return [Finding("golden images", "absent", str(error))], None
    towers = Towers(config.image, config.text, config.embedding_dim, vocabulary_size(weights))
    towers.load_state_dict({key: value.float() for key, value in weights.items()}, strict=True)
    # Without a vocabulary no text is embedded, and any set of tokens will do.
    tokens = vocabulary or ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

    def teacher_at(size: int) -> Teacher:
        sized = config.model_copy(update={"image": config.image.model_copy(update={"image_size": size})})
        towers.imgencoder.config = sized.image
        return Teacher(sized, towers, Tokenizer(tokens, config.text.max_length), "cpu")

    return check_golden(teacher_at, examples, vocabulary is not None, golden)


def _forgiven(golden: Sequence[Finding], met: int | None, path: Path) -> list[Finding]:
    """Vectors that only BAAI's weights can meet say nothing against a file that may be NMI's."""
    if met or _named(path) == "baai":
        return list(golden)
    doubt = "; there are none for NMI's weights, so this fails only a file that is BAAI's"
    return [
        Finding(finding.subject, "warning", finding.message + doubt) if finding.state == "failed" else finding
        for finding in golden
    ]


def _named(path: Path) -> str | None:
    name = path.name.lower()
    if "5500w" in name or "brivl-1.0" in name:
        return "baai"
    return "nmi" if "roberta-base" in name else None


def _more(keys: Sequence[str]) -> str:
    return f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""


def inspect_folder(path: Path, images: Path | None = None) -> list[Finding]:
    """Look at a teacher's folder or that of a CLIP-like model.

    Raises:
        UserError: it is a teacher's, and a file of it is missing or does not fit.
    """
    try:
        values = read_json(path / "config.json")
    except (OSError, ValueError):
        values = None
    if not isinstance(values, dict):
        words = f"{path} holds no readable config.json: neither a teacher nor a model"
        return [Finding("folder", "failed", words)]
    if "format" not in values:
        return [_hub_model(path, values.get("model_type")), *_no_golden("a CLIP-like model", images)]
    teacher = load_teacher(path)
    words = f"a teacher of kind {values['kind']}, {teacher.dim} dimensions, texts in '{teacher.language}'"
    found = Finding("teacher", "ok", f"{path} is {words}; every key and shape fits")
    return [found, *which_brivl(path, teacher, images)]


def which_brivl(path: Path, teacher: FrozenTeacher, images: Path | None) -> list[Finding]:
    """Which BriVL a converted teacher is, and whether it meets the published vectors.

    Args:
        path: its folder.
        teacher: read from it.
        images: as in `inspect_checkpoint`.
    """
    if not isinstance(teacher, Teacher):
        return _no_golden("a CLIP-like model", images)
    if family(teacher.config) is None:
        words = f"{describe(teacher.config)}: no published BriVL"
        return [Finding("architecture", "ok", words), *_no_golden("such a teacher", images)]
    weights = teacher.towers.state_dict()
    golden, met = golden_vectors(weights, teacher.config, list(teacher.tokenizer.tokens), images)
    about = [architecture(teacher.config), variant(path, teacher.config, met)]
    return [*about, *_forgiven(golden, met, path)]


def _no_golden(what: str, images: Path | None) -> list[Finding]:
    """The published vectors are BriVL's: said where somebody asked for the comparison."""
    words = f"the published vectors are those of BriVL's released weights; for {what} there are none"
    return [Finding("golden images", "absent", words)] if images else []


def _hub_model(path: Path, model_type: object) -> Finding:
    if not isinstance(model_type, str) or model_type not in MODELS:
        words = f"{path} is a model of type {model_type!r}; a teacher is one of {', '.join(MODELS)}"
        return Finding("model", "failed", words)
    language = LANGUAGES[model_type][0]
    with tempfile.TemporaryDirectory() as folder:
        adopt_model(path, TeacherConfig(kind="huggingface", model=str(path), language=language), Path(folder))
        teacher = load_teacher(folder)
    words = f"a {model_type} of {teacher.dim} dimensions that reads '{language}'"
    return Finding(
        "model", "ok", f"{path} is {words}; weights, image processor and tokenizer are there and fit"
    )
