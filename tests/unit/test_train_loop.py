"""Training as a whole: what it writes, that it learns, and that an interruption changes nothing."""

import json
import logging

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tests.train_corpus import DIM, FakeShards, tiny_audio, tiny_training, write_all
from transformers import AutoModel
from transformers.models.wavlm.modeling_wavlm import WavLMFeedForward

from wavbrivl import compute
from wavbrivl.audio.embedding import embed_waveforms
from wavbrivl.audio.processing import WavBriVLProcessor
from wavbrivl.errors import UserError
from wavbrivl.teacher.digest import weights_digest
from wavbrivl.train import loop
from wavbrivl.train.checkpoint import load_best
from wavbrivl.train.export import export_model, load_trained
from wavbrivl.train.loop import Trainer, train_encoder
from wavbrivl.train.optimizer import make_optimizer, rate_factor


class KilledError(Exception):
    """Stands for a kill between two steps."""


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Two threads that wait for each other are slow where tests run side by side."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compute, "THREADS", 1)
        yield


def run(out, config=None, validation=6, wavlm=None, **changes):
    train, held_out = FakeShards("train", 20), FakeShards("validation", validation)
    embeddings = write_all(out.parent / f"data{validation}", train, held_out)
    values = {"config": config or tiny_training(), "seed": 1, **changes}
    audio = tiny_audio(wavlm={"dropout": 0.1, **(wavlm or {})})
    train_encoder(train, held_out, embeddings, audio, out=out, **values)


