"""What a model card says of how the run differs from the paper: as the configuration has it, and no more."""

import re
import subprocess
import sys

import pytest

from wavbrivl.config import Config, load_config, parse_config
from wavbrivl.files import write_json
from wavbrivl.train.deviations import BRIVL, ENCODER, QUEUES, deciding, deviations, read_settings

PAPER = ("config/config.yaml", "config/paper.yaml")
QUEUE_KEYS = set(QUEUES) - {"training.temperature"}


def said_of(config, chosen=None):
    return deviations(read_settings(deciding(config), chosen))


def keys(sentences):
    return [key for line in sentences for key in re.findall(r"\(`([a-z_.]+)`\)", line)]


def default(**sections):
    return parse_config({section: values for section, values in sections.items()})


def test_the_paper_s_configuration_differs_where_the_paper_contradicts_what_is_known():
    paper = load_config(*PAPER)
    assert keys(said_of(paper)) == [
        "teacher.image.backbone",
        "teacher.image.image_size",
        "training.batch_negatives",
        "training.mask_same",
    ]
    assert any("online on both sides" in line for line in said_of(paper))


@pytest.mark.parametrize("table", [ENCODER, QUEUES, BRIVL])
def test_values_called_the_paper_s_are_those_of_its_configuration(table):
    chosen_otherwise = {"teacher.image.backbone", "teacher.image.image_size", "training.batch_negatives"}
    for key in set(table) - chosen_otherwise:
        value = load_config(*PAPER)
        for part in key.split("."):
            value = getattr(value, part)
        assert value == table[key][0], key


def test_the_embedded_default_names_every_key_that_it_changes():
    said = said_of(Config())
    assert len(set(said)) == len(said) and all(line.endswith(".") for line in said)
    found = keys(said)
    assert {
        "corpus.format", "corpus.clip_seconds", "teacher.checkpoint", "teacher.embedding_dim",
        "audio_encoder.wavlm.pretrained", "audio_encoder.attention_layers", "audio_encoder.window_seconds",
        "training.crop_seconds", "training.queue_size", "training.batch_negatives", "training.momentum_scope",
        "training.noise_snr_db", "training.gain_db",
    } <= set(found)  # fmt: skip
    assert not {"training.momentum", "training.temperature", "audio_encoder.embedding_dim"} & set(found)
    assert any("3 layers of width 96" in line for line in said)
    assert any(line.startswith("Noise of 5 to 30 dB") for line in said)


def test_queues_alone_are_the_paper_s():
    said = said_of(default(training={"batch_negatives": False, "momentum_scope": "full", "queue_size": 9600}))
    assert not QUEUE_KEYS & set(keys(said))
    assert any(line.startswith("Queue entries of the positive's own clip") for line in said)


@pytest.mark.parametrize(
    ("loss", "words"), [("siglip", "a sigmoid of each pair"), ("in_batch", "Wav2CLIP's")]
)
def test_another_loss_has_no_queues_to_differ_in(loss, words):
    said = said_of(default(training={"loss": loss, "temperature": 0.1, "queue_size": 7}))
    (own,) = [line for line in said if "(`training.loss`)" in line]
    assert words in own
    assert not QUEUE_KEYS & set(keys(said)) and "online on both sides" not in " ".join(said)
    # SigLIP's scale is learned, so the value that it began with is none of the paper's.
    assert ("training.temperature" in keys(said)) == (loss == "in_batch")


def test_a_clip_like_teacher_is_named_and_has_no_regions():
    said = said_of(default(teacher={"kind": "huggingface", "model": "openai/clip-vit-base-patch32"}))
    assert any("The teacher is clip-vit-base-patch32" in line for line in said)
    assert not any(key.startswith("teacher.image") or key == "teacher.checkpoint" for key in keys(said))


def test_the_chosen_point_of_a_search_is_what_is_described(tmp_path):
    values = {"audio_encoder.wavlm.layers": 5, "training.temperature": 0.2}
    write_json(tmp_path / "chosen.json", {"point": "x", "values": values, "step": 1, "mrr": 0.5})
    said = said_of(Config(), tmp_path / "chosen.json")
    assert any("5 layers of width 96" in line for line in said)
    assert "The temperature is 0.2; the paper: 0.07 (`training.temperature`)." in said


def test_a_card_is_written_without_the_libraries_that_take_seconds_to_load():
    code = (
        "import sys, wavbrivl.train.card; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
