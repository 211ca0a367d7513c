"""Judges and extractors: what they learn from, what they see, which files they refuse."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from tests.clip_samples import tiny_clip
from tests.drawn_samples import LABELS, clips, picture

from wavbrivl.config import parse_config
from wavbrivl.config.studies import FeaturesConfig, JudgeConfig
from wavbrivl.config.teacher import TeacherConfig
from wavbrivl.errors import UserError
from wavbrivl.evaluate.result import Coverage
from wavbrivl.studies import extractors
from wavbrivl.studies.extractors import InceptionCompat, VggSoundInception, open_extractors, read_weights
from wavbrivl.studies.frames import Frames, at_side, hidden_of, read_frames, read_truth
from wavbrivl.studies.judge import ClipJudge, EmbeddedJudge
from wavbrivl.studies.judgement import gray, hits, softmax
from wavbrivl.studies.network import load_classifier, save_classifier
from wavbrivl.studies.networks import absent_extractors, named_extractors
from wavbrivl.studies.quality import judge_quality
from wavbrivl.studies.training import Recipe, recoloured, train_classifier
from wavbrivl.workflow.plan import plan_run, refuse_the_guide

CPU = torch.device("cpu")
COLOURS = ((200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30))


def frames(count: int, first: int = 0, hidden: bool = True) -> Frames:
    """Pictures whose corner is the class, and whose hidden parameters are their brightness."""
    rows = clips(count)
    images = np.stack([picture(i % 4, first + i) for i in range(count)])
    bright = images.astype(np.float32).mean(axis=(1, 2, 3)) / 60
    truth = np.stack([bright, bright, bright], axis=1) if hidden else np.full((count, 3), np.nan, np.float32)
    names = [f"{clip.clip_id}" for clip in rows]
    return Frames(images, names, [c.video_id for c in rows], [c.label for c in rows], truth)


def recipe(steps: int = 60, **changes) -> Recipe:
    values = {"width": 8, "steps": steps, "batch_size": 16, "learning_rate": 1e-2}
    return Recipe(**{**values, "recoloured": 0.5, "grayscale": 0.5, "degrade": True, **changes})


@pytest.fixture(scope="module")
def classifier():
    return train_classifier(frames(64), recipe(), 1, CPU)


def test_it_knows_held_out_pictures_and_their_hidden_parameters(classifier):
    held_out = frames(40, first=900)
    judge = EmbeddedJudge(classifier)
    said = judge.judge(held_out.images)
    assert hits(judge, said, held_out.labels).mean() > 0.9
    assert np.corrcoef(said.hidden[:, 0], held_out.hidden[:, 0])[0, 1] > 0.4
    assert said.probabilities.sum(axis=1) == pytest.approx(1)
    result = judge_quality(judge, held_out, Coverage(expected=40, found=40), "test", 200, 1)
    assert result.metrics["accuracy_gray"].value > 0.8 and result.metrics["accuracy"].chance == 0.25


def test_a_picture_is_judged_alike_in_any_company(classifier):
    images = frames(9).images
    alone = np.concatenate([classifier.read(images[i : i + 1]).logits for i in range(9)])
    np.testing.assert_allclose(classifier.read(images).logits, alone, atol=1e-5)


def test_colour_alone_does_not_satisfy_a_judge():
    """Shape and colour agree in training; in the test they disagree, and shape must win."""
    rows = clips(64)

    def painted(shape: int, colour: int, seed: int) -> np.ndarray:
        image = picture(shape, seed)
        lit = image.max(axis=2, keepdims=True) > 70
        return np.where(lit, np.array(COLOURS[colour], dtype=np.uint8), image)

    def those(shift: int, first: int) -> Frames:
        images = np.stack([painted(i % 4, (i + shift) % 4, first + i) for i in range(64)])
        nothing = np.full((64, 3), np.nan, dtype=np.float32)
        names, videos = [c.clip_id for c in rows], [c.video_id for c in rows]
        return Frames(images, names, videos, [c.label for c in rows], nothing)

    judge = EmbeddedJudge(train_classifier(those(0, 0), recipe(80), 2, CPU))
    odd = those(1, 500)
    assert hits(judge, judge.judge(odd.images), odd.labels).mean() > 0.8
    assert judge.judge(odd.images).hidden is None


def test_training_is_repeatable_and_a_saved_judge_is_the_same(classifier, tmp_path):
    again = train_classifier(frames(64), recipe(), 1, CPU)
    names = frames(64).clip_ids
    save_classifier(tmp_path / "a", classifier, names)
    save_classifier(tmp_path / "b", again, names)
    assert (tmp_path / "a/model.safetensors").read_bytes() == (tmp_path / "b/model.safetensors").read_bytes()
    assert (tmp_path / "a/clips.txt").read_text().split() == sorted(set(names))
    loaded = load_classifier(tmp_path / "a", CPU)
    images = frames(8).images
    assert np.array_equal(loaded.read(images).logits, classifier.read(images).logits)
    (tmp_path / "a/model.safetensors").write_bytes(b"nothing")
    with pytest.raises(UserError, match="holds no classifier"):
        load_classifier(tmp_path / "a", CPU)


def test_one_class_is_no_classification():
    one = dataclasses.replace(frames(8), labels=["x"] * 8)
    with pytest.raises(UserError, match="two classes"):
        train_classifier(one, recipe(), 1, CPU)


def test_an_unknown_class_is_named(classifier):
    judge = EmbeddedJudge(classifier)
    with pytest.raises(UserError, match="does not know the class 'piano'"):
        hits(judge, judge.judge(frames(2).images), ["piano", LABELS[0]])


def test_recolouring_takes_or_turns_colours_and_keeps_shapes():
    pixels = torch.rand(200, 3, 4, 4, generator=torch.Generator().manual_seed(3))
    grey = recoloured(pixels, 1.0, torch.Generator().manual_seed(1))
    assert (grey.amax(dim=1) - grey.amin(dim=1)).max() < 1e-5
    turned = recoloured(pixels, 0.0, torch.Generator().manual_seed(1))
    assert (turned - pixels).abs().mean() > 0.1 and turned.min() >= 0 and turned.max() <= 1


def test_grey_pictures_keep_their_luma():
    image = np.array([[[[255, 0, 0], [0, 255, 0], [10, 10, 10]]]], dtype=np.uint8)
    assert gray(image)[0, 0].tolist() == [[76] * 3, [150] * 3, [10] * 3]


@dataclass
class FakeShards:
    """Four clips of two frames, one of them with two labels."""

    tars = ()

    def __post_init__(self) -> None:
        self.clips = clips(4)
        self.clips[1] = type(self.clips[1])("other_0_2000", "other", "dog;cat")

    def frames(self, i: int) -> int:
        return 2

    def image(self, i: int, size: int = 360, frame: int = 0) -> np.ndarray:
        return np.full((size, size, 3), 10 * i + frame, dtype=np.uint8)


def test_frames_of_clips_with_one_label_are_read():
    shards = FakeShards()
    found = read_frames(shards, {shards.clips[0].clip_id: (0.1, 0.2, 0.3)})
    assert found.images[:, 0, 0, 0].tolist() == [0, 1, 20, 21, 30, 31]
    assert found.hidden[0].tolist() == pytest.approx([0.1, 0.2, 0.3]) and np.isnan(found.hidden[2:]).all()
    assert len(read_frames(shards, {}, limit=2)) == 4
    assert read_frames(shards, {}, every_frame=False, side=96).images.shape == (3, 96, 96, 3)
    shards.clips = shards.clips[1:2]
    with pytest.raises(UserError, match="no clip with one label"):
        read_frames(shards, {})


def test_truth_is_the_worlds_table(tmp_path):
    table = tmp_path / "truth.csv"
    table.write_text("video_id,start_ms,end_ms,label,size,rate,tone\nv,0,2000,dog,0.5,0.25,1\n")
    truth = read_truth(table)
    assert hidden_of(["v_0_2000"], truth)[0].tolist() == [0.5, 0.25, 1.0]
    assert read_truth(None) == {}
    table.write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="not a table of hidden parameters"):
        read_truth(table)


def test_pictures_of_other_sizes_are_shrunk_by_area():
    image = np.zeros((1, 128, 128, 3), dtype=np.uint8)
    image[:, ::2] = 200
    assert np.unique(at_side(image)).tolist() == [100]


def test_extractors_without_weights_say_so(tmp_path):
    assert named_extractors(FeaturesConfig()) == ["embedded"]
    said = absent_extractors(FeaturesConfig())
    assert said["inception-v3-compat"].startswith("not measured: there is no data/weights/inception-v3-")
    why = "not measured: studies.features.vggsound_inception names no weights"
    assert said["vggsound-inception"] == why
    there = tmp_path / "weights.pth"
    there.touch()
    config = FeaturesConfig(vggsound_inception=str(there))
    assert named_extractors(config) == ["embedded", "vggsound-inception"]
    assert list(absent_extractors(config)) == ["inception-v3-compat"]


def test_a_file_that_is_not_torch_fidelitys_is_refused(tmp_path, classifier):
    path = tmp_path / "weights.pth"
    torch.save({"fc.weight": torch.zeros(3, 3)}, path)
    with pytest.raises(UserError, match="its checksum is another"):
        InceptionCompat(path, CPU)
    save_classifier(tmp_path / "features", classifier, [])
    config = FeaturesConfig(inception_v3_compat=str(tmp_path / "nothing.pth"))
    with pytest.raises(UserError, match="there is no file"):
        open_extractors(["embedded", "inception-v3-compat"], config, tmp_path / "features", CPU)


def test_torch_fidelitys_network_is_used_as_it_is(tmp_path, monkeypatch):
    """Its architecture with random weights: features and logits are those that torch-fidelity computes."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3 as Network

    bare = Network.__new__(Network)
    monkeypatch.setattr(torch, "load", lambda *_, **__: None)
    monkeypatch.setattr(Network, "load_state_dict", lambda self, state: None)
    Network.__init__(bare, "x", ["2048", "logits_unbiased"], feature_extractor_weights_path="x")
    monkeypatch.undo()
    path = tmp_path / "weights.pth"
    torch.save(bare.state_dict(), path)
    monkeypatch.setattr(extractors, "INCEPTION_SHA256", "")
    found = InceptionCompat(path, CPU).extract(frames(2).images)
    with torch.no_grad():
        expected = bare(torch.from_numpy(frames(2).images).permute(0, 3, 1, 2))
    np.testing.assert_allclose(found.features, expected[0].numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.logits, expected[1].numpy(), rtol=1e-4, atol=1e-4)


