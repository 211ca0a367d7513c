"""Wrong input ends before any job runs, with one sentence that names the file, row or key."""

import pytest
import torch

pytestmark = pytest.mark.workflow


def _refused(checkout, text, words):
    (checkout.path / "mine.yaml").write_text(text, encoding="utf-8")
    done = checkout.run(config="mine.yaml")
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert not (checkout.path / "results").exists(), "a job ran"
    for word in words:
        assert word in output, output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("trainin: {steps: 3}", ["unknown key 'trainin'"]),
        ("training: {momentum: 1.5}", ["training.momentum", "1.5"]),
        ("evaluate: {esc50: {path: nowhere}}", ["evaluate.esc50.path", "nowhere"]),
        ("evaluate: {urbansound8k: {path: nowhere}}", ["evaluate.urbansound8k.path", "nowhere"]),
        ("evaluate: {desed: {path: nowhere}}", ["evaluate.desed.path", "no folder nowhere"]),
        ("evaluate: {desed: {path: config}}", ["evaluate.desed.path", "holds no metadata/train"]),
        ("evaluate: {clotho: {path: nowhere}}", ["evaluate.clotho.path", "no folder nowhere"]),
        ("evaluate: {clotho: {path: config}}", ["evaluate.clotho.path", "clotho_captions_development.csv"]),
        ("evaluate: {encoders: [wavbrivl, clap]}", ["evaluate.encoders", "no 'clap'"]),
        ("evaluate: {vggsound: {translations: no.csv}}", ["evaluate.vggsound.translations", "no.csv"]),
        ("corpus: {format: vggsound, clip_list: no.csv, sources: [{kind: youtube}]}", ["no.csv"]),
    ],
)
def test_wrong_configuration(checkout, text, words):
    _refused(checkout, text, words)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("abcdefghijk,1,dog barking\n", ["list.csv", "line 1"]),
        ("abcdefghijk,1,dog barking,train\n../../etc/pw,2,dog barking,train\n", ["list.csv", "line 2", "id"]),
        ("abcdefghijk,1,dog barking,train\nabcdefghijk,1,cat purring,train\n", ["list.csv", "line 2"]),
        ("abcdefghijk,one,dog barking,train\n", ["list.csv", "line 1", "one"]),
        ("abcdefghijk,1,dog barking,val\n", ["list.csv", "line 1", "val"]),
    ],
)
def test_wrong_clip_list(checkout, rows, words):
    (checkout.path / "list.csv").write_text(rows, encoding="utf-8")
    (checkout.path / "clips").mkdir()
    text = (
        "corpus: {name: mine, format: vggsound, clip_list: list.csv, clip_seconds: 10, "
        "sources: [{kind: folder, path: clips}]}"
    )
    _refused(checkout, text, words)


def test_a_label_without_a_translation(checkout):
    meta = checkout.path / "bench/meta"
    meta.mkdir(parents=True)
    header = "filename,fold,target,category,esc10,src_file,take\n"
    (meta / "esc50.csv").write_text(f"{header}1-1-A-0.wav,1,0,flux_capacitor,False,1,A\n", encoding="utf-8")
    _refused(checkout, "evaluate: {esc50: {path: bench}}", ["flux", "esc50.csv"])


CORPUS_OF_ONES_OWN = """
corpus:
  {name: m, format: vggsound, clip_list: list.csv, clip_seconds: 10, sources: [{kind: folder, path: clips}]}
teacher: {checkpoint: brivl.pth, vocabulary: vocab.txt}
"""


def test_a_label_of_the_corpus_without_a_translation(checkout):
    """Refused where its texts are wanted; the corpus can be made without them."""
    for name in ("brivl.pth", "vocab.txt"):
        (checkout.path / name).touch()
    (checkout.path / "clips").mkdir()
    rows = "abcdefghijk,1,dog barking,train\nbbcdefghijk,1,flux capacitor,test\n"
    (checkout.path / "list.csv").write_text(rows, encoding="utf-8")
    (checkout.path / "mine.yaml").write_text(CORPUS_OF_ONES_OWN, encoding="utf-8")
    done = checkout.run(config="mine.yaml")
    assert done.returncode != 0 and not (checkout.path / "results").exists(), "a job ran"
    for word in ("vggsound.csv", "flux capacitor", "evaluate.vggsound.translations"):
        assert word in done.stdout + done.stderr
    assert checkout.run("corpus", "--dry-run", config="mine.yaml").returncode == 0


def test_fetching_from_youtube_without_a_cap(checkout):
    (checkout.path / "list.csv").write_text("abcdefghijk,1,dog barking,train\n", encoding="utf-8")
    profile = checkout.path / "profiles/default/profile.yaml"
    lines = profile.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if "downloads" not in line and line != "resources:"]
    profile.write_text("\n".join(kept) + "\n", encoding="utf-8")
    _refused(
        checkout,
        "corpus: {name: mine, format: vggsound, clip_list: list.csv, sources: [{kind: youtube}]}",
        ["downloads", "cap"],
    )


def test_a_checkpoint_of_another_width(checkout):
    """The configuration alone is sound; what it names is not what it says."""
    torch.save(
        {"learnable": {"imgencoder.learnable.imgFC.fc2.weight": torch.zeros(32, 32)}},
        checkout.path / "brivl.pth",
    )
    text = "teacher: {checkpoint: brivl.pth, embedding_dim: 17}"
    _refused(checkout, text, ["teacher.embedding_dim is 17", "brivl.pth", "32"])