def rows(out):
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def steps_on_board(out, tag="train/loss"):
    board = EventAccumulator(str(out / "tensorboard"))
    board.Reload()
    return [event.step for event in board.Scalars(tag)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("finished") / "run"
    run(out)
    return out


def test_files_and_rows(finished):
    train = [row for row in rows(finished) if row["kind"] == "train"]
    assert [row["step"] for row in train] == [2, 4, 6, 8, 10, 12] == steps_on_board(finished)
    assert train[-1]["loss"] == pytest.approx(sum(train[-1]["parts"].values()), rel=1e-5)
    assert sum(train[-1]["layer_weights"]) == pytest.approx(1)
    validation = [row for row in rows(finished) if row["kind"] == "validation"]
    on_board = steps_on_board(finished, "validation/mrr_audio_to_image")
    assert [row["step"] for row in validation] == [5, 10, 12] == on_board
    state = torch.load(finished / "last.pt", weights_only=True)
    assert state["step"] == 12
    best = load_file(finished / "best.safetensors")
    assert best.keys() == state["model"].keys()


@pytest.mark.parametrize("step", [1, 5, 7, 11])
def test_an_interrupted_run_ends_with_the_same_bits(finished, tmp_path, monkeypatch, step):
    update = Trainer._update

    def interrupted(self, batch):
        if self.step == step:
            raise KilledError
        return update(self, batch)

    monkeypatch.setattr(Trainer, "_update", interrupted)
    with pytest.raises(KilledError):
        run(tmp_path / "run")
    monkeypatch.undo()
    # A workflow may take away the outputs that it knows of before it starts the job again.
    (tmp_path / "run" / "best.safetensors").unlink(missing_ok=True)
    (tmp_path / "run" / "metrics.jsonl").unlink()
    run(tmp_path / "run")
    same_result(finished, tmp_path / "run")
    assert steps_on_board(tmp_path / "run") == [2, 4, 6, 8, 10, 12]


def same_result(expected, got):
    one, two = (torch.load(folder / "last.pt", weights_only=True) for folder in (expected, got))
    for part in ("model", "momentum", "objective"):
        for name, tensor in one[part].items():
            torch.testing.assert_close(two[part][name], tensor, rtol=0, atol=0, msg=f"{part}.{name}")
    for index, moments in one["optimizer"]["state"].items():
        for name, tensor in moments.items():
            torch.testing.assert_close(two["optimizer"]["state"][index][name], tensor, rtol=0, atol=0)
    assert (expected / "best.safetensors").read_bytes() == (got / "best.safetensors").read_bytes()
    timing = {"step_seconds", "wait_seconds"}
    plain = [[{k: v for k, v in row.items() if k not in timing} for row in rows(f)] for f in (expected, got)]
    assert plain[0] == plain[1]


def test_a_finished_run_does_nothing_but_put_its_outputs_back(finished, monkeypatch):
    before = {name: (finished / name).read_bytes() for name in ("best.safetensors", "metrics.jsonl")}
    for name in before:
        (finished / name).unlink()
    monkeypatch.setattr(Trainer, "_update", lambda *_: pytest.fail("a finished run was trained on"))
    run(finished)
    assert before == {name: (finished / name).read_bytes() for name in before}


@pytest.mark.parametrize("change", [{"seed": 2}, {"revision": "other"}, {"config": tiny_training(steps=4)}])
def test_another_configuration_starts_anew(tmp_path, caplog, change):
    run(tmp_path / "run", tiny_training(steps=3))
    with caplog.at_level(logging.WARNING, "wavbrivl"):
        run(tmp_path / "run", **{"config": tiny_training(steps=3), **change})
    assert "another configuration" in caplog.text
    numbers = [row["step"] for row in rows(tmp_path / "run") if row["kind"] == "train"]
    assert numbers == sorted(set(numbers))


def test_a_damaged_checkpoint_is_said_and_replaced(tmp_path, caplog):
    run(tmp_path / "run", tiny_training(steps=3))
    (tmp_path / "run" / "last.pt").write_bytes(b"not a checkpoint")
    run(tmp_path / "run", tiny_training(steps=3))
    assert "cannot be read" in caplog.text
    assert torch.load(tmp_path / "run" / "last.pt", weights_only=True)["step"] == 3


SIGLIP = {"loss": "siglip", "temperature": 0.2, "siglip_bias": -2}


@pytest.mark.parametrize("change", [{"loss": "in_batch"}, SIGLIP, {"momentum_scope": "full"}, {}])
def test_held_out_sounds_find_their_images(tmp_path, change):
    config = tiny_training(steps=60, learning_rate=1e-2, validate_every=30, noise_snr_db=None, **change)
    run(tmp_path / "run", config, validation=8)
    last = [row for row in rows(tmp_path / "run") if row["kind"] == "validation"][-1]
    chance = sum(1 / r for r in range(1, 9)) / 8  # 0.34; the class alone, of which there are two each: 0.75
    assert (last["mrr_audio_to_image"] + last["mrr_image_to_audio"]) / 2 > chance + 0.15


def test_training_ends_when_validation_gets_no_better(tmp_path, monkeypatch):
    scores = iter([0.3, 0.5, 0.4, 0.5, 0.5, 0.9])
    result = lambda score: {"mrr_audio_to_image": score, "mrr_image_to_audio": score, "gallery": 6}  # noqa: E731
    monkeypatch.setattr(loop, "validate", lambda *_: result(next(scores)))
    run(tmp_path / "run", tiny_training(steps=40, validate_every=2, patience=3))
    assert torch.load(tmp_path / "run" / "last.pt", weights_only=True)["step"] == 10
    facts = load_best(tmp_path / "run" / "best.safetensors")[1]
    assert facts == {"step": "4", "validation_mrr": "0.500000"}
    monkeypatch.setattr(Trainer, "_update", lambda *_: pytest.fail("an ended run was trained on"))
    run(tmp_path / "run", tiny_training(steps=40, validate_every=2, patience=3))


def last_losses(out):
    return [row["loss"] for row in rows(out) if row["kind"] == "train"]


def test_recomputed_activations_change_nothing(finished, tmp_path, monkeypatch):
    passes = {"kept": 0, "recomputed": 0}
    forward = WavLMFeedForward.forward
    for name in passes:

        def counted(self, hidden, name=name):
            passes[name] += self.training
            return forward(self, hidden)

        monkeypatch.setattr(WavLMFeedForward, "forward", counted)
        run(tmp_path / name, tiny_training(activation_checkpointing=name == "recomputed"))
    assert passes["recomputed"] == 2 * passes["kept"] > 0, "once more for the gradient"
    np.testing.assert_allclose(last_losses(tmp_path / "recomputed"), last_losses(finished), rtol=1e-5)


def test_a_compiled_backbone_gives_the_same_losses(finished, tmp_path, monkeypatch):
    compiled = []

    def backend(graph, inputs):
        compiled.append(graph)
        return graph.forward

    monkeypatch.setattr(loop, "COMPILER", backend)
    run(tmp_path / "run", tiny_training(compile=True))
    assert compiled
    np.testing.assert_allclose(last_losses(tmp_path / "run"), last_losses(finished), rtol=1e-4)


def test_half_precision_runs_the_encoder_only(finished, tmp_path):
    run(tmp_path / "run", tiny_training(precision="bfloat16"))
    got, expected = last_losses(tmp_path / "run"), last_losses(finished)
    assert got != expected
    np.testing.assert_allclose(got[0], expected[0], rtol=0.02)
    state = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    tensors = [*state["model"].values(), *state["objective"].values()]
    assert {t.dtype for t in tensors if t.is_floating_point()} == {torch.float32}


def what_the_transformer_reads(model, values):
    """Hidden states that enter the transformer, in training mode and in evaluation mode."""
    seen = []
    handle = model.wavlm.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    model.train().hidden_states(values)[-1].sum().backward()
    with torch.no_grad():
        model.eval().hidden_states(values)
    handle.remove()
    return seen


def test_frames_are_masked_in_training_only():
    torch.manual_seed(0)
    model = loop.build_model(tiny_audio(wavlm={"mask_time_prob": 0.5, "mask_time_length": 1}), DIM)
    mask = model.wavlm.masked_spec_embed
    trained, evaluated = what_the_transformer_reads(model, torch.randn(3, 1600))
    share = (trained == mask).all(dim=2).float().mean()
    assert 0.2 < share < 0.6 and not (evaluated == mask).all(dim=2).any()
    assert mask.grad.abs().max() > 0


def test_features_are_masked_in_training_only():
    torch.manual_seed(0)
    model = loop.build_model(tiny_audio(wavlm={"mask_feature_prob": 0.4, "mask_feature_length": 2}), DIM)
    trained, evaluated = what_the_transformer_reads(model, torch.randn(3, 1600))
    assert 0.1 < (trained == 0).all(dim=1).float().mean() < 0.6
    assert not (evaluated == 0).all(dim=1).any()


@pytest.mark.parametrize("parts", [1, 2])
def test_masks_and_parts_survive_an_interruption(tmp_path, monkeypatch, parts):
    values = {
        "config": tiny_training(accumulate=parts),
        "wavlm": {"mask_time_prob": 0.5, "mask_time_length": 1},
    }
    run(tmp_path / "whole", **values)
    update = Trainer._update

    def interrupted(self, batch):
        if self.step == 7:
            raise KilledError
        return update(self, batch)

    monkeypatch.setattr(Trainer, "_update", interrupted)
    with pytest.raises(KilledError):
        run(tmp_path / "run", **values)
    monkeypatch.undo()
    run(tmp_path / "run", **values)
    same_result(tmp_path / "whole", tmp_path / "run")


def test_what_does_not_fit_is_refused_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr(Trainer, "_update", lambda *_: pytest.fail("a step was made"))
    with pytest.raises(UserError, match=rf"train\.npy holds vectors of {DIM} values, the teacher gives 2048"):
        run(tmp_path / "run", teacher={"dim": 2048})
    monkeypatch.setattr(loop.Group, "size", 3, raising=False)
    monkeypatch.setattr(loop.Group, "__init__", lambda self: setattr(self, "rank", 0))
    with pytest.raises(UserError, match=r"training\.batch_size 4 is not divided by 3 GPUs"):
        run(tmp_path / "run")


def test_without_validation_clips_the_latest_weights_are_kept(tmp_path, caplog):
    run(tmp_path / "run", tiny_training(steps=3), validation=0)
    state = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    best = load_file(tmp_path / "run" / "best.safetensors")
    assert all(torch.equal(best[name], tensor) for name, tensor in state["model"].items())
    assert "no validation clips" in caplog.text


def test_a_loss_that_is_not_finite_names_the_key(tmp_path, monkeypatch):
    contrast = loop.make_objective

    def broken(*args):
        objective = contrast(*args)
        objective.temperature = float("nan")
        return objective

    monkeypatch.setattr(loop, "make_objective", broken)
    with pytest.raises(UserError, match=r"training\.learning_rate"):
        run(tmp_path / "run")


def test_schedule_and_parameter_groups():
    factors = [rate_factor(step, 100, 0.1) for step in range(100)]
    assert factors[0] == pytest.approx(0.1) and max(factors) == factors[9] == factors[10] == 1
    assert factors[-1] < 0.001 and sorted(factors[10:], reverse=True) == factors[10:]
    model = loop.build_model(tiny_audio(), DIM)
    optimizer = make_optimizer(model, tiny_training(backbone_rate_factor=0.5, weight_decay=0.1))
    names = {id(p): name for name, p in model.named_parameters()}
    decayed = {names[id(p)] for g in optimizer.param_groups if g["weight_decay"] for p in g["params"]}
    plain = {names[id(p)] for g in optimizer.param_groups if not g["weight_decay"] for p in g["params"]}
    assert decayed | plain == set(names.values()) and not decayed & plain
    assert {"pooling.layer_weights", "heads.mlp.0.bias"} <= plain
    assert "heads.mlp.0.weight" in decayed and not any("gru_rel_pos_const" in name for name in decayed)
    slow = {names[id(p)] for g in optimizer.param_groups if g["factor"] == 0.5 for p in g["params"]}
    assert slow == {name for name in names.values() if name.startswith("wavlm.")}


def test_export_gives_a_folder_for_from_pretrained_that_knows_its_teacher(finished, tmp_path):
    (tmp_path / "teacher").mkdir()
    save_file({"a": torch.zeros(2)}, tmp_path / "teacher" / "model.safetensors")
    export_model(finished, tmp_path / "model", tmp_path / "teacher")
    export_model(finished, tmp_path / "model", tmp_path / "teacher")
    model = AutoModel.from_pretrained(tmp_path / "model")
    sound = [FakeShards("validation", 6).audio(2)]
    trained = load_trained(finished)
    for name, weight in trained.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], weight, rtol=0, atol=0)
    expected = embed_waveforms(trained, sound).projection
    np.testing.assert_allclose(embed_waveforms(model, sound).projection, expected, atol=1e-6)
    assert WavBriVLProcessor.from_pretrained(tmp_path / "model").sampling_rate == 16000
    assert (tmp_path / "model" / "model.safetensors").stat().st_mode & 0o777 == 0o644
    assert model.config.teacher["weights_sha256"] == weights_digest(tmp_path / "teacher")


def test_export_of_an_untrained_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"config\.json is missing"):
        export_model(tmp_path, tmp_path / "model")
