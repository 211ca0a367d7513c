"""Retrieval by caption on Clotho: sounds for a text, texts for a sound.

Text to audio: each of the five captions of a sound is a query, the gallery is all sounds of the split,
and only the caption's own sound is right. Audio to text: each sound is a query, the gallery is all
captions, and its own five are right; recall at k asks for any of them among the first k, average
precision for all. Captions of other sounds are wrong even where their words are the same.
"""

import numpy as np
import torch

from wavbrivl.config.captions import CaptionRetrievalConfig
from wavbrivl.evaluate.captions.heard import Listened
from wavbrivl.evaluate.captions.several import (
    average_precision_at,
    chance_average_precision,
    chance_hits,
    hits,
)
from wavbrivl.evaluate.captions.text_encoder import Met, apart, fit_towers
from wavbrivl.evaluate.intervals import interval, mean_of, method, value_of
from wavbrivl.evaluate.items import Items
from wavbrivl.evaluate.label_texts import TextTower
from wavbrivl.evaluate.ranking import unit
from wavbrivl.evaluate.result import Metric, Result, metric, several_seeds

RECALLS = (1, 5, 10)
DEPTH = 10
"""Of the average precision."""

LANGUAGE = "en"
"""Of Clotho's captions."""

_CHUNK = 256


def run_retrieval(
    heard: dict[str, Listened],
    config: CaptionRetrievalConfig,
    bootstrap: int,
    seed: int,
    dataset: str,
    language: str,
    teacher: TextTower | None = None,
    device: torch.device | str = "cpu",
    seeds: int = 1,
) -> tuple[Result, Items]:
    """Measure one encoder: task `clotho_retrieval`.

    Args:
        heard: the three splits as the encoder hears them.
        bootstrap: resamples behind each interval.
        language: that the teacher reads.
        teacher: its text tower, for the zero-shot numbers; not needed where it does not read English.
        device: where the text encoder is trained.
        seeds: how many text encoders are trained, counted from `seed`; the first gives the result.
    """
    development, test = heard["development"], heard["evaluation"]
    flat = [caption for of_one in test.captions for caption in of_one]
    numbers = range(seed, seed + seeds)
    met, scores, further = None, {}, []
    for number in numbers:
        towers = _fit(heard, config, number, device)
        found = _scores(towers.sounds(test.framed.embedding), towers.texts(flat))
        further.append({name: float(values.mean()) for name, values in found.items()})
        if met is None:
            met, scores = towers, found
    metrics = _metrics(scores, test, bootstrap, seed)
    lacking = _no_zero_shot(test, language)
    if lacking is None:
        known, sounds = (unit(split.framed.projection) for split in (development, test))
        found = _scores(apart(sounds, known), teacher.embed_texts(flat))
        metrics |= {f"zeroshot_{name}": m for name, m in _metrics(found, test, bootstrap, seed).items()}
    result = Result(
        task="clotho_retrieval",
        dataset=dataset,
        split="evaluation",
        protocol=_PROTOCOL,
        encoder=test.encoder,
        n=len(test.captions),
        coverage=test.part.coverage,
        seed=seed,
        metrics=metrics,
        intervals=f"{method(bootstrap)}; queries are drawn, the gallery stays as it is",
        gallery=len(test.captions),
        seeds=several_seeds(numbers, further),
        exclusions=test.part.exclusions,
        parts={s: heard[s].part for s in ("development", "validation")},
        settings={
            "text_encoder": config.model_dump(mode="json"),
            "kept_step": met.step,
            "vocabulary": met.words,
            "trained_on": {s: heard[s].facts() for s in ("development", "validation")},
            "absent": {} if lacking is None else {"zeroshot": lacking},
        },
    )
    return result, Items(
        item=[clip.sound.name for clip in test.clips],
        group=test.groups,
        label=[""] * len(test.clips),
        scores=scores,
    )


