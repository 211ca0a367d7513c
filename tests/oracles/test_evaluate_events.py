"""F1 of events against a slow version of the definitions, on random events."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wavbrivl.evaluate.events import score
from wavbrivl.evaluate.events.desed import Event
from wavbrivl.evaluate.intervals import value_of

LABELS = ("a", "b", "c")
SECONDS = 6.0

events = st.builds(
    lambda label, onset, length: Event(label, onset / 8, (onset + length) / 8),
    st.sampled_from(LABELS),
    st.integers(0, 47),
    st.integers(1, 20),
).map(lambda e: Event(e.label, e.onset, min(e.offset, SECONDS)))
some = st.lists(events, max_size=4)
files = st.lists(st.tuples(some, some), min_size=1, max_size=4)


def slow_segments(truth, found):
    """For each class: correct, reference and output segments, by asking each second for each event."""
    counts = np.zeros((len(LABELS), 3))
    for place, label in enumerate(LABELS):
        for second in range(int(SECONDS)):
            on = [
                any(e.label == label and e.onset < second + 1 and e.offset > second for e in side)
                for side in (truth, found)
            ]
            counts[place] += [all(on), on[0], on[1]]
    return counts


def agrees(truth, found):
    near = abs(truth.onset - found.onset) <= score.COLLAR_SECONDS
    allowed = max(score.COLLAR_SECONDS, score.COLLAR_SHARE * (truth.offset - truth.onset))
    return truth.label == found.label and near and abs(truth.offset - found.offset) <= allowed


def largest_matching(truth, found):
    """By trying every set of pairs."""
    pairs = [(i, j) for i, t in enumerate(truth) for j, f in enumerate(found) if agrees(t, f)]
    for size in range(min(len(truth), len(found)), 0, -1):
        for chosen in combinations(pairs, size):
            if len({i for i, _ in chosen}) == size == len({j for _, j in chosen}):
                return size
    return 0


def slow_events(truth, found):
    counts = np.zeros((len(LABELS), 3))
    for place, label in enumerate(LABELS):
        mine = [[e for e in side if e.label == label] for side in (truth, found)]
        counts[place] = [largest_matching(*mine), len(mine[0]), len(mine[1])]
    return counts


def slow_f1(counts):
    """Macro over the classes of the reference, and micro."""
    each = []
    for correct, reference, output in counts[counts[:, 1] > 0]:
        precision, recall = correct / max(output, 1), correct / reference
        each.append(2 / (1 / precision + 1 / recall) if correct else 0.0)
    correct, reference, output = counts.sum(axis=0)
    return (np.mean(each) if each else np.nan), (2 * correct / (reference + output) if reference else np.nan)


@settings(max_examples=80, deadline=None)
@given(files)
@example([([], [])])
@example([([], [Event("a", 0, 1)]), ([Event("a", 0, 1)], [])])
@example([([Event("a", 0, 1), Event("a", 1, 2)], [Event("a", 0, 2)])])
@example([([Event("a", 0, 3), Event("a", 2, 5)], [Event("a", 0, 3), Event("a", 2, 5)])])
@example([([Event("a", 0.5, 1.5)] * 2, [Event("a", 0.5, 1.5)])])
def test_counts_and_f1_agree_with_the_slow_version(pairs):
    truth, found = [t for t, _ in pairs], [f for _, f in pairs]
    segments = score.segment_counts(truth, found, [SECONDS] * len(pairs), LABELS)
    matched = score.event_counts(truth, found, LABELS)
    assert np.array_equal(segments, [slow_segments(*pair) for pair in pairs])
    assert np.array_equal(matched, [slow_events(*pair) for pair in pairs])
    for counts in (segments, matched):
        macro, micro = slow_f1(counts.sum(axis=0))
        assert value_of(score.macro_f1(counts), len(pairs)) == pytest.approx(macro, nan_ok=True)
        assert value_of(score.micro_f1(counts), len(pairs)) == pytest.approx(micro, nan_ok=True)


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
@settings(max_examples=30, deadline=None)
@given(files)
def test_values_are_those_that_sed_eval_reports_for_the_whole_set(pairs):
    import sed_eval

    theirs = sed_eval.sound_event.EventBasedMetrics(
        list(LABELS), t_collar=0.2, percentage_of_length=0.2, empty_system_output_handling="zero_score"
    )
    for truth, found in pairs:
        theirs.evaluate(
            *[
                [{"event_label": e.label, "onset": e.onset, "offset": e.offset} for e in side]
                for side in (truth, found)
            ]
        )
    counts = score.event_counts([t for t, _ in pairs], [f for _, f in pairs], LABELS)
    macro = theirs.results_class_wise_average_metrics()["f_measure"]["f_measure"]
    micro = theirs.overall_f_measure()["f_measure"]
    assert value_of(score.macro_f1(counts), len(pairs)) == pytest.approx(macro, nan_ok=True)
    assert value_of(score.micro_f1(counts), len(pairs)) == pytest.approx(micro, nan_ok=True)


@settings(max_examples=30, deadline=None)
@given(files, st.integers(0, 2**32 - 1))
def test_a_weight_is_as_good_as_a_copy(pairs, seed):
    """What the bootstrap relies on: a file that is drawn twice counts as two files."""
    weights = np.random.default_rng(seed).integers(0, 3, size=len(pairs))
    truth, found = [t for t, _ in pairs], [f for _, f in pairs]
    counts = score.segment_counts(truth, found, [SECONDS] * len(pairs), LABELS)
    copies = np.repeat(counts, weights, axis=0)
    for statistic in (score.macro_f1, score.micro_f1):
        expected = value_of(statistic(copies), len(copies)) if len(copies) else np.nan
        assert statistic(counts)(weights[None])[0] == pytest.approx(expected, nan_ok=True)


def test_silence_that_is_called_silence_scores_one_in_its_file():
    event = [Event("a", 0, 1)]
    counts = score.segment_counts([[], [], event, event], [[], event, [], event], [SECONDS] * 4, LABELS)
    assert list(score.file_f1(counts)) == [1.0, 0.0, 0.0, 1.0]
