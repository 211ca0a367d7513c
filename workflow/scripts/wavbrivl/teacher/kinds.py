"""Which models of Hugging Face can be a teacher, and which files of their folders."""

from pathlib import Path

MODELS = {
    "clip": "CLIPModel",
    "chinese_clip": "ChineseCLIPModel",
    "siglip": "SiglipModel",
    "siglip2": "Siglip2Model",
}
"""Class of transformers by `model_type`."""

LANGUAGES = {"clip": ("en",), "chinese_clip": ("zh",), "siglip": ("en",), "siglip2": ("en", "zh")}
"""What a model of that type was trained to read, mainly."""

FILES = (
    "config.json", "preprocessor_config.json", "processor_config.json", "tokenizer.json",
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "vocab.txt",
    "merges.txt", "spiece.model", "tokenizer.model",
)  # fmt: skip
"""What is kept of a model's folder beside its weights."""

_READ = (
    "model*.safetensors", "model.safetensors.index.json",
    "pytorch_model*.bin", "pytorch_model.bin.index.json", "README.md",
)  # fmt: skip
"""What is read beside them: weights in one file or several, and the card for its licence."""


def files_of(folder: Path) -> list[str]:
    """Every file of a model's folder that decides the teacher made of it, in order."""
    found = {folder / name for name in FILES if (folder / name).is_file()}
    found |= {path for pattern in _READ for path in folder.glob(pattern) if path.is_file()}
    return sorted(path.as_posix() for path in found)
