"""Every code block of docs/use.md runs as it stands, on a run of tiny models."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest
from tests.tiny_model import write_images, write_run, write_sounds

from wavbrivl.cli.main import main
from wavbrivl.train.share import share_model

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/use.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with everything that the page names."""
    folder = tmp_path_factory.mktemp("use")
    write_run(folder / "results/demo")
    (folder / "results/demo/model_card.md").write_text("# A card with numbers\n")
    (folder / "sounds").mkdir()
    made = write_sounds(folder / "made", 3)
    for name, source in zip(("dog.wav", "rain.mp3", "street.mp4"), made, strict=True):
        command = [
            imageio_ffmpeg.get_ffmpeg_exe(),
            "-v",
            "error",
            "-i",
            str(source),
            str(folder / "sounds" / name),
        ]
        subprocess.run(command, check=True, timeout=60)
    images = write_images(folder / "made", 2)
    (folder / "pictures").mkdir()
    shutil.copy(images[0], folder / "pictures/dog.jpg")
    shutil.copy(images[1], folder / "pictures/rain.png")
    return folder


def test_the_python_blocks_run_one_after_the_other(place, monkeypatch):
    monkeypatch.chdir(place)
    names = {}
    for block in blocks("python"):
        exec(block, names)
    assert names["sounds"].embedding.shape == (3, 12)
    assert names["best"] in ("dog", "rain")
    assert names["scenes"].shape == (2, 12) and names["frames"].shape[:2] == names["milliseconds"].shape


def test_the_commands_run_one_after_the_other(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    commands = [shlex.split(line) for block in blocks("sh") for line in block.splitlines()]
    assert {command[1] for command in commands if command[0] == "wavbrivl"} == {
        "embed", "classify", "index", "search", "doctor",
    }  # fmt: skip
    for program, *arguments in commands:
        if arguments[-1] == "share":  # what the workflow's target does with a finished run
            model = [p for p in (place / "results/demo/model").iterdir() if p.name != "README.md"]
            share_model(model, place / "results/demo/model_card.md", place / "results/demo/share")
        elif program == "wavbrivl":
            assert main(arguments) == 0, capsys.readouterr().err
        else:
            subprocess.run([program, *arguments], check=True, timeout=60)
    assert main(["doctor", "--model", "results/demo/share"]) == 0
    assert (place / "results/demo/share/README.md").read_text() == "# A card with numbers\n"


def test_links_and_paths_on_the_page_are_there():
    targets = [t for t in re.findall(r"\]\(([^)#]+)\)", PAGE) if "://" not in t]
    assert not [target for target in targets if not (ROOT / "docs" / target).exists()]
    for rule in ("describe_model", "write_model_card", "share_model"):
        assert (ROOT / "workflow/scripts" / f"{rule}.py").is_file() and rule in PAGE
