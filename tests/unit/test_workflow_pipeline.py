"""The DVC pipeline names every section of the configuration that its rules read, and all of their code."""

import re

import pytest

from wavbrivl.config.root import Config
from wavbrivl.workflow.pipeline import NEEDS, ROOT, SECTIONS, Stage, pipeline
from wavbrivl.workflow.rulegraph import rule_files

STAGE_OF_FILE = {
    "world": "corpus",
    "corpus": "corpus",
    "teacher": "teacher",
    "teacher_images": "teacher",
    "audio_encoder": "train",
    "search": "train",
    "benchmarks": "evaluate",
    "embed": "evaluate",
    "evaluate": "evaluate",
    "events_and_captions": "evaluate",
    "generators": "generate",
    "generate": "generate",
    "borrow": "generate",
    "judges": "generate",
    "human_study": "generate",
    "studies": "generate",
    "study_figures": "generate",
    "coverage": "publish",
    "figures": "publish",
    "publish": "publish",
    "report": "publish",
}
ELSEWHERE = {"datasets", "weights", "share"}
"""Rules that fetch what a configuration names, and the folder to pass on; no target's own."""


def test_every_rule_file_belongs_to_a_stage():
    assert set(rule_files().values()) <= set(STAGE_OF_FILE) | ELSEWHERE
    assert set(STAGE_OF_FILE.values()) == set(NEEDS)


@pytest.mark.parametrize("file", STAGE_OF_FILE)
def test_sections_that_the_rules_read_are_parameters_of_the_stage(file):
    text = (ROOT / f"rules/{file}.smk").read_text(encoding="utf-8")
    read = set(re.findall(r"CONFIG\.(\w+)", text))
    for names in re.findall(r"settings\(([^)]*)\)", text):
        read |= set(re.findall(r'"(\w+)"', names))
    sections = read & set(Config.model_fields)
    assert sections <= set(SECTIONS[STAGE_OF_FILE[file]])


def test_a_frozen_stage_keeps_its_outputs_and_reads_its_overlay():
    stages = [
        Stage("corpus", ["data/x/media"], ["rules/corpus.smk"]),
        Stage("teacher", ["results/p/teacher"], []),
    ]
    content = pipeline(stages, "p", "config/p.yaml", frozen=True)["stages"]
    assert content["teacher"]["frozen"]
    assert content["teacher"]["deps"] == ["config/p.yaml", "data/x/media"]
    assert content["corpus"]["outs"] == [{"data/x/media": {"persist": True}}]
    assert content["corpus"]["cmd"].endswith("--configfile config/p.yaml -- corpus")
