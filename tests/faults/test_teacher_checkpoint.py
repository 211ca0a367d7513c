"""Released checkpoints are hostile until checked: nothing runs, nothing is guessed, keys fit or are named."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.teacher_samples import TINY

from wavbrivl.config.models import TeacherConfig
from wavbrivl.errors import UserError
from wavbrivl.files import sha256_of
from wavbrivl.teacher.checkpoint import (
    empty_towers,
    outside_training,
    preset,
    read_checkpoint,
    read_learnable,
)
from wavbrivl.teacher.model import convert_checkpoint, load_teacher
from wavbrivl.teacher.regions import grid_boxes, sampling_positions
from wavbrivl.teacher.text import SPECIAL

VOCABULARY = [*SPECIAL, "铃", "响"]


class Trap:
    """Touches a file when it is unpickled."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return (Path.touch, (self.marker,))


def released_state(config: TeacherConfig, vocabulary_size: int, seed: int, cheap: bool = False) -> dict:
    """Every key that a released checkpoint of this size has, filled from a seeded generator.

    `cheap` repeats one drawn row, or number, over a whole tensor, so that the pickle stays small.
    """
    generator = torch.Generator().manual_seed(seed)

    def filled(key: str, like: torch.Tensor) -> torch.Tensor:
        if not like.is_floating_point():
            return torch.zeros(like.shape, dtype=like.dtype)
        shape = like.shape[-1:] if cheap and like.dim() < 4 else torch.Size([1]) if cheap else like.shape
        values = torch.randn(shape, generator=generator) * 0.02
        return (values.abs() + 0.5 if key.endswith("running_var") else values).expand(like.shape)

    shapes = empty_towers(config, vocabulary_size).state_dict()
    state = {key: filled(key, like) for key, like in shapes.items()}
    positions = torch.arange(config.text.positions).unsqueeze(0)
    state["textencoder.backbone.bert.embeddings.position_ids"] = positions
    return state | {key.replace("encoder.", "encoder_mom.", 1): value for key, value in state.items()}


def write(folder: Path, config: TeacherConfig, learnable: dict, vocabulary=VOCABULARY) -> TeacherConfig:
    """Save in the released format; the configuration that points there."""
    torch.save({"learnable": learnable, "epoch": 3}, folder / "brivl.pth")
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    update = {
        "checkpoint": str(folder / "brivl.pth"),
        "checkpoint_sha256": sha256_of(folder / "brivl.pth"),
        "vocabulary": str(folder / "vocab.txt"),
    }
    return config.model_copy(update=update)


def test_a_checkpoint_is_converted_once_and_loads_strictly(tmp_path):
    state = released_state(TINY, len(VOCABULARY), seed=1)
    config = write(tmp_path, TINY, state)
    convert_checkpoint(config, tmp_path / "teacher")
    teacher = load_teacher(tmp_path / "teacher")
    kept = {key for key in state if "_mom." not in key and not key.endswith("position_ids")}
    assert set(teacher.towers.state_dict()) == kept
    for key, value in teacher.towers.state_dict().items():
        assert torch.equal(value, state[key]), key
    embedded = teacher.embed_images(np.zeros((1, 20, 30, 3), np.uint8))
    assert np.linalg.norm(embedded) == pytest.approx(1, abs=1e-5)


def published_state(seed: int) -> dict[str, torch.Tensor]:
    """Every key of the published list, filled from a seeded generator; a row stands for a whole tensor.

    The list is that of the released files, not of the towers here. Where it is not at hand, the towers' own
    keys are taken, whose digest tests/unit/test_teacher_towers.py compares with the list's.
    """
    path = Path(__file__).resolve().parents[3] / "shared" / "reference" / "brivl_state_dict_keys.json"
    if not path.is_file():
        return released_state(preset("baai"), 21128, seed, cheap=True)
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for key, shape in json.loads(path.read_text(encoding="utf-8")).items():
        if key.endswith("position_ids"):
            state[key] = torch.arange(512).expand(shape)
        elif key.endswith("num_batches_tracked"):
            state[key] = torch.zeros(shape, dtype=torch.int64)
        else:
            row = torch.randn(shape[-1:] if len(shape) < 4 else [1], generator=generator) * 0.02
            state[key] = (row.abs() + 0.5 if key.endswith("running_var") else row).expand(shape)
    return state


