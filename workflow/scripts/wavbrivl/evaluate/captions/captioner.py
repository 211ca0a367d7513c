"""From the frozen frames of a sound to words: a transformer with cross-attention, and its beam search."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import BartConfig, BartForConditionalGeneration

from wavbrivl.config.captions import CaptionerConfig
from wavbrivl.evaluate.captions.words import BEGIN, END, PAD, Vocabulary
from wavbrivl.evaluate.probe import Standardiser

_IGNORED = -100


class Captioner(nn.Module):
    """Frames are standardised, carried to the transformer's width, read by its encoder and put into words.

    Args:
        width: of a frame.
        words: size of the vocabulary.
        longest: frames of the longest sound.
        config: sizes.
    """

    def __init__(self, width: int, words: int, longest: int, config: CaptionerConfig):
        super().__init__()
        self.maximum_words, self.beams = config.maximum_words, config.beams
        self.label_smoothing = config.label_smoothing
        self.project = nn.Linear(width, config.width)
        self.transformer = BartForConditionalGeneration(
            BartConfig(
                vocab_size=words,
                d_model=config.width,
                encoder_layers=config.encoder_layers,
                encoder_attention_heads=config.heads,
                encoder_ffn_dim=config.feedforward,
                decoder_layers=config.decoder_layers,
                decoder_attention_heads=config.heads,
                decoder_ffn_dim=config.feedforward,
                dropout=config.dropout,
                max_position_embeddings=max(longest, config.maximum_words + 2),
                pad_token_id=PAD,
                bos_token_id=BEGIN,
                eos_token_id=END,
                decoder_start_token_id=BEGIN,
                forced_eos_token_id=None,
            )
        )

    def loss(self, frames: Tensor, mask: Tensor, captions: Tensor) -> Tensor:
        """Mean cross-entropy of the next word, smoothed in training.

        Args:
            frames: [batch, time, width], padded.
            mask: [batch, time], one where there is sound.
            captions: word numbers [batch, length], from BEGIN to END, padded.
        """
        logits = self.transformer(
            inputs_embeds=self.project(frames),
            attention_mask=mask,
            decoder_input_ids=captions[:, :-1],
            use_cache=False,
        ).logits
        targets = captions[:, 1:].masked_fill(captions[:, 1:] == PAD, _IGNORED)
        return functional.cross_entropy(
            logits.flatten(0, 1),
            targets.flatten(),
            ignore_index=_IGNORED,
            label_smoothing=self.label_smoothing if self.training else 0.0,
        )

    @torch.no_grad()
    def write(self, frames: Tensor, mask: Tensor) -> list[list[int]]:
        """Word numbers of one caption for each sound, the best of the beam search."""
        numbers = self.transformer.generate(
            inputs_embeds=self.project(frames),
            attention_mask=mask,
            num_beams=self.beams,
            do_sample=False,
            max_new_tokens=self.maximum_words + 1,
        )
        return numbers[:, 1:].tolist()


def stack_frames(
    sounds: Sequence[np.ndarray], scale: Standardiser, device: torch.device | str
) -> tuple[Tensor, Tensor]:
    """Standardise and pad frames [time, width] to [batch, time, width], and their mask [batch, time]."""
    rows = [scale(frames) for frames in sounds]
    stacked = nn.utils.rnn.pad_sequence(rows, batch_first=True)
    lengths = torch.tensor([len(frames) for frames in sounds])
    mask = (torch.arange(stacked.shape[1])[None] < lengths[:, None]).long()
    return stacked.to(device), mask.to(device)


def write_captions(
    captioner: Captioner,
    sounds: Sequence[np.ndarray],
    scale: Standardiser,
    vocabulary: Vocabulary,
    batch_size: int = 64,
) -> list[str]:
    """One caption for each sound; it does not depend on the others."""
    captioner.eval()
    device = next(captioner.parameters()).device
    captions = []
    for start in range(0, len(sounds), batch_size):
        frames, mask = stack_frames(sounds[start : start + batch_size], scale, device)
        captions += [vocabulary.decode(numbers) for numbers in captioner.write(frames, mask)]
    return captions
