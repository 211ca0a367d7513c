"""The corpus's own classes from an official train split to its test split."""

import numpy as np
import pytest
from pydantic import ValidationError

from wavbrivl.config.evaluation import EvaluateConfig, ProbeConfig
from wavbrivl.corpus.ledger import LedgerRow, Status, write_ledger
from wavbrivl.errors import UserError
from wavbrivl.evaluate import probe
from wavbrivl.evaluate.corpus_classes import corpus_labels, embedded_split, listed_parts
from wavbrivl.evaluate.label_texts import LabelVectors
from wavbrivl.evaluate.matrix import Matrix, read_matrix, write_matrix
from wavbrivl.evaluate.outcomes import of_corpus
from wavbrivl.evaluate.result import Coverage, Exclusion, Part, Prompts, part_of

LABELS = ("cat purring", "dog barking", "female speech, woman speaking", "train horning")
SIZES = {"train": (30, 20, 25, 0), "validation": (6, 4, 5, 0), "test": (9, 3, 0, 2)}
CONFIG = EvaluateConfig(
    probe=ProbeConfig(hidden=32, epochs=30, learning_rates=[1e-2, 3e-2]), bootstrap=200, seeds=2
)
LISTED = {
    "test": part_of(20, [Exclusion(item=f"gone{i}_0_1000", cause="gone") for i in range(6)]),
    "train": Part(coverage=Coverage(expected=80, found=75, missing={"private": 5}), listed_in="ledgers"),
}


@pytest.fixture
def tables(tmp_path):
    """Three splits whose classes differ: one has no training items, one no test items."""
    paths = {}
    for split, sizes in SIZES.items():
        labels = [LABELS[i] for i, size in enumerate(sizes) for _ in range(size)]
        rows = [f'{split}{i}_0_1000,{split}{i // 2},"{label}"' for i, label in enumerate(labels)]
        paths[split] = tmp_path / f"{split}.csv"
        paths[split].write_text("\n".join(["clip_id,video_id,label", *rows]) + "\n", encoding="utf-8")
    return paths


def classes_of(split):
    return np.repeat(np.arange(len(LABELS)), SIZES[split])


def points(split, noise=0.1):
    generator = np.random.default_rng(len(split))
    return (np.eye(4, 6)[classes_of(split)] + noise * generator.normal(size=(sum(SIZES[split]), 6))).astype(
        np.float32
    )


def splits(tables, vectors, encoder="wavbrivl", projection=None):
    found = {}
    for split, table in tables.items():
        names = [f"{split}{i}_0_1000" for i in range(sum(SIZES[split]))]
        matrix = Matrix(encoder, names, vectors(split), projection(split) if projection else None)
        found[split] = embedded_split(table, matrix, LABELS, "toy", LISTED.get(split))
    return found


def texts():
    prompts = Prompts(language="en", templates=["{}"], labels={label: label for label in LABELS})
    return LabelVectors(LABELS, np.eye(4, 6), prompts)


def measured(tables, vectors, projection):
    parts = splits(tables, vectors, projection=projection)
    return of_corpus([parts], texts(), None, CONFIG, 1)


def test_classes_are_those_of_all_splits_in_order(tables):
    assert corpus_labels(list(tables.values())) == LABELS


def test_a_good_encoder_is_right_where_there_was_something_to_learn(tables):
    (multi, items), (zero, _) = measured(tables, points, points)
    assert (multi.task, zero.task) == ("vggsound", "vggsound_zeroshot")
    assert multi.n == 14 and multi.coverage == LISTED["test"].coverage and multi.classes == 4
    assert multi.metrics["accuracy"].value == pytest.approx(12 / 14), "one class was never learned"
    assert multi.metrics["map"].value > 0.6
    assert multi.settings["classes_without_test_items"] == 1
    assert multi.settings["classes_without_training_items"] == 1
    assert multi.folds is None and multi.seeds["map"].seed == [1, 2]
    assert multi.seeds["map"].values[0] == multi.metrics["map"].value
    said = np.array(items.label)
    by_class = [items.scores["map"][said == label].mean() for label in np.unique(said)]
    assert np.mean(by_class) == pytest.approx(multi.metrics["map"].value)
    assert zero.metrics["accuracy"].value == 1.0
    assert zero.metrics["map"].value == pytest.approx(1.0)
    assert zero.prompts.labels[LABELS[2]] == LABELS[2]


def test_a_constant_encoder_scores_exactly_chance(tables):
    def constant(split):
        return np.full((sum(SIZES[split]), 6), 0.3, dtype=np.float32)

    (multi, _), (zero, _) = measured(tables, constant, constant)
    for name, metrics in (("map", multi.metrics), ("map", zero.metrics), ("accuracy_macro", zero.metrics)):
        assert metrics[name].value == pytest.approx(metrics[name].chance, abs=1e-11), name


