"""The audio encoder as a Hugging Face model (paper, section 2.3; `docs` list the deviations)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedModel, WavLMModel
from transformers import initialization as init
from transformers.utils import ModelOutput

from wavbrivl.audio.configuration import WavBriVLConfig
from wavbrivl.audio.heads import CrossHeads, LayerPooling


@dataclass
class WavBriVLOutput(ModelOutput):
    """What the encoder gives for a batch of equally long waveforms.

    embedding: `a` [batch, embedding_dim], for downstream tasks; not normalised.
    projection: g(a) [batch, teacher_dim], for comparison with images and texts; not normalised.
    frames: [batch, time, width], one vector every 20 ms, before pooling over time.
    pooled: [batch, width], their mean; with the log-RMS behind it where the configuration says loudness.
    """

    embedding: Tensor | None = None
    projection: Tensor | None = None
    frames: Tensor | None = None
    pooled: Tensor | None = None


class WavBriVLModel(PreTrainedModel):
    """WavLM on raw 16 kHz sound, layer weights, pooling, an MLP, and the cross projections."""

    config: WavBriVLConfig
    config_class = WavBriVLConfig
    base_model_prefix = "wavbrivl"
    main_input_name = "input_values"
    input_modalities = "audio"
    supports_gradient_checkpointing = True

    def __init__(self, config: WavBriVLConfig) -> None:
        super().__init__(config)
        width, beside = config.wavlm.hidden_size, int(config.loudness)
        self.wavlm = WavLMModel(config.wavlm)
        self.pooling = LayerPooling(
            config.wavlm.num_hidden_layers + 1,
            width,
            config.attention_layers,
            config.attention_heads,
            config.attention_feedforward,
            beside,
        )
        self.heads = CrossHeads(
            width + beside, config.embedding_dim, config.teacher_dim, config.projection_hidden
        )
        self.post_init()
        self.set_backbone(self.wavlm)

    def set_backbone(self, wavlm: WavLMModel) -> None:
        """Put another backbone of the same configuration in, and mark what must not be trained."""
        self.wavlm = wavlm
        masking = getattr(wavlm, "masked_spec_embed", None)
        if masking is not None and not wavlm.config.apply_spec_augment:
            masking.requires_grad_(False)
        if self.config.freeze_backbone:
            wavlm.requires_grad_(False)

    def train(self, mode: bool = True) -> "WavBriVLModel":
        """Switch modes; a frozen backbone stays in evaluation mode.

        The convolutions have no dropout: in training mode they only ask for the gradient of the
        waveform, which nothing uses unless activations are recomputed.
        """
        super().train(mode)
        if self.config.freeze_backbone:
            self.wavlm.eval()
        elif not self.is_activation_checkpointing:
            self.wavlm.feature_extractor.eval()
        return self

    def hidden_states(self, input_values: Tensor) -> tuple[Tensor, ...]:
        """All hidden states of the backbone, layers + 1 tensors [batch, time, width].

        The last one is taken after the encoder's final norm, as Hugging Face did for WavLM large
        before version 5 (base has no such norm), so that this norm is trained too. With `loudness`, each
        state has the waveform's log-RMS as one channel more.
        """
        learn = torch.is_grad_enabled() and not self.config.freeze_backbone
        with torch.set_grad_enabled(learn):
            output = self.wavlm(input_values, output_hidden_states=True)
        states = (*output.hidden_states[:-1], output.last_hidden_state)
        return with_loudness(states, input_values) if self.config.loudness else states

    def forward(self, input_values: Tensor) -> WavBriVLOutput:
        """Embed waveforms of one length; nothing is padded or masked.

        Args:
            input_values: [batch, samples] at 16 kHz, at least 400 samples, as the processor gives
                them (standardised where the configuration says so).
        """
        frames, pooled = self.pooling(self.hidden_states(input_values))
        embedding, projection = self.heads(pooled)
        return WavBriVLOutput(embedding=embedding, projection=projection, frames=frames, pooled=pooled)

    def project_images(self, images: Tensor) -> Tensor:
        """f(v): teacher embeddings [batch, teacher_dim] into the audio space [batch, embedding_dim]."""
        return self.heads.image_projection(images)

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            init.xavier_uniform_(module.weight)
            init.zeros_(module.bias)
        elif isinstance(module, LayerPooling):
            init.zeros_(module.layer_weights)
        else:
            super()._init_weights(module)


def with_loudness(states: tuple[Tensor, ...], waveforms: Tensor) -> tuple[Tensor, ...]:
    """Append log10 of the RMS of waveforms [batch, samples] to states [batch, time, width]; silence is -5."""
    loudness = torch.log10(waveforms.float().square().mean(dim=1).sqrt() + 1e-5)
    return tuple(
        torch.cat([state, loudness.to(state.dtype)[:, None, None].expand(-1, state.shape[1], 1)], dim=2)
        for state in states
    )


AutoModel.register(WavBriVLConfig, WavBriVLModel)