@pytest.mark.slow
def test_every_released_key_loads_at_full_size(tmp_path):
    config, vocabulary = preset("baai"), [*SPECIAL, *(f"word{n}" for n in range(21128 - len(SPECIAL)))]
    state = published_state(seed=2)
    assert len(state) == 2320
    convert_checkpoint(write(tmp_path, config, state, vocabulary), tmp_path / "teacher")
    (tmp_path / "brivl.pth").unlink()
    teacher = load_teacher(tmp_path / "teacher")
    for key in ("imgencoder.learnable.imgFC.fc1.weight", "textencoder.learnable.textFC.fc2.bias"):
        assert torch.equal(teacher.towers.state_dict()[key], state[key])
    with torch.no_grad():
        features = teacher.towers.imgencoder.backbone.forward_features(torch.zeros(1, 3, 380, 380))
    assert features.shape == (1, 2048, 12, 12)
    counts = [sum(p.numel() for p in tower.parameters()) for tower in teacher.towers.children()]
    assert counts == [143_724_056, 130_094_848]
    for size, cells, whole in (
        (380, 12, (1.136, 4.409, 7.682, 10.955)),
        (456, 15, (1.509, 5.527, 9.545, 13.562)),
    ):
        boxes = grid_boxes(size, 6) / (size / cells)
        sampled = sampling_positions(boxes[:, 0], boxes[:, 2], cells, 4)[36]
        torch.testing.assert_close(sampled, torch.tensor(whole), atol=6e-4, rtol=0)
    with torch.no_grad():
        raw = teacher.towers.imgencoder(torch.zeros(1, 3, 380, 380))
    # The towers end in a linear layer: it is the teacher that normalises, once.
    assert abs(raw.norm().item() - 1) > 1e-3
    image = np.random.default_rng(0).integers(0, 256, (1, 360, 360, 3), dtype=np.uint8)
    for embedded in (teacher.embed_images(image), teacher.embed_texts(["word1 word7"])):
        assert embedded.shape == (1, 2048)
        assert np.linalg.norm(embedded) == pytest.approx(1, abs=1e-5)


def test_momentum_copies_and_position_ids_are_left_out(tmp_path):
    torch.save(
        {"learnable": released_state(TINY, 7, seed=1), "optimizer": {"lr": 1.0}}, tmp_path / "brivl.pth"
    )
    everything, kept = read_learnable(tmp_path / "brivl.pth"), read_checkpoint(tmp_path / "brivl.pth")
    assert sum(key.endswith("position_ids") for key in everything) == 2
    assert set(kept) == {key for key in everything if "_mom." not in key and not key.endswith("position_ids")}


def test_half_precision_weights_become_single(tmp_path):
    state = {key: value.half() for key, value in released_state(TINY, len(VOCABULARY), seed=1).items()}
    convert_checkpoint(write(tmp_path, TINY, state), tmp_path / "teacher")
    weights = load_teacher(tmp_path / "teacher").towers.state_dict()
    assert all(value.dtype == torch.float32 for value in weights.values() if value.is_floating_point())


def test_the_uniform_grid_with_baais_size_is_warned_of(tmp_path, caplog):
    assert outside_training(preset("baai")) and not outside_training(preset("nmi"))
    for regions in ("whole", "boxes"):
        image = preset("baai").image.model_copy(update={"regions": regions})
        assert outside_training(preset("baai").model_copy(update={"image": image})) is None
    with (
        caplog.at_level("WARNING", "wavbrivl"),
        pytest.raises(UserError, match="checkpoints carry no vocabulary"),
    ):
        convert_checkpoint(preset("baai"), tmp_path / "teacher")
    assert "a detector's boxes" in caplog.text


@pytest.mark.parametrize("way", ["torch", "pickle", "hidden"])
def test_a_malicious_pickle_is_refused_and_nothing_runs(tmp_path, way):
    marker, path = tmp_path / "marker", tmp_path / "brivl.pth"
    if way == "torch":
        torch.save({"learnable": Trap(marker)}, path)
    elif way == "hidden":
        torch.save({"learnable": released_state(TINY, 7, seed=1), "optimizer": Trap(marker)}, path)
    else:
        path.write_bytes(pickle.dumps({"learnable": Trap(marker)}))
    with pytest.raises(UserError, match="refused"):
        read_checkpoint(path)
    assert not marker.exists()
    pickle.loads(pickle.dumps(Trap(marker)))  # the trap itself works
    assert marker.exists()


def test_what_is_not_the_checkpoint_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        read_checkpoint(tmp_path / "brivl.pth")
    path = tmp_path / "brivl.pth"
    path.write_text("<html>not found</html>")
    with pytest.raises(UserError, match=r"brivl\.pth"):
        read_checkpoint(path)
    torch.save({"state_dict": {}}, path)
    with pytest.raises(UserError, match="'learnable'"):
        read_checkpoint(path)
    with pytest.raises(UserError, match=r"checkpoint_sha256.*has the checksum"):
        read_checkpoint(path, "0" * 64)
    torch.save({"learnable": {"imgencoder.x": 3}}, path)
    with pytest.raises(UserError, match="no tensor"):
        read_checkpoint(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match=r"brivl\.pth"):
        read_checkpoint(path)


def test_keys_that_do_not_fit_are_counted_and_named(tmp_path):
    state = released_state(TINY, len(VOCABULARY), seed=1)
    del state["imgencoder.learnable.imgFC.fc1.bias"]
    state["imgencoder.extra"] = torch.zeros(1)
    state["textencoder.learnable.textFC.fc2.bias"] = torch.zeros(17)
    with pytest.raises(UserError) as caught:
        convert_checkpoint(write(tmp_path, TINY, state), tmp_path / "teacher")
    message = str(caught.value)
    assert "1 missing (first: imgencoder.learnable.imgFC.fc1.bias)" in message
    assert "1 unknown (first: imgencoder.extra)" in message
    assert "1 of another shape (first: textencoder.learnable.textFC.fc2.bias)" in message
    assert not (tmp_path / "teacher").exists()


def test_a_checkpoint_needs_a_vocabulary(tmp_path):
    config = TINY.model_copy(update={"checkpoint": str(tmp_path / "brivl.pth")})
    with pytest.raises(UserError, match=r"teacher\.vocabulary"):
        convert_checkpoint(config, tmp_path / "teacher")