def test_the_users_inception_is_torchvisions_with_any_number_of_classes(tmp_path):
    from torchvision.models import inception_v3

    torch.manual_seed(0)
    network = inception_v3(weights=None, num_classes=7, aux_logits=False, init_weights=False).eval()
    path = tmp_path / "weights.pth"
    wrapped = {f"module.{name}": value for name, value in network.state_dict().items()}
    torch.save({"state_dict": wrapped}, path)
    found = VggSoundInception(path, CPU).extract(frames(2).images)
    assert found.features.shape == (2, 2048) and found.logits.shape == (2, 7)
    expected = found.features @ network.fc.weight.detach().numpy().T + network.fc.bias.detach().numpy()
    np.testing.assert_allclose(found.logits, expected, rtol=1e-3, atol=1e-4)
    torch.save({"conv.weight": torch.zeros(1)}, path)
    with pytest.raises(UserError, match=r"no 'fc.weight'"):
        VggSoundInception(path, CPU)


class Dangerous:
    def __reduce__(self):
        return (print, ("executed",))


def test_a_checkpoint_that_holds_code_is_not_executed(tmp_path, capsys):
    path = tmp_path / "weights.pth"
    torch.save({"fc.weight": Dangerous()}, path)
    with pytest.raises(UserError, match="something else than tensors"):
        read_weights(path)
    assert "executed" not in capsys.readouterr().out


