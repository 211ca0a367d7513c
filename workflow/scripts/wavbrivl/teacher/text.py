"""Texts as BriVL reads them: BERT's WordPiece, padded to one length."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from tokenizers import BertWordPieceTokenizer
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from torch import Tensor

from wavbrivl.errors import UserError

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


class Tokenizer:
    """WordPiece, lower-cased, each Chinese character a token.

    Args:
        vocabulary: the tokens (`read_vocabulary`); the position is the token's id.
        max_length: tokens that every text is cut or padded to, [CLS] and [SEP] included.
    """

    def __init__(self, vocabulary: Sequence[str], max_length: int):
        self.tokens = list(vocabulary)
        self._tokenizer = BertWordPieceTokenizer(
            vocab={token: number for number, token in enumerate(self.tokens)}, lowercase=True
        )
        self._tokenizer.enable_truncation(max_length)
        self._tokenizer.enable_padding(
            length=max_length, pad_id=self.tokens.index("[PAD]"), pad_token="[PAD]"
        )

    def __len__(self) -> int:
        return len(self.tokens)

    def __call__(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Token ids int64 [B, max_length] and a boolean mask, true where there is text."""
        encodings = self._tokenizer.encode_batch(list(texts))
        ids = torch.tensor([encoding.ids for encoding in encodings], dtype=torch.int64)
        mask = torch.tensor([encoding.attention_mask for encoding in encodings], dtype=torch.bool)
        return ids, mask


def read_vocabulary(path: Path | str) -> list[str]:
    """Read a WordPiece vocabulary: one token a line, the line number being its id.

    Raises:
        UserError: the file is missing, not UTF-8, has a token twice or lacks a special token.
    """
    try:
        tokens = Path(path).read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except FileNotFoundError:
        raise UserError(f"teacher.vocabulary: {path} does not exist") from None
    except UnicodeDecodeError:
        raise UserError(f"teacher.vocabulary: {path} is not UTF-8 text") from None
    tokens = [token.rstrip("\r") for token in tokens]
    missing = [token for token in SPECIAL if token not in tokens]
    if missing:
        raise UserError(f"teacher.vocabulary: {path} lacks the token {missing[0]}")
    if len(set(tokens)) != len(tokens):
        twice = next(token for number, token in enumerate(tokens) if token in tokens[:number])
        raise UserError(f"teacher.vocabulary: {path} has the token {twice!r} twice")
    return tokens


def build_vocabulary(captions: Iterable[str]) -> list[str]:
    """The special tokens and every word and Chinese character of the captions, sorted."""
    normaliser = BertNormalizer(lowercase=True)
    splitter = BertPreTokenizer()
    words = set()
    for caption in captions:
        normal = normaliser.normalize_str(caption)
        words.update(word for word, _ in splitter.pre_tokenize_str(normal))
    return [*SPECIAL, *sorted(words - set(SPECIAL))]
