"""What a pretrained backbone does not allow is refused by its key before any job runs."""

import pytest

from wavbrivl.audio.fit import refuse_backbone
from wavbrivl.config import parse_config
from wavbrivl.config.models import AudioEncoderConfig
from wavbrivl.errors import UserError
from wavbrivl.files import write_json
from wavbrivl.workflow.plan import plan_run

LARGE = {"hidden_size": 1024, "feat_extract_norm": "layer"}


def encoder(path, **keys):
    return AudioEncoderConfig(wavlm={"pretrained": str(path)}, **keys)


def test_a_folder_that_is_there_tells_norm_and_width(tmp_path):
    write_json(tmp_path / "config.json", LARGE)
    refuse_backbone(encoder(tmp_path, attention_layers=4), None)
    with pytest.raises(UserError, match=r"audio_encoder\.loudness: .* standardised"):
        refuse_backbone(encoder(tmp_path, loudness=True), None)
    with pytest.raises(UserError, match=r"audio_encoder\.attention_heads 6 does not divide the width 1024"):
        refuse_backbone(encoder(tmp_path, attention_layers=1, attention_heads=6), None)
    # 96, the width of a WavLM that is built, has nothing to do with it; without layers, heads are not used.
    refuse_backbone(encoder(tmp_path, attention_layers=1, attention_heads=64), None)
    refuse_backbone(encoder(tmp_path, attention_heads=6), None)
    write_json(tmp_path / "config.json", {"model_type": "bert"})
    with pytest.raises(UserError, match=r"audio_encoder\.wavlm\.pretrained: .*none of a WavLM's"):
        refuse_backbone(encoder(tmp_path), None)


@pytest.mark.parametrize("grid", [{}, {"audio_encoder.loudness": [False, True]}])
def test_a_registered_backbone_is_known_before_it_is_fetched(tmp_path, monkeypatch, grid):
    monkeypatch.chdir(tmp_path)

    def planned(name, loudness):
        audio = {"wavlm": {"pretrained": f"data/weights/{name}"}, "loudness": loudness}
        config = parse_config({"audio_encoder": audio, "search": {"grid": grid}})
        return plan_run(config, tmp_path / "data")

    planned("wavlm-base-plus", True)
    with pytest.raises(UserError, match=r"audio_encoder\.loudness"):
        planned("wavlm-large", not grid)
