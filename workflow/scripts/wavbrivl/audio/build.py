"""Build an encoder from the project's configuration."""

from pathlib import Path
from typing import Any

from transformers import WavLMConfig as BackboneConfig
from transformers import WavLMModel

from wavbrivl.audio.configuration import WavBriVLConfig
from wavbrivl.audio.fit import NO_LOUDNESS
from wavbrivl.audio.modeling import WavBriVLModel
from wavbrivl.config.models import AudioEncoderConfig, WavLMConfig
from wavbrivl.errors import UserError


def build_model(
    audio: AudioEncoderConfig, teacher_dim: int, teacher: dict[str, Any] | None = None
) -> WavBriVLModel:
    """Make an encoder with fresh heads; seed torch first.

    Args:
        audio: the section `audio_encoder`.
        teacher_dim: width of the teacher's embeddings.
        teacher: a description of the teacher, kept in the model's config.json.

    Raises:
        UserError: the configured backbone folder is missing or incomplete.
    """
    model = WavBriVLModel(model_config(audio, teacher_dim, teacher))
    if audio.wavlm.pretrained:
        model.set_backbone(_pretrained(audio.wavlm.pretrained, model.config.wavlm))
    return model


def model_config(
    audio: AudioEncoderConfig, teacher_dim: int, teacher: dict[str, Any] | None = None
) -> WavBriVLConfig:
    """Translate the section `audio_encoder` into the model's own configuration.

    Raises:
        UserError: loudness is asked of a backbone whose waveforms are standardised, which takes it away.
    """
    config = WavBriVLConfig(
        wavlm=_backbone_config(audio.wavlm),
        embedding_dim=audio.embedding_dim,
        teacher_dim=teacher_dim,
        projection_hidden=audio.projection_hidden,
        attention_layers=audio.attention_layers,
        attention_heads=audio.attention_heads,
        attention_feedforward=audio.attention_feedforward,
        window_seconds=audio.window_seconds,
        loudness=audio.loudness,
        freeze_backbone=audio.wavlm.freeze,
        teacher=teacher,
    )
    if config.loudness and config.do_normalize:
        raise UserError(NO_LOUDNESS)
    return config


def _backbone_config(wavlm: WavLMConfig) -> BackboneConfig:
    # WavLM's code asks for mask_feature_min_masks, but its configuration has no default for it.
    # Masking and layer dropping belong to WavLM's own pre-training; left on, they would act
    # silently in every fine-tuning step.
    said = {
        "apply_spec_augment": wavlm.masked,
        "layerdrop": 0.0,
        "hidden_dropout": wavlm.dropout,
        "attention_dropout": wavlm.dropout,
        "activation_dropout": wavlm.dropout,
    }
    if wavlm.masked:
        said |= {
            "mask_time_prob": wavlm.mask_time_prob,
            "mask_time_length": wavlm.mask_time_length,
            "mask_feature_prob": wavlm.mask_feature_prob,
            "mask_feature_length": wavlm.mask_feature_length,
        }
    if wavlm.pretrained:
        folder = _existing(wavlm.pretrained)
        config = BackboneConfig.from_pretrained(folder, local_files_only=True, **said)
        config.mask_feature_min_masks = 0
        return config
    channels = wavlm.conv_channels
    return BackboneConfig(
        hidden_size=wavlm.hidden_size,
        num_hidden_layers=wavlm.layers,
        num_attention_heads=wavlm.heads,
        intermediate_size=wavlm.intermediate_size,
        conv_dim=[channels] * 7 if isinstance(channels, int) else list(channels),
        num_conv_pos_embeddings=wavlm.position_kernel,
        mask_feature_min_masks=0,
        **{"mask_time_prob": 0.0, **said},
    )


def _pretrained(folder: str, config: BackboneConfig) -> WavLMModel:
    backbone, report = WavLMModel.from_pretrained(
        _existing(folder), config=config, local_files_only=True, output_loading_info=True
    )
    missing = sorted(report["missing_keys"])
    if missing:
        raise UserError(
            f"audio_encoder.wavlm.pretrained: {folder} lacks {len(missing)} weights, first {missing[0]}"
        )
    return backbone


def _existing(folder: str) -> str:
    if not (Path(folder) / "config.json").is_file():
        raise UserError(f"audio_encoder.wavlm.pretrained: {folder} holds no WavLM (config.json is missing)")
    return folder
