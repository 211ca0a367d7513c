"""Configuration of the audio encoder in the Hugging Face layout."""

from typing import Any, ClassVar

from transformers import AutoConfig, PreTrainedConfig, WavLMConfig


class WavBriVLConfig(PreTrainedConfig):
    """Everything that is needed to build a WavBriVLModel.

    Args:
        wavlm: the backbone's own configuration.
        embedding_dim: width of the embedding `a` that downstream tasks use (the paper: 512).
        teacher_dim: width of the frozen teacher's space (released BriVL: 2048).
        projection_hidden: hidden width of the cross projections f and g.
        attention_layers: BriVL's self-attention layers before pooling; 0 leaves the block out.
        attention_heads: attention heads of that block.
        attention_feedforward: feed-forward width of that block (released BriVL: 2048).
        window_seconds: length of the training crops; longer sounds are embedded in such windows.
        loudness: the heads read the waveform's log-RMS beside the pooled features.
        freeze_backbone: the backbone is never trained and stays in evaluation mode.
        teacher: what the teacher was, for whoever loads the model later.
    """

    model_type = "wavbrivl"
    sub_configs_defaults: ClassVar = {"wavlm": WavLMConfig}

    wavlm: dict | WavLMConfig | None = None
    embedding_dim: int = 512
    teacher_dim: int = 2048
    projection_hidden: int = 512
    attention_layers: int = 0
    attention_heads: int = 4
    attention_feedforward: int = 2048
    window_seconds: float | int = 10.0
    sampling_rate: int = 16000
    loudness: bool = False
    freeze_backbone: bool = False
    teacher: dict[str, Any] | None = None

    @property
    def do_normalize(self) -> bool:
        """Whether waveforms are standardised first: WavLM large was trained so, base was not.

        The published preprocessing goes with the norm of the convolutions (torchaudio's
        pipelines: False, False, True for base, base-plus, large).
        """
        return self.wavlm.feat_extract_norm == "layer"


AutoConfig.register("wavbrivl", WavBriVLConfig)
