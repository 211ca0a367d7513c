"""How well the frozen teacher itself tells clips apart: captions against held-out frames.

What the teacher does not keep, no audio encoder that is aligned with it can learn, so this bounds
sound-to-image retrieval.
"""

from collections.abc import Sequence

from wavbrivl.config.evaluation import EvaluateConfig
from wavbrivl.evaluate.gallery import Gallery
from wavbrivl.evaluate.intervals import method
from wavbrivl.evaluate.label_texts import TextTower
from wavbrivl.evaluate.ranking import ranks_of_pairs
from wavbrivl.evaluate.result import Coverage, Result
from wavbrivl.evaluate.retrieval import retrieval_metrics


def run_teacher_retrieval(
    teacher: TextTower,
    test: Gallery,
    captions: Sequence[str],
    coverage: Coverage,
    config: EvaluateConfig,
    seed: int,
    dataset: str,
) -> Result:
    """Measure text-to-image and image-to-text retrieval; equal captions tie.

    Args:
        test: the gallery.
        captions: the caption of each of its clips, in the teacher's language, [n].
    """
    texts = teacher.embed_texts(list(captions))
    ranks = {
        "text_to_image": ranks_of_pairs(texts, test.images),
        "image_to_text": ranks_of_pairs(test.images, texts),
    }
    return Result(
        task="teacher",
        dataset=dataset,
        split="test",
        protocol="the frozen teacher alone: captions against frame-averaged images by cosine, instance "
        "level, whole gallery, ties at their expected rank",
        encoder="teacher",
        n=len(test.clip_ids),
        coverage=coverage,
        seed=seed,
        metrics=retrieval_metrics(ranks, test.labels, test.video_ids, config, seed),
        intervals=f"{method(config.bootstrap)}; queries are drawn, the gallery stays as it is",
        classes=len(set(test.labels)),
        gallery=len(test.clip_ids),
    )
