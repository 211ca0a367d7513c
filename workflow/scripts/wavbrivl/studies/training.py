"""Train a classifier of frames: on what frames show, not on their colours alone."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from wavbrivl.errors import UserError
from wavbrivl.progress import track
from wavbrivl.studies.frames import Frames
from wavbrivl.studies.network import FrameClassifier, FrameNetwork, as_pixels
from wavbrivl.teacher.augment import adjust_brightness, adjust_contrast, adjust_hue, to_gray

_SHIFT = 4
_COARSEST = 24
_NOISE = 0.06
_HIDDEN_WEIGHT = 4.0


@dataclass(frozen=True)
class Recipe:
    """How a classifier is trained.

    Attributes:
        width, steps, batch_size, learning_rate: as in the section `studies.judge`.
        recoloured: share of each batch that is turned to any hue or loses its colour; 0 for a classifier
            that sees true colours only.
        grayscale: share of the recoloured frames that lose their colour.
        degrade: blur and noise part of the frames, so that softness alone decides nothing.
    """

    width: int
    steps: int
    batch_size: int
    learning_rate: float
    recoloured: float
    grayscale: float
    degrade: bool


def train_classifier(frames: Frames, recipe: Recipe, seed: int, device: torch.device) -> FrameClassifier:
    """Train on frames and their labels; hidden parameters are learnt from undisturbed colours only.

    Raises:
        UserError: there are fewer than two classes.
    """
    labels = tuple(sorted(set(frames.labels)))
    if len(labels) < 2:
        raise UserError(f"a classifier of frames needs two classes or more, and there are {len(labels)}")
    place = {label: i for i, label in enumerate(labels)}
    targets = torch.tensor([place[label] for label in frames.labels], device=device)
    hidden = torch.from_numpy(frames.hidden).to(device)
    pixels = as_pixels(frames.images)
    torch.manual_seed(seed)
    network = FrameNetwork(len(labels), recipe.width).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), recipe.learning_rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, recipe.steps, pct_start=0.2
    )
    random = torch.Generator().manual_seed(seed)
    network.train()
    for rows in track(list(_orders(len(frames), recipe, random)), "steps of the classifier of frames"):
        changed = round(recipe.recoloured * len(rows))
        logits, measured = network(_views(pixels[rows].to(device), changed, recipe, random))
        loss = functional.cross_entropy(logits, targets[rows])
        loss = loss + _hidden_loss(measured[changed:], hidden[rows[changed:]])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        schedule.step()
    known = bool((~torch.isnan(hidden)).any())
    about = {"frames": len(frames), "seed": seed, "hidden": known, **recipe.__dict__}
    return FrameClassifier(network.eval(), labels, about)


def recoloured(pixels: Tensor, grayscale: float, random: torch.Generator) -> Tensor:
    """Turn each image to any hue, or take its colour, and change brightness and contrast a little."""
    count = len(pixels)
    turn, bright, contrast, drawn = torch.rand(4, count, generator=random).to(pixels.device)
    coloured = adjust_hue(pixels, turn)
    gray = to_gray(pixels).expand_as(pixels)
    pixels = torch.where((drawn < grayscale).view(-1, 1, 1, 1), gray, coloured)
    return adjust_contrast(adjust_brightness(pixels, 0.75 + 0.5 * bright), 0.75 + 0.5 * contrast)


def _orders(count: int, recipe: Recipe, random: torch.Generator) -> list[Tensor]:
    """The rows of each step: shuffled rounds, one after the other."""
    wanted = recipe.steps * recipe.batch_size
    rounds = [torch.randperm(count, generator=random) for _ in range(-(-wanted // count))]
    return list(torch.cat(rounds)[:wanted].split(recipe.batch_size))


def _views(pixels: Tensor, changed: int, recipe: Recipe, random: torch.Generator) -> Tensor:
    """The frames of a step, the first `changed` of them in other colours."""
    pixels = _moved(pixels, random)
    if changed:
        other = recoloured(pixels[:changed], recipe.grayscale, random)
        pixels = torch.cat([other, pixels[changed:]])
    return _degraded(pixels, random) if recipe.degrade else pixels


def _moved(pixels: Tensor, random: torch.Generator) -> Tensor:
    """Shift the batch by a few pixels, its edges repeated."""
    down, right = torch.randint(0, 2 * _SHIFT + 1, (2,), generator=random).tolist()
    side = pixels.shape[-1]
    padded = functional.pad(pixels, (_SHIFT,) * 4, mode="replicate")
    return padded[..., down : down + side, right : right + side]


def _degraded(pixels: Tensor, random: torch.Generator) -> Tensor:
    """Half of the images at a coarser resolution, and a little noise on every second one."""
    side = pixels.shape[-1]
    coarse = int(torch.randint(_COARSEST, side + 1, (1,), generator=random))
    soft = functional.interpolate(pixels, size=coarse, mode="area")
    soft = functional.interpolate(soft, size=side, mode="bilinear")
    blurred, noisy = (torch.rand(2, len(pixels), generator=random) < 0.5).to(pixels.device)
    noise = torch.randn(pixels.shape, generator=random).to(pixels.device) * _NOISE
    pixels = torch.where(blurred.view(-1, 1, 1, 1), soft, pixels)
    return (pixels + noise * noisy.view(-1, 1, 1, 1)).clamp(0, 1)


def _hidden_loss(measured: Tensor, hidden: Tensor) -> Tensor:
    """Mean squared error of the hidden parameters that are known; nothing where none is."""
    known = ~torch.isnan(hidden)
    error = torch.where(known, measured - torch.nan_to_num(hidden), 0.0)
    return _HIDDEN_WEIGHT * error.square().sum() / max(int(known.sum()), 1)