@pytest.mark.parametrize(("said", "share"), [(0, 9 / 14), (1, 3 / 14), (2, 0), (3, 2 / 14)])
def test_a_constant_answer_scores_chance_where_classes_count_and_its_share_where_items_do(
    tables, said, share
):
    """Unbalanced classes, one of them without a test item, and an encoder that always names one label."""

    def always(split):
        return np.tile(np.eye(4, 6, dtype=np.float32)[said] + 0.01, (sum(SIZES[split]), 1))

    _, (zero, _) = measured(tables, points, always)
    for name in ("accuracy_macro", "map"):
        assert zero.metrics[name].value == pytest.approx(zero.metrics[name].chance, abs=1e-11), name
    accuracy = zero.metrics["accuracy"]
    assert accuracy.value == pytest.approx(share)
    assert (accuracy.chance, accuracy.majority) == (1 / 4, pytest.approx(9 / 14))
    assert zero.metrics["accuracy_macro"].chance == pytest.approx(1 / 3)
    assert zero.settings["classes_without_test_items"] == 1


def test_what_ledgers_say_of_test_clips_is_listed_and_of_others_counted(tmp_path):
    fates = {"train-00000": "ok gone", "test-00000": "ok ok", "test-00001": "undecodable ok private"}
    paths = []
    for shard, statuses in fates.items():
        rows = [LedgerRow(f"{shard[-1]}{i}_0_1", Status(s)) for i, s in enumerate(statuses.split())]
        paths.append(tmp_path / f"{shard}.ledger.csv")
        write_ledger(paths[-1], rows)
    parts = listed_parts(paths)
    assert parts["test"].coverage.missing == {"private": 1, "undecodable": 1}
    assert [(e.item, e.cause) for e in parts["test"].exclusions] == [
        ("10_0_1", "undecodable"),
        ("12_0_1", "private"),
    ]
    assert (parts["train"].coverage.expected, parts["train"].coverage.missing) == (2, {"gone": 1})
    assert parts["train"].listed_in.endswith("train-*.ledger.csv")
    with pytest.raises(ValidationError, match="listed are {}"):
        Part(coverage=parts["train"].coverage)


def test_the_test_split_decides_nothing(tables, monkeypatch):
    seen = []
    original = probe.fit_probe

    def spy(embeddings, targets, *others):
        seen.append(len(embeddings))
        return original(embeddings, targets, *others)

    for module in ("probe", "classify"):
        monkeypatch.setattr(f"wavbrivl.evaluate.{module}.fit_probe", spy)
    measured(tables, points, points)
    assert seen == [75, 75, 90, 90], "two rates on train, then two seeds on train and validation"


def test_the_training_from_scratch_is_judged_on_the_same_clips(tables):
    parts = splits(tables, points, projection=points)
    logits = Matrix("supervised", [c.name for c in parts["test"].sounds.clips], np.eye(4)[classes_of("test")])
    *outcomes, (result, _) = of_corpus([parts], texts(), logits, CONFIG, 1)
    assert (result.encoder, result.metrics["map"].value) == ("supervised", 1.0)
    for one in (outcomes[0][0], outcomes[1][0], result):
        assert one.coverage == LISTED["test"].coverage
        assert one.exclusions == LISTED["test"].exclusions
    for one in (outcomes[0][0], result):
        assert one.parts["train"] == LISTED["train"]
        assert one.parts["validation"].coverage.found == sum(SIZES["validation"])
    assert outcomes[1][0].parts == {}, "zero-shot learns nothing"
    other = Matrix("supervised", ["x"], np.eye(4)[:1])
    with pytest.raises(UserError, match="of other clips"):
        of_corpus([parts], texts(), other, CONFIG, 1)


def test_clips_without_labels_and_other_clips_are_refused(tables, tmp_path):
    bare = tmp_path / "bare.csv"
    bare.write_text("clip_id,video_id,label\na_0_1,a,\n")
    with pytest.raises(UserError, match=r"bare\.csv: clips without a label"):
        corpus_labels([bare])
    bare.write_text("clip_id,video_id,label\na_0_1,a,dog\n")
    with pytest.raises(UserError, match="two classes"):
        corpus_labels([bare])
    with pytest.raises(UserError, match=r"test\.csv: the sounds of 'x' are of other clips"):
        embedded_split(tables["test"], Matrix("x", ["a"], np.zeros((1, 2))), LABELS, "toy")


@pytest.mark.parametrize("projected", [True, False])
def test_a_matrix_is_read_as_it_was_written_and_is_the_same_bytes(tmp_path, projected):
    matrix = Matrix(
        "logmel",
        ["a b.wav", "声.wav"],
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.ones((2, 4), np.float32) if projected else None,
        (Exclusion(item="c.wav", cause="unreadable"),),
    )
    for name in ("one.npz", "two.npz"):
        write_matrix(tmp_path / name, matrix)
    read = read_matrix(tmp_path / "one.npz", ["a b.wav", "声.wav"])
    assert (read.encoder, read.items, read.exclusions) == (matrix.encoder, matrix.items, matrix.exclusions)
    assert np.array_equal(read.embedding, matrix.embedding)
    assert (read.projection is not None) == projected
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with pytest.raises(UserError, match=r"one\.npz: its sounds are not those"):
        read_matrix(tmp_path / "one.npz", ["声.wav", "a b.wav"])


@pytest.mark.parametrize("content", [b"", b"PK broken", None])
def test_a_broken_matrix_is_named(tmp_path, content):
    path = tmp_path / "m.npz"
    if content is None:
        np.savez(path, other=np.zeros(3))
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"m\.npz: not a matrix of embeddings"):
        read_matrix(path)
