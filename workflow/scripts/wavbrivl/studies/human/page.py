"""Write the study as one folder that works from disk or served: a page, its pictures and its sounds.

The page holds no class, no system and no answer: pictures and sounds have names that tell nothing, and the
key is written elsewhere. Its policy allows its own script and style by their hashes, nothing else to run, and
no connection at all.
"""

import base64
import hashlib
import html
import io
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np
import soundfile
from PIL import Image

from wavbrivl.files import atomic, write_json, write_text
from wavbrivl.generate.drawings import Drawings
from wavbrivl.progress import track
from wavbrivl.studies.human.pairs import Question, study_name

RATE = 16000
SIDE = 320
_PAGE = files("wavbrivl.studies.human") / "page"


def write_study(
    folder: Path,
    key: Path,
    questions: Sequence[Question],
    systems: Mapping[str, Drawings],
    sound: Callable[[str], np.ndarray],
    contact: str,
    seed: int,
) -> None:
    """Write the folder for raters and, apart from it, the key that their answers are read with.

    Args:
        folder: replaced as a whole.
        key: JSON with the study's name and every question with its answer.
        sound: from a clip id to float32 [samples], 16 kHz.
        contact: a line at the end of the page.
        seed: of the names of pictures and sounds.
    """
    images = {name: drawings.images for name, drawings in systems.items()}
    study = study_name(questions, images)
    shutil.rmtree(folder, ignore_errors=True)
    shown = []
    for question in track(questions, "questions written"):
        own, foil = (
            _write_image(folder, images[question.system][row], study, seed, question.system, row)
            for row in (question.own, question.foil)
        )
        left, right = (own, foil) if question.own_side == "left" else (foil, own)
        heard = _write_sound(folder, sound(question.item), study, seed, question.item)
        shown.append(
            {"id": question.name, "test": question.test, "sound": heard, "left": left, "right": right}
        )
    tests = max(question.test for question in questions)
    data = {"id": study, "tests": tests, "contact": contact, "questions": shown}
    write_text(folder / "index.html", page(data))
    write_json(key, {"study": study, "questions": [asdict(question) for question in questions]})


def page(data: Mapping[str, object]) -> str:
    """The whole page around its data; what is in the data cannot become markup or script."""
    style, script = ((_PAGE / name).read_text(encoding="utf-8") for name in ("study.css", "study.js"))
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src 'self' file:",
            "media-src 'self' file:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    template = Template((_PAGE / "index.html").read_text(encoding="utf-8"))
    return template.substitute(
        policy=html.escape(policy), style=style, script=script, study=_inside_script(data)
    )


def _inside_script(data: Mapping[str, object]) -> str:
    """JSON that cannot end the script element that it stands in."""
    text = json.dumps(data, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _blind(study: str, seed: int, *parts: object) -> str:
    """A file name that tells nothing about what it holds, the same for the same content of a study."""
    return hashlib.sha256("\x00".join(map(str, (study, seed, *parts))).encode()).hexdigest()[:16]


def _write_image(folder: Path, image: np.ndarray, study: str, seed: int, system: str, row: int) -> str:
    """Pictures as large as they are shown, so that all browsers smooth them alike."""
    name = f"images/{_blind(study, seed, system, row)}.png"
    if not (folder / name).exists():
        content = io.BytesIO()
        Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(content, format="png")
        _write_bytes(folder / name, content.getvalue())
    return name


def _write_sound(folder: Path, waveform: np.ndarray, study: str, seed: int, item: str) -> str:
    name = f"sounds/{_blind(study, seed, item)}.wav"
    if not (folder / name).exists():
        content = io.BytesIO()
        soundfile.write(content, waveform, RATE, "PCM_16", format="WAV")
        _write_bytes(folder / name, content.getvalue())
    return name


def _write_bytes(path: Path, content: bytes) -> None:
    with atomic(path) as temporary:
        temporary.write_bytes(content)
