"""A CLIP-like model of Hugging Face as a teacher: CLIP, Chinese-CLIP, SigLIP, SigLIP 2.

Dimensions, preprocessing and tokenizer are the model folder's own. No code of a model folder ever runs, and a
pickle is read weights-only.
"""

import json
import logging
import pickle
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoImageProcessor, AutoTokenizer

from wavbrivl.config.teacher import TeacherConfig
from wavbrivl.errors import UserError
from wavbrivl.files import atomic, read_json, write_json
from wavbrivl.teacher.augment import looks_of
from wavbrivl.teacher.interface import Precision, arithmetic, digest, stack
from wavbrivl.teacher.kinds import FILES, LANGUAGES, MODELS
from wavbrivl.teacher.model import FORMAT, read_weights
from wavbrivl.teacher.preprocess import to_unit
from wavbrivl.weights.licence import folder_licence

logger = logging.getLogger("wavbrivl")

PLACE = "huggingface"
"""Where these files lie in the teacher's folder."""


class HubTeacher:
    """A frozen model of the hub with its own preprocessing; see `wavbrivl.teacher.interface`.

    Args:
        model: the weights; put into evaluation mode.
        folder: holds the processor's and the tokenizer's files.
        description: `embedding_dim`, `language` and `origin`, as in the teacher's config.json.
        device: where the model lives.
        precision: arithmetic on a GPU.
    """

    def __init__(
        self, model: nn.Module, folder: Path, description: dict[str, Any], device: torch.device | str,
        precision: Precision = "float32",
    ):  # fmt: skip
        self.model = model.to(device).eval().requires_grad_(False)
        self.processor = _part(AutoImageProcessor, folder)
        self.tokenizer = _part(AutoTokenizer, folder)
        self.description = description
        self.device = torch.device(device)
        self.precision = precision
        self.dim: int = description["embedding_dim"]
        self.language: str = description["language"]
        self.image_size: int = _side(self.processor, model.config)
        self._texts = [path.read_bytes().hex() for path in sorted(folder.iterdir())]

    @torch.no_grad()
    def embed_images(
        self,
        images: np.ndarray | Sequence[np.ndarray],
        batch_size: int = 64,
        boxes: np.ndarray | None = None,
        looks: Sequence[torch.Generator | None] | None = None,
    ) -> np.ndarray:
        """Embed pictures as the model's own processor prepares them; see `FrozenTeacher.embed_images`.

        Raises:
            UserError: boxes are given, and this model has no regions.
        """
        if boxes is not None:
            raise UserError("teacher.boxes: a model of kind huggingface has no regions")
        rows = []
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            if looks is None or not any(looks[part]):
                rows.append(self._embed(self._prepared(list(images[part]), "channels_last")))
            else:
                rows.append(
                    self.embed_pixels(looks_of(to_unit(np.stack(images[part]), self.device), looks[part]))
                )
        return stack(rows, self.dim)

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str], batch_size: int = 64) -> np.ndarray:
        """Embed texts in the teacher's language: float32 [n, dim], unit norm."""
        rows = []
        for start in range(0, len(texts), batch_size):
            tokens = self._tokens(list(texts[start : start + batch_size]))
            features = self.model.get_text_features(**tokens).pooler_output
            rows.append(functional.normalize(features.float(), dim=-1))
        return stack(rows, self.dim)

    def embed_pixels(self, pixels: Tensor) -> Tensor:
        """Embed float [B, 3, H, W] in [0, 1] on the teacher's device, with gradient: [B, dim], unit norm."""
        return self._embed(self._prepared(list(pixels), "channels_first", do_rescale=False))

    def fingerprint(self) -> str:
        """sha256 over the model's files, its weights and its arithmetic: equal for equal embeddings."""
        precision = self.precision if self.device.type == "cuda" else "float32"
        texts = [json.dumps(self.description, sort_keys=True), precision, *self._texts]
        return digest(texts, self.model.state_dict())

    def _prepared(self, images: list[Any], order: str, **options: Any) -> dict[str, Tensor]:
        return self.processor(
            images=images, return_tensors="pt", input_data_format=order, device=self.device, **options
        ).to(self.device)

    def _embed(self, inputs: dict[str, Tensor]) -> Tensor:
        with arithmetic(self.device, self.precision):
            features = self.model.get_image_features(**inputs).pooler_output
        return functional.normalize(features.float(), dim=-1)

    def _tokens(self, texts: list[str]) -> dict[str, Tensor]:
        """CLIP and Chinese-CLIP with their mask, of whatever length; SigLIPs padded to one length, unmasked,
        as they were trained."""
        config = self.model.config
        longest = min(config.text_config.max_position_embeddings, self.tokenizer.model_max_length)
        plain = config.model_type.startswith("siglip")
        tokens = self.tokenizer(
            texts, padding="max_length" if plain else True, truncation=True, max_length=longest,
            return_tensors="pt",
        ).to(self.device)  # fmt: skip
        return {"input_ids": tokens["input_ids"]} if plain else dict(tokens)