def test_a_clip_judge_asks_with_prompts(tmp_path):
    """A tiny CLIP with random weights: scores are those of its own towers, averaged over prompts."""
    folder = tiny_clip(tmp_path)
    images = frames(3).images
    judge = ClipJudge(folder, ("dog", "rail_transport"), ["a photo of {}", "{}"], CPU)
    said = judge.judge(images)
    assert said.probabilities.shape == (3, 2) and said.hidden is None
    from transformers import CLIPModel, CLIPProcessor

    model, processor = CLIPModel.from_pretrained(folder).eval(), CLIPProcessor.from_pretrained(folder)
    texts = ["a photo of dog", "dog", "a photo of rail transport", "rail transport"]
    with torch.no_grad():
        output = model(**processor(text=texts, images=list(images), return_tensors="pt", padding=True))
    classes = torch.nn.functional.normalize(output.text_embeds.view(2, 2, -1).mean(dim=1), dim=-1)
    logits = model.logit_scale.exp().item() * (output.image_embeds @ classes.T).numpy()
    np.testing.assert_allclose(said.probabilities, softmax(logits), rtol=1e-3, atol=1e-5)


def test_a_judge_that_is_the_teacher_is_refused(tmp_path):
    folder = tmp_path / "clip"
    folder.mkdir()
    judge = {"studies": {"judge": {"kind": "clip", "clip": str(folder)}}}
    with pytest.raises(UserError, match=r"studies.judge.clip: .* holds no model"):
        plan_run(parse_config(judge), tmp_path)
    (folder / "config.json").write_text("{}")
    assert plan_run(parse_config(judge), tmp_path)
    teacher = TeacherConfig.model_construct(**{**dict(TeacherConfig()), "model": f"{folder}/../clip"})
    guided = parse_config(judge).model_copy(update={"teacher": teacher})
    with pytest.raises(UserError, match="is the teacher, which guides the drawing"):
        refuse_the_guide(guided)


def test_a_clip_is_named_exactly_where_it_judges():
    with pytest.raises(ValueError, match="names a model folder"):
        JudgeConfig(kind="clip")
    with pytest.raises(ValueError, match="names a model folder"):
        JudgeConfig(clip="x")
    with pytest.raises(ValueError, match="must hold"):
        JudgeConfig(prompts=["a photo"])
