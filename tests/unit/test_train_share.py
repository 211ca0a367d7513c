"""The folder to pass on: the model as it is, the card with numbers, and whatever was put beside them."""

from tests.tiny_model import write_run

from wavbrivl import WavBriVL
from wavbrivl.train.share import share_model


def test_the_shared_folder_is_the_model_with_the_full_card(tmp_path):
    model = write_run(tmp_path)
    files = [*sorted(model.glob("*.json")), model / "model.safetensors"]
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in model.iterdir()}
    card = tmp_path / "model_card.md"
    card.write_text("# With numbers\n", encoding="utf-8")
    out = tmp_path / "share"
    (out / "teacher").mkdir(parents=True)
    for _ in range(2):  # again, over what is there
        share_model(files, card, out)
    assert (out / "README.md").read_text(encoding="utf-8") == "# With numbers\n"
    assert {path.name for path in out.iterdir()} == {*before, "teacher"}
    for path in files:
        assert (out / path.name).read_bytes() == path.read_bytes()
        assert not (out / path.name).samefile(path)
    assert before == {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in model.iterdir()}
    (out / "teacher").rmdir()  # none of its own: the one beside is found, as for the model
    assert WavBriVL.from_pretrained(out).teacher.dim == 16