def adopt_model(source: Path | str, config: TeacherConfig, out: Path) -> None:
    """Turn a model's folder into a teacher's: weights as safetensors, the other files as they are.

    Args:
        source: folder with config.json, weights, preprocessor and tokenizer.
        config: `model` and `language`.
        out: the teacher's folder; its config.json comes last.

    Raises:
        UserError: a file is missing, damaged or unsafe, a weight does not fit, or it is another model.
    """
    source, out = Path(source), Path(out)
    model = _pretrained(source, _model_type(source))
    place = out / PLACE
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name in FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, place / name)
    description = {
        "format": FORMAT,
        "kind": "huggingface",
        "model_type": model.config.model_type,
        "language": _language(config, model.config.model_type),
        "embedding_dim": 0,
        "origin": _origin(source, config),
    }
    # The width is what comes out, under whatever name a configuration keeps it.
    description["embedding_dim"] = _width(HubTeacher(model, place, description, "cpu"))
    weights = {key: value.detach().clone().contiguous() for key, value in model.state_dict().items()}
    with atomic(out / "model.safetensors") as temporary:
        save_file(weights, temporary)
    write_json(out / "config.json", description)


def load_hub_teacher(
    folder: Path, description: dict[str, Any], device: torch.device | str, precision: Precision
) -> HubTeacher:
    """Read the folder that `adopt_model` made, strictly.

    Raises:
        UserError: a file is missing or damaged, or a weight does not fit.
    """
    place, path = folder / PLACE, folder / "model.safetensors"
    kind = _class(_model_type(place))
    model = kind(kind.config_class.from_pretrained(place, local_files_only=True))
    try:
        model.load_state_dict(read_weights(path), strict=True)
    except RuntimeError as error:
        raise UserError(f"{path} does not fit {place}: {' '.join(str(error).split())[:300]}") from None
    return HubTeacher(model, place, description, device, precision)


def _model_type(source: Path) -> str:
    try:
        found = read_json(source / "config.json").get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(f"teacher.model: {source} holds no readable config.json ({error})") from None
    if found not in MODELS:
        raise UserError(
            f"teacher.model: {source} is a model of type {found!r}; a teacher is one of {', '.join(MODELS)}"
        )
    return found


def _class(model_type: str) -> Any:
    return getattr(transformers, MODELS[model_type])


def _pretrained(source: Path, model_type: str) -> nn.Module:
    """The weights in float32, every one of them from the folder."""
    try:
        model, report = _class(model_type).from_pretrained(
            source, local_files_only=True, output_loading_info=True, dtype=torch.float32, weights_only=True
        )
    except pickle.UnpicklingError:
        raise UserError(
            f"teacher.model: {source} is refused: only pickles of plain tensors are loaded"
        ) from None
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise UserError(
            f"teacher.model: {source} cannot be read ({' '.join(str(error).split())[:300]})"
        ) from None
    for what in ("missing_keys", "mismatched_keys"):
        if report[what]:
            first = sorted(map(str, report[what]))[0]
            words = what.replace("_keys", "")
            raise UserError(
                f"teacher.model: {source} has {len(report[what])} {words} weights (first: {first})"
            )
    return model


def _part(kind: Any, folder: Path) -> Any:
    what = "tokenizer" if kind is AutoTokenizer else "image processor"
    try:
        return kind.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        raise UserError(f"{folder} has no usable {what} ({' '.join(str(error).split())[:300]})") from None


def _width(teacher: HubTeacher) -> int:
    image = teacher._embed(teacher._prepared([np.zeros((32, 32, 3), np.uint8)], "channels_last"))
    text = teacher.model.get_text_features(**teacher._tokens(["a"])).pooler_output
    if image.shape[-1] != text.shape[-1]:
        raise UserError(f"teacher.model: images have {image.shape[-1]} dimensions and texts {text.shape[-1]}")
    return image.shape[-1]


def _language(config: TeacherConfig, model_type: str) -> str:
    language = str(config.language)
    if language not in LANGUAGES[model_type]:
        logger.warning(
            "teacher.language: a model of type %s reads %s, and is asked in %s",
            model_type, LANGUAGES[model_type][0], language,
        )  # fmt: skip
    return language


def _origin(source: Path, config: TeacherConfig) -> dict[str, str]:
    """What is known of where the model comes from: the record beside fetched weights, or name and licence."""
    record = read_json(source / "weights.json") if (source / "weights.json").is_file() else {}
    known = {key: record[key] for key in ("repo", "commit", "licence") if record.get(key)}
    return known or {"model": Path(str(config.model)).name, "licence": folder_licence(source)}


def _side(processor: Any, config: Any) -> int:
    """The square that a picture becomes, for models with patches of no fixed number about the largest."""
    size = getattr(processor, "crop_size", None) or getattr(processor, "size", None)
    height = getattr(size, "height", None) or (size or {}).get("height") if size else None
    if height:
        return int(height)
    patches = getattr(processor, "max_num_patches", None)
    return int(patches**0.5) * processor.patch_size if patches else int(config.vision_config.image_size)
