"""Tiny models of the four classes that can be a teacher, random, in folders as the hub has them."""

from pathlib import Path

import sentencepiece
import torch
import transformers as hf

TYPES = ("clip", "chinese_clip", "siglip", "siglip2")
WORDS = {
    "clip": ["a photo of a bell", "two dogs bark"],
    "chinese_clip": ["一张铃的照片", "两只狗在叫"],
    "siglip": ["a photo of a bell", "two dogs bark"],
    "siglip2": ["a photo of a bell", "two dogs bark"],
}
_ENCODER = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
_ENDS = {"bos_token_id": 2, "eos_token_id": 1, "pad_token_id": 0}
_PICTURE = {"image_size": 32, "patch_size": 8, **_ENCODER}


def write_model(folder: Path, model_type: str, seed: int = 0, safetensors: bool = True) -> Path:
    """Write model, image processor and tokenizer; gives the folder."""
    torch.manual_seed(seed)
    folder.mkdir(parents=True)
    tokenizer, processor, model = globals()[f"_{model_type}"](folder)
    for part in (processor, tokenizer):
        part.save_pretrained(folder)
    model.eval().save_pretrained(folder)
    if not safetensors:
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    return folder


def _letters() -> dict[str, int]:
    """Byte-level BPE without merges: each letter, and each at a word's end."""
    letters = [chr(code) for code in range(33, 127)]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return {token: number for number, token in enumerate(tokens)}


def _clip(folder: Path):
    vocabulary = _letters()
    tokenizer = hf.CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=20)
    ends = {"bos_token_id": len(vocabulary) - 2, "eos_token_id": len(vocabulary) - 1, "pad_token_id": 1}
    text = {"vocab_size": len(vocabulary), "max_position_embeddings": 20, **_ENCODER, **ends}
    config = hf.CLIPConfig(text_config=text, vision_config=_PICTURE, projection_dim=12)
    return tokenizer, _cropping(hf.CLIPImageProcessor), hf.CLIPModel(config)


def _chinese_clip(folder: Path):
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set("".join(WORDS["chinese_clip"])))]
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    tokenizer = hf.BertTokenizer(vocab=str(folder / "vocab.txt"))
    text = {"vocab_size": len(tokens), "max_position_embeddings": 20, **_ENCODER}
    config = hf.ChineseCLIPConfig(text_config=text, vision_config=_PICTURE, projection_dim=12)
    return tokenizer, _cropping(hf.ChineseCLIPImageProcessor), hf.ChineseCLIPModel(config)


def _siglip(folder: Path):
    sentences = folder / "sentences.txt"
    sentences.write_text("\n".join(WORDS["siglip"] * 30), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(sentences), model_prefix=str(folder / "spiece"), vocab_size=34, model_type="bpe",
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2,
    )  # fmt: skip
    sentences.unlink()
    tokenizer = hf.SiglipTokenizer(
        str(folder / "spiece.model"), model_max_length=40, model_input_names=["input_ids"]
    )
    text = {"vocab_size": len(tokenizer), "max_position_embeddings": 40, **_ENCODER, **_ENDS}
    config = hf.SiglipConfig(text_config=text, vision_config=_PICTURE)
    return tokenizer, hf.SiglipImageProcessor(size={"height": 32, "width": 32}), hf.SiglipModel(config)


def _siglip2(folder: Path):
    letters = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *map(chr, range(97, 123))]
    tokenizer = hf.Siglip2Tokenizer(
        vocab={letter: number for number, letter in enumerate(letters)}, merges=[],
        model_max_length=40, model_input_names=["input_ids"],
    )  # fmt: skip
    text = {
        "vocab_size": len(letters),
        "max_position_embeddings": 40,
        "projection_size": 16,
        **_ENCODER,
        **_ENDS,
    }
    picture = {"patch_size": 8, "num_patches": 16, **_ENCODER}
    config = hf.Siglip2Config(text_config=text, vision_config=picture)
    processor = hf.Siglip2ImageProcessor(patch_size=8, max_num_patches=16)
    return tokenizer, processor, hf.Siglip2Model(config)


def _cropping(kind):
    return kind(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