_PROTOCOL = (
    "a small text encoder and an MLP over the frozen embedding, trained from nothing on the development "
    "captions by InfoNCE, the same for every encoder, weights chosen on validation; zeroshot: the encoder's "
    "own projection against the teacher's texts; in both, sounds are centred on the mean of the development "
    "sounds; text to audio: each caption is a query and its own sound alone is right; audio to text: a "
    "sound's own five captions are right, recall at k wants any of them; ties at their expected rank; "
    "chance: a constant encoder"
)


def _fit(
    heard: dict[str, Listened], config: CaptionRetrievalConfig, seed: int, device: torch.device | str
) -> Met:
    development, validation = heard["development"], heard["validation"]
    return fit_towers(
        development.framed.embedding,
        development.captions,
        validation.framed.embedding,
        validation.captions,
        _validation_map,
        config,
        seed,
        device,
        f"text encoder for {development.encoder}, seed {seed}",
    )


def _scores(sounds: np.ndarray, texts: np.ndarray) -> dict[str, np.ndarray]:
    """Every metric for each sound, [n]; those of text queries are the mean over its captions.

    Args:
        sounds: [n, dim].
        texts: [n * captions, dim], those of the first sound first.
    """
    n, each = len(sounds), len(texts) // len(sounds)
    owner = np.repeat(np.arange(n), each)
    found = {"text_to_audio": [], "audio_to_text": []}
    left, right = unit(sounds), unit(texts)
    for start in range(0, len(texts), _CHUNK):
        rows = right[start : start + _CHUNK] @ left.T
        found["text_to_audio"].append(_of_queries(rows, owner[start : start + _CHUNK, None] == np.arange(n)))
    for start in range(0, n, _CHUNK):
        rows = left[start : start + _CHUNK] @ right.T
        found["audio_to_text"].append(_of_queries(rows, np.arange(n)[start : start + _CHUNK, None] == owner))
    return {
        f"{name}_{direction}": np.concatenate([block[name] for block in blocks]).reshape(n, -1).mean(axis=1)
        for direction, blocks in found.items()
        for name in blocks[0]
    }


def _validation_map(sounds: np.ndarray, texts: np.ndarray) -> float:
    """Mean of the mAP@10 of both directions; arguments as `_scores`."""
    owner = np.repeat(np.arange(len(sounds)), len(texts) // len(sounds))
    own = owner[:, None] == np.arange(len(sounds))
    scores = unit(texts) @ unit(sounds).T
    both = (average_precision_at(scores, own, DEPTH), average_precision_at(scores.T, own.T, DEPTH))
    return float(np.mean([found.mean() for found in both]))


def _of_queries(scores: np.ndarray, relevant: np.ndarray) -> dict[str, np.ndarray]:
    found = {f"recall_at_{k}": hits(scores, relevant, k) for k in RECALLS}
    return found | {f"map_at_{DEPTH}": average_precision_at(scores, relevant, DEPTH)}


def _metrics(scores: dict[str, np.ndarray], test: Listened, bootstrap: int, seed: int) -> dict[str, Metric]:
    chance = _chance(len(test.captions), len(test.captions[0]))
    return {
        name: metric(
            value_of(mean_of(values), len(values)),
            interval(mean_of(values), test.groups, bootstrap, seed),
            chance[name],
        )
        for name, values in scores.items()
    }


def _chance(sounds: int, captions: int) -> dict[str, float]:
    """What a constant encoder scores."""
    galleries = {"text_to_audio": (1, sounds), "audio_to_text": (captions, captions * sounds)}
    found = {}
    for direction, (right, gallery) in galleries.items():
        for k in RECALLS:
            found[f"recall_at_{k}_{direction}"] = chance_hits(right, gallery, k)
        found[f"map_at_{DEPTH}_{direction}"] = chance_average_precision(right, gallery, DEPTH)
    return found


def _no_zero_shot(test: Listened, language: str) -> str | None:
    """Why there are no zero-shot numbers, in one sentence; None where there are."""
    if language != LANGUAGE:
        return f"Clotho's captions are in '{LANGUAGE}' and the teacher reads '{language}'"
    if test.framed.projection is None:
        return f"the encoder '{test.encoder}' has no projection of its own into the teacher's space"
    return None
