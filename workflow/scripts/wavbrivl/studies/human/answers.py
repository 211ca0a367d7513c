"""Read the files that raters exported: each is checked whole, and refused by its name."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wavbrivl.errors import UserError
from wavbrivl.files import read_json
from wavbrivl.studies.human.pairs import Question

MAX_BYTES = 1_000_000
Outcome = Literal["positive", "negative", "neither"]
OUTCOMES: tuple[Outcome, ...] = ("positive", "negative", "neither")


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Answer(_Closed):
    """One answer as the page exports it."""

    question: Annotated[str, Field(pattern=r"^q\d{3,}$")]
    choice: Literal["left", "right", "neither"]
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    plays: Annotated[int, Field(ge=0)]


class AnswerFile(_Closed):
    """What one rater exported; `rater` is a random number that the page made."""

    format: Literal[1]
    study: str
    rater: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    started: str
    saved: str
    answers: Annotated[list[Answer], Field(min_length=1)]


class Key(_Closed):
    """The questions of a study with their answers, as `page.write_study` writes it."""

    study: str
    questions: list[dict[str, Any]]


@dataclass(frozen=True)
class Vote:
    """One rater's answer to one question: positive where the drawing of the sound was chosen."""

    rater: str
    question: Question
    outcome: Outcome
    choice: str


def read_key(path: Path) -> tuple[str, dict[str, Question]]:
    """The study's name and its questions by name."""
    key = Key.model_validate(read_json(path))
    return key.study, {values["name"]: Question(**values) for values in key.questions}


def read_votes(paths: Iterable[Path], study: str, questions: dict[str, Question]) -> list[Vote]:
    """Read all answer files of a study.

    Raises:
        UserError: naming every file that is malformed, of another study, or doubled.
    """
    problems: list[str] = []
    files: dict[str, tuple[Path, AnswerFile]] = {}
    for path in sorted(paths):
        found = _read(path, study, questions)
        if isinstance(found, str):
            problems.append(f"{path}: {found}")
        elif found.rater in files:
            problems.append(f"{path}: the same rater as in {files[found.rater][0].name}")
        else:
            files[found.rater] = (path, found)
    if problems:
        raise UserError("answer files are refused: " + "; ".join(problems))
    return [_vote(file.rater, answer, questions) for _, file in files.values() for answer in file.answers]


def _read(path: Path, study: str, questions: dict[str, Question]) -> AnswerFile | str:
    """The file, or what is wrong with it."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return f"larger than {MAX_BYTES} bytes"
        file = AnswerFile.model_validate(read_json(path))
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the whole"
        return f"not an answer file: {where}: {problem['msg']}"
    except (OSError, ValueError, RecursionError) as error:
        return f"not an answer file ({str(error).splitlines()[0]})"
    if file.study != study:
        return f"it answers the study {file.study[:40]!r}, and this is {study!r}"
    names = [answer.question for answer in file.answers]
    unknown = sorted(set(names) - set(questions))
    if unknown:
        return f"the study has no question {unknown[0]}"
    doubled = sorted({name for name in names if names.count(name) > 1})
    return f"the question {doubled[0]} is answered twice" if doubled else file


def _vote(rater: str, answer: Answer, questions: dict[str, Question]) -> Vote:
    question = questions[answer.question]
    if answer.choice == "neither":
        return Vote(rater, question, "neither", answer.choice)
    outcome: Outcome = "positive" if answer.choice == question.own_side else "negative"
    return Vote(rater, question, outcome, answer.choice)
