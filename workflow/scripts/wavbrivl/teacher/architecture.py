"""Which towers a state dict belongs to, told by its keys and shapes alone."""

import re
from collections.abc import Mapping

from torch import Tensor

from wavbrivl.config.teacher import ImageTowerConfig, TeacherConfig, TextTowerConfig
from wavbrivl.errors import UserError
from wavbrivl.teacher.checkpoint import preset

BACKBONES = {
    (256, 5): "test_efficientnet",
    (1280, 16): "tf_efficientnet_b0",
    (1280, 23): "tf_efficientnet_b1",
    (1408, 23): "tf_efficientnet_b2",
    (1536, 26): "tf_efficientnet_b3",
    (1792, 32): "tf_efficientnet_b4",
    (2048, 39): "tf_efficientnet_b5",
    (2304, 45): "tf_efficientnet_b6",
    (2560, 55): "tf_efficientnet_b7",
}
"""timm's names by the channels of the last convolution and the number of blocks."""

_HEAD_WIDTH = 64  # of every published BERT; the number of heads leaves no trace in the shapes


def guess_config(weights: Mapping[str, Tensor]) -> TeacherConfig:
    """The configuration of the towers; what leaves no trace (heads, image size, padding) is the release's.

    Raises:
        UserError: a key that every BriVL has is missing, or the CNN is none of EfficientNet's sizes.
    """
    released = preset("nmi")
    image = "imgencoder."
    head = _shape(weights, f"{image}backbone.conv_head.weight")[0]
    blocks = len(
        {match[0] for key in weights if (match := re.match(rf"{image}backbone\.blocks\.\d+\.\d+", key))}
    )
    if (head, blocks) not in BACKBONES:
        raise UserError(f"a CNN of {blocks} blocks and {head} channels is none of EfficientNet's sizes")
    classifier = weights.get(f"{image}backbone.classifier.weight")
    width = _shape(weights, f"{image}learnable.max_pool.0.weight")[0]
    bert = _shape(weights, "textencoder.backbone.bert.embeddings.position_embeddings.weight")
    small = BACKBONES[head, blocks] == "test_efficientnet"
    tower = ImageTowerConfig(
        **released.image.model_dump(include={"antialias", "box_grid", "grid_size", "heads", "dropout"}),
        backbone=BACKBONES[head, blocks],
        output_stride=16 if small else 32,
        classifier=0 if classifier is None else classifier.shape[0],
        image_size=64 if small else released.image.image_size,
        width=width,
        layers=_layers(weights, f"{image}learnable.imgAtt.layers."),
        feedforward=_shape(weights, f"{image}learnable.imgAtt.layers.0.linear1.weight")[0],
    )
    text = TextTowerConfig(
        hidden_size=bert[1],
        positions=bert[0],
        bert_layers=_layers(weights, "textencoder.backbone.bert.encoder.layer."),
        bert_heads=bert[1] // _HEAD_WIDTH or 1,
        intermediate_size=_shape(
            weights, "textencoder.backbone.bert.encoder.layer.0.intermediate.dense.weight"
        )[0],
        layers=_layers(weights, "textencoder.learnable.textAtt.layers."),
        heads=released.text.heads,
        feedforward=_shape(weights, "textencoder.learnable.textAtt.layers.0.linear1.weight")[0],
        dropout=released.text.dropout,
        max_length=min(released.text.max_length, bert[0]),
    )
    dim = _shape(weights, f"{image}learnable.imgFC.fc2.weight")[0]
    return TeacherConfig(language="zh", embedding_dim=dim, image=tower, text=text)


def describe(config: TeacherConfig) -> str:
    """The towers in a line."""
    size = config.image.backbone.removeprefix("tf_").replace("efficientnet_b", "EfficientNet-B")
    return (
        f"{size}, {config.image.layers} self-attention layers of width {config.image.width}; BERT of "
        f"{config.text.bert_layers} layers and width {config.text.hidden_size}; "
        f"{config.embedding_dim} dimensions"
    )


def family(config: TeacherConfig) -> str | None:
    """`b5` for the architecture of both releases, `b7` for that of BriVL's article, None for another."""
    for name, known in (("b5", preset("nmi")), ("b7", preset("b7"))):
        same_image = config.image.model_copy(update={"image_size": known.image.image_size}) == known.image
        if same_image and config.text == known.text and config.embedding_dim == known.embedding_dim:
            return name
    return None


def vocabulary_size(weights: Mapping[str, Tensor]) -> int:
    """Tokens that the text tower has embeddings of."""
    return _shape(weights, "textencoder.backbone.bert.embeddings.word_embeddings.weight")[0]


def _shape(weights: Mapping[str, Tensor], key: str) -> tuple[int, ...]:
    if key not in weights:
        raise UserError(f"the key {key} is missing, which every BriVL has")
    if not weights[key].ndim:
        raise UserError(f"the key {key} holds a single number, not a tensor of weights")
    if not weights[key].numel():
        raise UserError(f"the key {key} is empty")
    return tuple(weights[key].shape)


def _layers(weights: Mapping[str, Tensor], prefix: str) -> int:
    found = len({key[len(prefix) :].split(".")[0] for key in weights if key.startswith(prefix)})
    if not found:
        raise UserError(f"no key begins with {prefix}, as every BriVL's do")
    return found
