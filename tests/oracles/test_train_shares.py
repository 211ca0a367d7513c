"""However a batch is shared out, over accumulated parts or processes, the gradient is that of the whole."""

import itertools
from pathlib import Path

import pytest
import torch
from tests.train_corpus import DIM, FakeShards, tiny_audio, tiny_training
from tests.train_processes import run_script

from wavbrivl.audio.build import build_model
from wavbrivl.compute import seed_all
from wavbrivl.train.data import Batch, ImageEmbeddings
from wavbrivl.train.group import Group
from wavbrivl.train.momentum import MomentumKeys
from wavbrivl.train.objective import make_objective
from wavbrivl.train.step import GradientStep
from wavbrivl.train.validation import validate

STEPS, BATCH = 3, 16

CASES = {
    "queues": {"loss": "cxloss", "batch_negatives": False},
    "queues and batch": {"loss": "cxloss"},
    "whole copy": {"loss": "cxloss", "momentum_scope": "full"},
    "in batch": {"loss": "in_batch", "mask_same": "video"},
    "siglip": {"loss": "siglip"},
}


def batch_of(step: int, rank: int, ranks: int) -> Batch:
    """This rank's part of a batch with a clip that occurs twice."""
    generator = torch.Generator().manual_seed(step)
    waveforms = torch.randn(BATCH, 1600, generator=generator)
    images = torch.nn.functional.normalize(torch.randn(BATCH, DIM, generator=generator), dim=-1)
    clips = (torch.arange(BATCH) + 5 * step) % 15
    rows = slice(rank * BATCH // ranks, (rank + 1) * BATCH // ranks)
    return Batch(*(x[rows].numpy() for x in (waveforms, images, clips, clips // 2)))


def run_steps(accumulate: int = 1, **changes) -> dict[str, list]:
    """Losses, gradients and queues of three steps with plain descent in between."""
    config = tiny_training(batch_size=BATCH, queue_size=2 * BATCH, accumulate=accumulate, **changes)
    seed_all(0)
    # Both momentum scopes and an attention block; its dropout would differ from share to share.
    model = build_model(tiny_audio(attention_layers=1), DIM).train()
    for layer in model.pooling.attention:
        layer.eval()
    objective = make_objective(config, model.config.embedding_dim, DIM)
    momentum = MomentumKeys(model, 0.9, config.momentum_scope)
    group = Group()
    step_of = GradientStep(model, momentum, objective, config, 3, group)
    found: dict[str, list] = {"loss": [], "gradients": []}
    for step in range(STEPS):
        loss = step_of(batch_of(step, group.rank, group.size), step)
        found["loss"].append(loss.total.detach())
        trained = [*model.named_parameters(), *objective.named_parameters()]
        gradients = {name: p.grad.clone() for name, p in trained if p.grad is not None}
        found["gradients"].append(gradients)
        with torch.no_grad():
            for name, parameter in trained:
                if name in gradients:
                    parameter -= 0.01 * gradients[name]
                    parameter.grad = None
    found["objective"] = [objective.state_dict()]
    return found


def assert_same(one: dict[str, list], two: dict[str, list]) -> None:
    """Equal to 1e-5 of the largest gradient: what stands beside it in a sum is rounded with it."""
    torch.testing.assert_close(one["loss"], two["loss"], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(one["objective"], two["objective"], rtol=1e-5, atol=1e-5)
    for first, second in zip(one["gradients"], two["gradients"], strict=True):
        largest = max(float(gradient.abs().max()) for gradient in first.values())
        torch.testing.assert_close(first, second, rtol=1e-5, atol=1e-5 * largest)
    assert largest > 0.1, "the gradients are too small for the comparison to mean something"


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("parts", [2, 4])
def test_accumulated_parts_equal_one_batch(case, parts):
    assert_same(run_steps(**CASES[case]), run_steps(accumulate=parts, **CASES[case]))


def test_dropout_and_masks_of_a_part_are_the_same_in_both_passes(monkeypatch):
    """Otherwise the gradient would belong to other vectors than the loss."""
    seen = {}
    see = GradientStep._see

    def noted(self, part, step, number):
        result = see(self, part, step, number)
        seen.setdefault((step, number), []).append(result.vectors.audio.detach().clone())
        return result

    monkeypatch.setattr(GradientStep, "_see", noted)
    config = tiny_training(batch_size=BATCH, queue_size=BATCH, accumulate=2)
    model = build_model(tiny_audio(wavlm={"dropout": 0.3, "mask_time_prob": 0.4, "mask_time_length": 1}), DIM)
    objective = make_objective(config, model.config.embedding_dim, DIM)
    step_of = GradientStep(model.train(), MomentumKeys(model, 0.9, "heads"), objective, config, 3, Group())
    step_of(batch_of(0, 0, 1), 0)
    assert len(seen) == 2
    for first, second in seen.values():
        torch.testing.assert_close(first, second, rtol=0, atol=0)


def validation(folder: Path) -> dict[str, float]:
    """MRR of an untrained encoder among five clips, which two processes cannot share out evenly."""
    seed_all(0)
    model = build_model(tiny_audio(), DIM)
    sounds = FakeShards("validation", 7)
    images = ImageEmbeddings(folder / "validation.npy", folder / "validation.csv", sounds.clips)
    return validate(model, sounds, images, 5, Group())


SCRIPT = """
import sys
from pathlib import Path
import torch
from tests.oracles import test_train_shares as shares
from tests.train_corpus import FakeShards, write_embeddings
from tests.train_processes import together
from wavbrivl.train.group import Group

folder = Path(sys.argv[1])
write_embeddings(folder, "validation", FakeShards("validation", 7))


def work():
    group = Group()
    found = {name: shares.run_steps(**case) for name, case in shares.CASES.items()}
    found["both"] = shares.run_steps(accumulate=2)
    found["validation"] = shares.validation(folder)
    torch.save(found, folder / f"{group.size}-{group.rank}.pt")


print(*together(work, 1, folder / "one"), *together(work, 2, folder / "two"))
"""


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("processes")
    done = run_script(SCRIPT, folder)
    assert done.stdout.split() == ["0", "0", "0"], done.stdout + done.stderr
    return {name: torch.load(folder / f"{name}.pt", weights_only=True) for name in ("1-0", "2-0", "2-1")}


@pytest.mark.parametrize("case", [*CASES, "both"])
def test_two_processes_equal_one(processes, case):
    assert_same(processes["1-0"][case], processes["2-0"][case])


def test_validation_is_gathered(processes):
    one, two, other = (processes[name]["validation"] for name in ("1-0", "2-0", "2-1"))
    assert one["gallery"] == 5 and one == pytest.approx(two, rel=1e-6) and two == other


def test_every_process_goes_on_from_the_same_bits(processes):
    for case, of in itertools.product([*CASES, "both"], ("loss", "gradients", "objective")):
        torch.testing.assert_close(processes["2-0"][case][of], processes["2-1"][case][of], rtol=0, atol=0)
