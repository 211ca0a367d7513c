"""The doctor's look at a checkpoint: what it is, what does not fit, what is missing and how to get it."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.faults.test_teacher_checkpoint import Trap, released_state
from tests.hub_models import write_model
from tests.teacher_samples import TINY, scene

from wavbrivl.config.teacher import TeacherConfig
from wavbrivl.findings import Finding
from wavbrivl.teacher import report
from wavbrivl.teacher.architecture import describe, guess_config
from wavbrivl.teacher.checkpoint import empty_towers, preset, towers_of
from wavbrivl.teacher.golden import Golden
from wavbrivl.teacher.model import Teacher, save_teacher
from wavbrivl.teacher.report import golden_vectors, inspect_checkpoint, variant
from wavbrivl.teacher.text import SPECIAL, Tokenizer
from wavbrivl.teacher.towers import Towers

CAPTIONS = ["一只铃", "两只狗", "三座山"]
VOCABULARY = [*SPECIAL, *sorted(set("".join(CAPTIONS)))]


def blank(config: TeacherConfig, tokens: int) -> dict[str, torch.Tensor]:
    """Every key of a released checkpoint at these widths, with one number behind each tensor."""
    shapes = empty_towers(config, tokens).state_dict()
    state = {key: torch.zeros((), dtype=like.dtype).expand(like.shape) for key, like in shapes.items()}
    state["textencoder.backbone.bert.embeddings.position_ids"] = torch.arange(512).unsqueeze(0)
    return state | {key.replace("encoder.", "encoder_mom.", 1): value for key, value in state.items()}


def saved(path: Path, learnable: dict[str, torch.Tensor]) -> Path:
    torch.save({"learnable": learnable}, path)
    return path


def sensitive(seed: int) -> dict[str, torch.Tensor]:
    """Weights whose embeddings are about the picture: small towers are full of constant parts."""
    torch.manual_seed(seed)
    state = Towers(TINY.image, TINY.text, TINY.embedding_dim, len(VOCABULARY)).state_dict()
    return {
        key: torch.zeros_like(value) if key.endswith("bias") and "learnable" in key else value.clone()
        for key, value in state.items()
    }


def states(findings: list[Finding]) -> dict[str, str]:
    return {finding.subject: finding.state for finding in findings}


def said(findings: list[Finding], subject: str) -> str:
    return " | ".join(finding.message for finding in findings if finding.subject == subject)


def test_a_released_checkpoint_at_full_size(tmp_path):
    findings = inspect_checkpoint(saved(tmp_path / "brivl.pth", blank(preset("nmi"), 21128)))
    assert states(findings) == {
        "checkpoint": "ok", "architecture": "ok", "keys and shapes": "ok", "other entries": "ok",
        "values": "ok", "vocabulary": "absent", "variant": "warning", "golden images": "absent",
    }  # fmt: skip
    assert "2320 plain tensors" in said(findings, "checkpoint")
    assert "EfficientNet-B5" in said(findings, "architecture") and "2048" in said(findings, "architecture")
    assert "908 of imgencoder and 251 of textencoder" in said(findings, "keys and shapes")
    assert "1160 entries of momentum copies, with position_ids" in said(findings, "other entries")
    assert "data/weights/chinese-roberta-wwm-ext/weights.json" in said(findings, "vocabulary")
    assert "456" in said(findings, "variant") and "380" in said(findings, "variant")


def test_the_larger_model_is_told_by_its_shapes():
    weights = towers_of(blank(preset("b7"), 21128))
    config = guess_config(weights)
    assert config == preset("b7").model_copy(
        update={"image": preset("b7").image.model_copy(update={"image_size": 456})}
    )
    findings = [report.architecture(config), *report.keys_and_shapes(weights, config)]
    assert states(findings) == {"architecture": "warning", "keys and shapes": "ok"}
    assert "EfficientNet-B7" in said(findings, "architecture") and "2560" in said(findings, "architecture")
    assert variant(Path("x.pth"), config, None).state == "warning"


def test_what_does_not_fit_is_counted_and_named(tmp_path):
    state = released_state(TINY, len(VOCABULARY), seed=1)
    gone = [key for key in state if key.startswith("imgencoder.learnable.imgAtt.layers.0.norm")]
    for key in gone:
        del state[key]
    state["imgencoder.extra"] = torch.zeros(1)
    state["textencoder.learnable.textFC.fc2.bias"] = torch.full((17,), float("nan"))
    findings = inspect_checkpoint(saved(tmp_path / "x.pth", state), tmp_path)
    fit = said(findings, "keys and shapes")
    assert f"{len(gone)} missing: {gone[0]}" in fit or sorted(gone)[0] in fit
    assert "1 unknown: imgencoder.extra" in fit
    assert "1 of another shape: textencoder.learnable.textFC.fc2.bias" in fit
    assert states(findings)["values"] == "failed" and "textFC.fc2.bias" in said(findings, "values")
    assert "golden images" not in states(findings)
    names = [f"imgencoder.x{number}" for number in range(8)]
    found = report.keys_and_shapes(
        towers_of(released_state(TINY, len(VOCABULARY), seed=1)) | {name: torch.zeros(1) for name in names},
        TINY,
    )
    assert found[0].message == "8 unknown: " + ", ".join(names[:5]) + " and 3 more"


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: path.write_text("<html>"), "x.pth"),
        (lambda path: torch.save({"state_dict": {}}, path), "'learnable'"),
        (lambda path: torch.save({"learnable": Trap(path.with_name("marker"))}, path), "refused"),
        (
            lambda path: torch.save({"learnable": {"imgencoder.x": torch.zeros(1)}}, path),
            "no BriVL checkpoint",
        ),
    ],
)
def test_what_is_no_checkpoint_is_one_sentence_and_runs_nothing(tmp_path, write: Callable, message: str):
    write(tmp_path / "x.pth")
    findings = inspect_checkpoint(tmp_path / "x.pth")
    assert findings[-1].state == "failed" and message in findings[-1].message
    assert not (tmp_path / "marker").exists()


def test_a_missing_file_says_how_to_get_it(tmp_path):
    (finding,) = inspect_checkpoint(tmp_path / "brivl.pth")
    assert finding.state == "absent" and "brivl-nmi" in finding.message


def test_file_names_hint_at_the_variant():
    for name, words in (
        ("BriVL-1.0-5500w.pth", "name is BAAI's"),
        ("brivl-with-roberta-base.pth", "name is NMI's"),
    ):
        assert words in variant(Path(name), preset("nmi"), None).message
    assert "name is" not in variant(Path("x.pth"), preset("nmi"), None).message
    assert variant(Path("x.pth"), preset("nmi"), 380).state == "ok"


@pytest.fixture
def examples(tmp_path):
    """Three pictures with boxes and captions, in the published layout."""
    (tmp_path / "imgs").mkdir()
    lines = []
    for number, caption in enumerate(CAPTIONS):
        picture = scene(number)[0][: 200 + 20 * number]
        Image.fromarray(picture).save(tmp_path / "imgs" / f"p{number}.jpg", quality=95)
        boxes = [[10, 10, 100, 90], [50, 20, 300, 150]]
        lines.append(
            {"image_id": f"../data/p{number}.jpg", "sentences": [["sur_text", caption]], "bbox": boxes}
        )
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    (tmp_path / "example.jsonl").write_text(text, encoding="utf-8")
    return tmp_path


def published(weights, folder: Path, size: int) -> tuple[Golden, dict[str, np.ndarray]]:
    """What these weights make of the examples at one size, by a way of its own."""
    config = TINY.model_copy(update={"image": TINY.image.model_copy(update={"image_size": size})})
    towers = Towers(config.image, config.text, config.embedding_dim, len(VOCABULARY))
    towers.load_state_dict(weights)
    teacher = Teacher(config, towers, Tokenizer(VOCABULARY, TINY.text.max_length), "cpu")
    rows = []
    for number in range(3):
        image = np.asarray(Image.open(folder / "imgs" / f"p{number}.jpg"))
        scale = np.array([size / image.shape[1], size / image.shape[0]] * 2)
        boxes = np.array([[10, 10, 100, 90], [50, 20, 300, 150]]) * scale
        regions = np.concatenate([boxes, [[0, 0, size, size]]]).astype(np.float32)
        rows.append(teacher.embed_images([image], boxes=regions[None])[0])
    images, texts = np.stack(rows), teacher.embed_texts(CAPTIONS)

    def four(matrix: np.ndarray) -> tuple:
        return tuple(tuple(float(value) for value in row) for row in matrix[:, :4].round(4))

    cosines = tuple(tuple(float(value) for value in row) for row in (images @ texts.T).round(4))
    golden = Golden(("p0", "p1", "p2"), cosines, four(images), four(texts), sizes=(32, 48))
    return golden, {"np_img.npy": images, "np_text.npy": texts}


@pytest.mark.parametrize("arrays", [False, True])
@pytest.mark.parametrize("size", [32, 48])
def test_golden_vectors_are_met_at_their_own_size(examples, arrays, size):
    weights = sensitive(4)
    golden, rows = published(weights, examples, size)
    if arrays:
        for name, row in rows.items():
            np.save(examples / name, row)
    findings, met = golden_vectors(weights, TINY, VOCABULARY, examples, golden)
    assert met == size
    assert states(findings) == {"golden images": "ok", "golden texts": "ok", "golden cosines": "ok"}
    findings, _ = golden_vectors(weights, TINY, None, examples, golden)
    assert states(findings) == {"golden images": "ok", "golden texts": "absent"}
    findings, met = golden_vectors(sensitive(5), TINY, VOCABULARY, examples, golden)
    assert met is None and set(states(findings).values()) == {"failed"}


def test_missing_examples_are_named(examples):
    weights = towers_of(released_state(TINY, len(VOCABULARY), seed=4))
    golden, _ = published(weights, examples, 32)
    (examples / "example.jsonl").rename(examples / "example.txt")
    (finding,), _ = golden_vectors(weights, TINY, None, examples, golden)
    assert finding.state == "absent" and "boxes of p0" in finding.message and "BAAI-WuDao" in finding.message
    (examples / "imgs" / "p1.jpg").unlink()
    (finding,), _ = golden_vectors(weights, TINY, None, examples, golden)
    assert "p1.jpg" in finding.message


def test_golden_vectors_fail_only_a_file_that_is_baais():
    failed = [Finding("golden images", "failed", "far")]
    assert report._forgiven(failed, None, Path("brivl-with-roberta-base.pth"))[0].state == "warning"
    assert report._forgiven(failed, None, Path("BriVL-1.0-5500w.pth"))[0].state == "failed"


def test_a_vocabulary_is_looked_for_and_counted(tmp_path):
    path = saved(tmp_path / "x.pth", released_state(TINY, len(VOCABULARY), seed=1))
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    assert states(inspect_checkpoint(path))["vocabulary"] == "ok"
    (tmp_path / "vocab.txt").write_text("\n".join([*VOCABULARY, "山上"]) + "\n", encoding="utf-8")
    findings = inspect_checkpoint(path)
    assert f"{len(VOCABULARY) + 1} tokens, the text tower {len(VOCABULARY)}" in said(findings, "vocabulary")


def test_folders_are_teachers_or_models(tmp_path):
    weights = towers_of(released_state(TINY, len(VOCABULARY), seed=1))
    save_teacher(tmp_path / "teacher", TINY, weights, VOCABULARY)
    finding, built = inspect_checkpoint(tmp_path / "teacher")
    assert finding.state == "ok" and "kind brivl, 16 dimensions" in finding.message
    assert built.state == "ok" and "no published BriVL" in built.message
    assert "there are none" in said(inspect_checkpoint(tmp_path / "teacher", tmp_path), "golden images")
    (tmp_path / "teacher" / "vocab.txt").unlink()
    assert inspect_checkpoint(tmp_path / "teacher")[0].state == "failed"
    (finding,) = inspect_checkpoint(write_model(tmp_path / "clip", "clip"))
    assert finding.state == "ok" and "a clip of 12 dimensions that reads 'en'" in finding.message
    (tmp_path / "clip" / "config.json").write_text('{"model_type": "wavlm"}')
    assert "'wavlm'; a teacher is one of clip" in inspect_checkpoint(tmp_path / "clip")[0].message
    assert inspect_checkpoint(tmp_path)[0].state == "failed"


def test_a_converted_release_is_tried_on_the_published_pictures(tmp_path, examples, monkeypatch):
    """As if the tiny towers were the released ones: the same checks as of the checkpoint itself."""
    weights = sensitive(4)
    golden, _ = published(weights, examples, TINY.image.image_size)
    save_teacher(tmp_path / "teacher", TINY, weights, VOCABULARY)
    monkeypatch.setattr(report, "family", lambda config: "b5")
    tried = report.golden_vectors
    monkeypatch.setattr(report, "golden_vectors", lambda *given: tried(*given, golden))
    found = states(inspect_checkpoint(tmp_path / "teacher", examples))
    assert found["golden images"] == "ok" and found["variant"] == "ok" and found["architecture"] == "ok"
    assert states(inspect_checkpoint(tmp_path / "teacher"))["golden images"] == "absent"


@pytest.mark.parametrize(
    "content", ["[]", '{"format": 1, "kind": []}', '{"model_type": ["x"]}', '{"format": 1}', "{"]
)
def test_an_odd_configuration_is_one_sentence(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    (finding,) = inspect_checkpoint(tmp_path)
    assert finding.state == "failed" and "\n" not in finding.message


def test_what_is_no_whole_checkpoint_says_where_one_comes_from(tmp_path):
    (tmp_path / "empty.pth").touch()
    with tarfile.open(tmp_path / "BriVL-1.0.tar", "w") as archive:
        archive.add(tmp_path / "empty.pth", "BriVL-1.0-5500w.pth")
    whole = released_state(TINY, len(VOCABULARY), seed=1)
    head = "imgencoder.backbone.conv_head.weight"
    saved(tmp_path / "flat.pth", whole | {head: torch.zeros(())})
    words = "textencoder.backbone.bert.embeddings.word_embeddings.weight"
    saved(tmp_path / "hollow.pth", whole | {words: torch.zeros(0, 0)})
    fc = next(key for key in whole if key.endswith("imgencoder.learnable.imgFC.fc2.weight"))
    saved(tmp_path / "short.pth", {key: value for key, value in whole.items() if key != fc})
    for name, said in (
        ("empty.pth", "is empty"),
        ("BriVL-1.0.tar", "unpack it"),
        ("flat.pth", "holds a single number"),
        ("hollow.pth", f"the key {words} is empty"),
        ("short.pth", "is missing"),
    ):
        message = " | ".join(f.message for f in inspect_checkpoint(tmp_path / name) if f.state == "failed")
        assert said in message and "neilfei/brivl-nmi" in message, name


def test_the_towers_are_described_in_a_line():
    assert describe(preset("nmi")) == (
        "EfficientNet-B5, 4 self-attention layers of width 2048; BERT of 12 layers and width 768; "
        "2048 dimensions"
    )
