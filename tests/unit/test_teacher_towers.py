"""The towers: released names and shapes, normalised inputs, the quirks of BriVL's text tower."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from tests.teacher_samples import TINY
from torch.nn import functional

from wavbrivl.config.models import ImageTowerConfig
from wavbrivl.config.root import load_config
from wavbrivl.errors import UserError
from wavbrivl.teacher.checkpoint import empty_towers, preset
from wavbrivl.teacher.towers import ImageTower, TextTower

# Facts about the released checkpoints: 2,320 lines "key shape", sorted; shapes joined by "x".
DIGEST = "7156e01972f273ba071a69b9fb76ffe3d67ffbeb7682a6b4db611bb6027dc78b"
POSITIONS = "textencoder.backbone.bert.embeddings.position_ids"


@pytest.fixture(scope="module")
def released():
    return empty_towers(preset("nmi"), 21128)


def lines(state: dict[str, torch.Tensor]) -> list[str]:
    """Every key of both towers and their momentum copies, with BERT's old position_ids."""
    shapes = {key: tuple(value.shape) for key, value in state.items()} | {POSITIONS: (1, 512)}
    mom = {key.replace("encoder.", "encoder_mom.", 1): shape for key, shape in shapes.items()}
    return sorted(f"{key} {'x'.join(map(str, shape))}" for key, shape in (shapes | mom).items())


def test_keys_and_shapes_are_those_of_the_released_checkpoints(released):
    found = lines(released.state_dict())
    assert sum(line.startswith("imgencoder.") for line in found) == 908
    assert sum(line.startswith("textencoder.") for line in found) == 252
    assert len(found) == 2320
    assert hashlib.sha256("\n".join(found).encode()).hexdigest() == DIGEST


def test_the_list_of_released_keys_where_it_is_at_hand(released):
    path = Path(__file__).resolve().parents[3] / "shared" / "reference" / "brivl_state_dict_keys.json"
    if not path.is_file():
        pytest.skip("the full list of released keys is not at hand")
    expected = json.loads(path.read_text())
    assert lines(released.state_dict()) == sorted(
        f"{key} {'x'.join(map(str, shape))}" for key, shape in expected.items()
    )


def test_parameter_counts_of_the_released_model(released):
    def count(module):
        return sum(parameter.numel() for parameter in module.parameters())

    assert count(released.imgencoder) == 143_724_056
    assert count(released.textencoder) == 130_094_848
    assert count(released.imgencoder.backbone) == 30_389_784
    assert count(released.imgencoder.learnable["imgAtt"]) == 100_745_216
    assert count(released.imgencoder.learnable["imgFC"]) == 8_392_704
    assert count(released.imgencoder.learnable["max_pool"]) == 4_196_352
    assert count(released.textencoder.backbone) == 102_267_648
    # Two towers and their momentum copies: 547.6 million, 2.19 GB in single precision.
    assert 2 * (count(released.imgencoder) + count(released.textencoder)) == 547_637_808


@pytest.mark.parametrize(
    ("name", "side", "channels", "cells"),
    [("nmi", 360, 2048, 12), ("nmi", 380, 2048, 12), ("nmi", 456, 2048, 15), ("b7", 360, 2560, 12),
     ("b7", 600, 2560, 19)],
)  # fmt: skip
def test_feature_maps_of_the_released_backbones(name, side, channels, cells):
    with torch.device("meta"):
        backbone = ImageTower(preset(name).image, preset(name).embedding_dim).backbone
        features = backbone.forward_features(torch.empty(1, 3, side, side))
    assert tuple(features.shape) == (1, channels, cells, cells)


def test_the_arithmetic_of_the_released_layers(released):
    layers = released.imgencoder.learnable["imgAtt"].layers
    assert len(layers) == 4
    for layer, width in zip(
        [*layers, *released.textencoder.learnable["textAtt"].layers], [2048] * 4 + [768] * 4, strict=True
    ):
        assert (layer.self_attn.embed_dim, layer.self_attn.num_heads) == (width, 4)
        assert not layer.norm_first and layer.norm1.eps == 1e-5
        assert layer.activation is functional.relu and layer.linear1.out_features == 2048
        assert layer.dropout.p == 0.1
    assert released.imgencoder.backbone.bn1.eps == 1e-3
    bert = released.textencoder.backbone.bert.config
    assert (bert.num_attention_heads, bert.hidden_act, bert.type_vocab_size) == (12, "gelu", 2)


