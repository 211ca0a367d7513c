"""The HEAR 2021 common API over an exported model.

A scene embedding is `a`; a timestamp embedding is the weighted sum of WavLM's layers every 20 ms.
Nothing here changes the model, so the two can be asked for in any order.
https://hearbenchmark.com/hear-api.html
"""

import torch
from torch import Tensor, nn

from wavbrivl.api.load import load_encoder
from wavbrivl.api.places import find_model
from wavbrivl.audio.embedding import embed_frames, embed_waveforms
from wavbrivl.audio.modeling import WavBriVLModel
from wavbrivl.errors import UserError

BATCH = 16


class HearModel(nn.Module):
    """An encoder with the three attributes that HEAR asks for.

    Attributes:
        sample_rate: of the sounds it takes, 16000 Hz.
        scene_embedding_size: width of `a`.
        timestamp_embedding_size: width of WavLM.
    """

    def __init__(self, encoder: WavBriVLModel) -> None:
        super().__init__()
        self.encoder = encoder
        self.sample_rate = int(encoder.config.sampling_rate)
        self.scene_embedding_size = int(encoder.config.embedding_dim)
        self.timestamp_embedding_size = int(encoder.config.wavlm.hidden_size)


def load_model(model_file_path: str = "") -> HearModel:
    """Load an exported model onto the CPU; `.to(device)` moves it.

    Args:
        model_file_path: the model's folder or hub id; there is no model to fall back to.

    Raises:
        UserError: no path, or nothing to load there.
    """
    if not model_file_path:
        raise UserError("load_model needs the folder of an exported model (hear-validator ... -m FOLDER)")
    return HearModel(load_encoder(find_model(model_file_path)))


def get_scene_embeddings(audio: Tensor, model: HearModel) -> Tensor:
    """One vector a sound.

    Args:
        audio: float [n_sounds, n_samples] in [-1, 1] at `model.sample_rate`, on the model's device.
        model: from `load_model`.

    Returns:
        float32 [n_sounds, scene_embedding_size], on the device of `audio`.

    Raises:
        ValueError: another shape, no samples, or values that are not finite.
    """
    embedded = embed_waveforms(model.encoder, _waveforms(audio), BATCH)
    return torch.from_numpy(embedded.embedding).to(audio.device)


def get_timestamp_embeddings(audio: Tensor, model: HearModel) -> tuple[Tensor, Tensor]:
    """A vector every 20 ms, centred on its timestamp.

    Args:
        audio, model: as in `get_scene_embeddings`.

    Returns:
        float32 [n_sounds, n_timestamps, timestamp_embedding_size] and, in milliseconds, float32
        [n_sounds, n_timestamps], both on the device of `audio`.

    Raises:
        ValueError: as `get_scene_embeddings`.
    """
    frames = embed_frames(model.encoder, _waveforms(audio), BATCH)
    features = torch.stack([torch.from_numpy(sound.features) for sound in frames])
    seconds = torch.stack([torch.from_numpy(sound.seconds) for sound in frames])
    return features.to(audio.device), (1000 * seconds).float().to(audio.device)


def _waveforms(audio: Tensor) -> list:
    if audio.ndim != 2 or not audio.shape[0]:
        raise ValueError(f"audio has the shape [n_sounds, n_samples], not {list(audio.shape)}")
    return list(audio.detach().float().cpu().numpy())
