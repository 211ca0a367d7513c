"""BriVL's two towers, with the module names under which the released weights were saved.

Source: the public inference code of BriVL (BAAI-WuDao/BriVL, neilfei/brivl-nmi), described in the
project's docs. The released model is these classes at the widths of `wavbrivl.teacher.checkpoint.preset`.
"""

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from wavbrivl.config.teacher import ImageTowerConfig, TextTowerConfig
from wavbrivl.errors import UserError
from wavbrivl.teacher.regions import grid_boxes, pooling_weights


class Projection(nn.Module):
    """Two linear layers with one ReLU between them, into the shared space."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.fc1 = nn.Linear(inputs, outputs)
        self.fc2 = nn.Linear(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(torch.relu(self.fc1(x)))


def attention_block(width: int, heads: int, feedforward: int, layers: int, dropout: float) -> nn.Module:
    """Post-norm self-attention layers with ReLU, no final norm, no position embedding."""
    layer = nn.TransformerEncoderLayer(width, heads, feedforward, dropout, batch_first=True)
    return nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)


def masked_mean(x: Tensor, mask: Tensor | None) -> Tensor:
    """Mean of [B, N, D] over the N entries that the boolean mask [B, N] keeps; all without a mask."""
    if mask is None:
        return x.mean(dim=1)
    kept = mask.unsqueeze(-1).to(x.dtype)
    return (x * kept).sum(dim=1) / kept.sum(dim=1)


class ImageTower(nn.Module):
    """CNN features, regions, self-attention over the regions, mean, projection.

    Args:
        config: widths and backbone; the backbone starts without pretrained weights.
        dim: width of the shared space.

    Raises:
        UserError: timm does not know the backbone, or it cannot be built as configured.
    """

    def __init__(self, config: ImageTowerConfig, dim: int):
        super().__init__()
        self.config = config
        self.backbone = _backbone(config)
        width = config.width
        # The released names are kept: "max_pool" is a 1x1 convolution before an average.
        self.learnable = nn.ModuleDict(
            {
                "imgFC": Projection(width, dim),
                "imgAtt": attention_block(
                    width, config.heads, config.feedforward, config.layers, config.dropout
                ),
                "max_pool": nn.Sequential(nn.Conv2d(self.backbone.num_features, width, kernel_size=1)),
            }
        )

    def forward(self, pixels: Tensor, boxes: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Embed images.

        Args:
            pixels: [B, 3, S, S], resized and normalised (`wavbrivl.teacher.preprocess`).
            boxes: [B, N, 4] regions in pixels of the S x S image; where absent the whole image alone, if
                `config.regions` says so, else the uniform grid.
            mask: boolean [B, N], false for regions that only fill up the list.

        Returns:
            [B, dim], not normalised.
        """
        regions = functional.normalize(self.regions(pixels, boxes), dim=-1)
        padding = None if mask is None else ~mask
        attended = self.learnable["imgAtt"](regions, src_key_padding_mask=padding)
        return self.learnable["imgFC"](masked_mean(attended, mask))

    def regions(self, pixels: Tensor, boxes: Tensor | None = None) -> Tensor:
        """Pool the regions of each image: [B, N, width], not normalised."""
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        features = self.backbone.forward_features(pixels)
        height, width = features.shape[-2:]
        if boxes is None:
            boxes = grid_boxes(self.config.image_size, self.config.box_grid).to(pixels.device)
            boxes = boxes[-1:] if self.config.regions == "whole" else boxes
        weights = pooling_weights(boxes, self.config.image_size, height, width, self.config.grid_size)
        pooled = weights.to(features.dtype) @ features.flatten(2).transpose(1, 2)
        # A 1x1 convolution commutes with sampling and averaging; after them it is far cheaper.
        convolution = self.learnable["max_pool"][0]
        return functional.linear(pooled, convolution.weight.flatten(1), convolution.bias)


def _backbone(config: ImageTowerConfig) -> nn.Module:
    options = {} if config.output_stride == 32 else {"output_stride": config.output_stride}
    try:
        return timm.create_model(config.backbone, pretrained=False, num_classes=config.classifier, **options)
    except (RuntimeError, TypeError, NotImplementedError, AssertionError) as error:
        raise UserError(f"teacher.image.backbone '{config.backbone}' cannot be built: {error}") from None


class _Bert(nn.Module):
    """Holds the BERT under the name that the released keys have."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.bert = BertModel(config, add_pooling_layer=True)


class TextTower(nn.Module):
    """BERT, self-attention over the tokens, mean, projection.

    Args:
        config: widths.
        dim: width of the shared space.
        vocabulary_size: entries of the WordPiece vocabulary.
    """

    def __init__(self, config: TextTowerConfig, dim: int, vocabulary_size: int):
        super().__init__()
        self.backbone = _Bert(
            BertConfig(
                vocab_size=vocabulary_size,
                hidden_size=config.hidden_size,
                num_hidden_layers=config.bert_layers,
                num_attention_heads=config.bert_heads,
                intermediate_size=config.intermediate_size,
                max_position_embeddings=config.positions,
                hidden_dropout_prob=config.dropout,
                attention_probs_dropout_prob=config.dropout,
            )
        )
        width = config.hidden_size
        self.learnable = nn.ModuleDict(
            {
                "textFC": Projection(width, dim),
                "textAtt": attention_block(
                    width, config.heads, config.feedforward, config.layers, config.dropout
                ),
            }
        )

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Embed texts.

        BriVL calls its BERT without an attention mask: padding is attended to, and an embedding
        depends on the padded length. The mask counts afterwards only, [CLS] and [SEP] included.

        Args:
            tokens: int64 [B, L], padded to the configured length.
            mask: boolean [B, L], false for padding.

        Returns:
            [B, dim], not normalised.
        """
        hidden = self.backbone.bert(tokens).last_hidden_state
        hidden = functional.normalize(hidden, dim=-1)
        attended = self.learnable["textAtt"](hidden, src_key_padding_mask=~mask)
        return self.learnable["textFC"](masked_mean(attended, mask))


class Towers(nn.Module):
    """Both towers; `state_dict` has the released names, `imgencoder.*` and `textencoder.*`."""

    def __init__(self, image: ImageTowerConfig, text: TextTowerConfig, dim: int, vocabulary_size: int):
        super().__init__()
        # Channels last is how convolutions are fastest; names, shapes and saved files stay as they are.
        self.imgencoder = ImageTower(image, dim).to(memory_format=torch.channels_last)
        self.textencoder = TextTower(text, dim, vocabulary_size)
