"""Which sets of drawings Table 3 has, and what their metrics are called: light, because planning reads it."""

from wavbrivl.generate.study import STUDIES

REAL = "real"
MAIN_STUDY = "test"


def task_of(generator: str, study: str = MAIN_STUDY) -> str:
    """The metrics file of a generator's drawings: `vegas_<generator>`, with the study where it is another."""
    return f"vegas_{generator}" if study == MAIN_STUDY else f"vegas_{generator}_{study}"


def measured(study: str) -> bool:
    """Whether a study's drawings are a set of Table 3: of clips, each in the place of its own class."""
    kind = STUDIES[study]
    return kind.kind != "text" and not kind.gains_db and kind.pairing != "swapped"