def test_baai_and_nmi_differ_in_image_size_only():
    baai, nmi = preset("baai"), preset("nmi")
    assert (baai.image.image_size, nmi.image.image_size) == (380, 456)
    assert baai.image.model_copy(update={"image_size": 456}) == nmi.image
    assert baai.text == nmi.text and nmi.text.max_length == 80


def test_the_papers_configuration_is_a_released_model():
    paper = load_config(Path(__file__).resolve().parents[2] / "config" / "paper.yaml").teacher
    assert (paper.image, paper.text) == (preset("nmi").image, preset("nmi").text)
    assert (paper.embedding_dim, paper.language) == (2048, "zh")


def test_image_tower_normalises_regions_before_attention():
    torch.manual_seed(0)
    tower = ImageTower(TINY.image, 16).eval()
    seen = []
    tower.learnable["imgAtt"].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        out = tower(torch.randn(2, 3, 32, 32))
    assert out.shape == (2, 16)
    assert seen[0].shape == (2, 5, 16)
    torch.testing.assert_close(seen[0].norm(dim=-1), torch.ones(2, 5))


def test_the_whole_image_alone_is_the_last_region():
    torch.manual_seed(0)
    whole = ImageTower(TINY.image.model_copy(update={"regions": "whole"}), 16).eval()
    pixels = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert whole.regions(pixels).shape == (2, 1, 16)
        box = torch.tensor([0.0, 0, 32, 32]).expand(2, 1, 4)
        torch.testing.assert_close(whole(pixels), whole(pixels, box))


def test_masked_regions_change_nothing():
    torch.manual_seed(0)
    tower = ImageTower(TINY.image, 16).eval()
    pixels = torch.randn(1, 3, 32, 32)
    boxes = torch.tensor([[[0.0, 0, 16, 16], [0, 0, 32, 32], [3, 3, 9, 9]]])
    mask = torch.tensor([[True, True, False]])
    with torch.no_grad():
        short = tower(pixels, boxes[:, :2])
        torch.testing.assert_close(tower(pixels, boxes, mask), short, atol=1e-6, rtol=1e-5)
        assert not torch.allclose(tower(pixels, boxes), short, atol=1e-4)


def test_text_tower_attends_to_padding_as_brivl_does():
    torch.manual_seed(0)
    tower = TextTower(TINY.text, 16, 30).eval()
    tokens = torch.tensor([[2, 7, 8, 3, 0, 0, 0, 0]])
    with torch.no_grad():
        eight, five = tower(tokens, tokens != 0), tower(tokens[:, :5], tokens[:, :5] != 0)
        bert = tower.backbone.bert
        unmasked = bert(tokens, attention_mask=torch.ones_like(tokens)).last_hidden_state
        torch.testing.assert_close(bert(tokens).last_hidden_state, unmasked)
        repeated = functional.normalize(eight, dim=-1)
        # After the BERT, padding no longer counts: what stands in its place there cannot be told.
        hidden = functional.normalize(unmasked, dim=-1)
        hidden[:, 4:] = torch.randn(1, 4, 16)
        attended = tower.learnable["textAtt"](hidden, src_key_padding_mask=tokens == 0)[:, :4].mean(dim=1)
        torch.testing.assert_close(
            functional.normalize(tower.learnable["textFC"](attended), dim=-1), repeated, atol=1e-5, rtol=1e-4
        )
    assert (functional.normalize(five, dim=-1) - repeated).abs().max() > 1e-4


def test_an_unknown_backbone_is_one_sentence():
    with pytest.raises(UserError, match=r"teacher\.image\.backbone 'no_such_net'"):
        ImageTower(ImageTowerConfig(backbone="no_such_net"), 8)
