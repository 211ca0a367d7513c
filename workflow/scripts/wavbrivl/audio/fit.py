"""Whether pretrained backbones allow what the configuration asks of them, told before any job runs."""

from pathlib import Path
from typing import NamedTuple

from wavbrivl.config.models import AudioEncoderConfig
from wavbrivl.errors import UserError
from wavbrivl.files import read_json


class Backbone(NamedTuple):
    """width: of its transformer. norm: of its convolutions; those with `layer` read standardised sound."""

    width: int
    norm: str


PUBLISHED = {
    "microsoft/wavlm-base": Backbone(768, "group"),
    "microsoft/wavlm-base-plus": Backbone(768, "group"),
    "microsoft/wavlm-large": Backbone(1024, "layer"),
}
"""By hub id, for those that are still to be fetched."""

NO_LOUDNESS = "audio_encoder.loudness: this WavLM reads standardised sound, which has no loudness"


def refuse_backbone(audio: AudioEncoderConfig, repo: str | None) -> None:
    """Compare one encoder's keys with its pretrained backbone, as far as that is known.

    Args:
        audio: the section `audio_encoder`, of the configuration or of a point of the grid.
        repo: hub id that the backbone is fetched from, if it is.

    Raises:
        UserError: naming the key that does not fit.
    """
    backbone = _backbone(Path(audio.wavlm.pretrained), repo) if audio.wavlm.pretrained else None
    if backbone is None:
        return
    if audio.loudness and backbone.norm == "layer":
        raise UserError(NO_LOUDNESS)
    if audio.attention_layers and backbone.width % audio.attention_heads:
        raise UserError(
            f"audio_encoder.attention_heads {audio.attention_heads} does not divide the width "
            f"{backbone.width} of {audio.wavlm.pretrained}"
        )


def _backbone(folder: Path, repo: str | None) -> Backbone | None:
    path = folder / "config.json"
    if not path.is_file():
        return PUBLISHED.get(repo or "")
    try:
        values = read_json(path)
        return Backbone(int(values["hidden_size"]), values.get("feat_extract_norm", "group"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"audio_encoder.wavlm.pretrained: {path} is none of a WavLM's ({error!r})") from None
