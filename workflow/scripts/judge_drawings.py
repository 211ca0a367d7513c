"""Judge every set of drawings, and the judge itself on real frames."""

from pathlib import Path

from wavbrivl.compute import set_up
from wavbrivl.config.studies import StudiesConfig
from wavbrivl.corpus.ledger import coverage
from wavbrivl.evaluate.items import write_items
from wavbrivl.evaluate.result import Coverage, write_result
from wavbrivl.shards.reader import MediaShards
from wavbrivl.studies.extractors import open_extractors
from wavbrivl.studies.folders import read_sets
from wavbrivl.studies.frames import Frames, read_frames, read_truth
from wavbrivl.studies.judge import open_judge
from wavbrivl.studies.measure import Bench, judge_all, measure_real
from wavbrivl.studies.quality import judge_quality
from wavbrivl.workflow.job import job


def frames(paths: list[str], side: int) -> Frames:
    """The first frame of every clip, at the side of the drawings."""
    shards = MediaShards([Path(path) for path in paths])
    return read_frames(shards, truth, params.frames_in_memory, params.seed, every_frame=False, side=side)


if __name__ == "__main__":
    with job(snakemake):
        inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
        device = set_up(params.seed, threads=1)
        config = StudiesConfig(**params.studies)
        truth = read_truth(Path(inputs.truth) if inputs.truth else None)
        sets = read_sets(Path(path) for path in inputs.drawings)
        side = max(drawings.side for drawings in sets.values())
        reference = frames(inputs.test, side)
        labels = sorted(set(reference.labels))
        trained = Path(inputs.judge[0]).parent if inputs.judge else None
        features = Path(inputs.features[0]).parent
        judged = open_judge(config.judge, trained, labels, device)
        bench = Bench(
            judge=judged,
            extractors=open_extractors(params.extractors, config.features, features, device),
            reference=reference,
            truth=truth,
            dataset=params.dataset,
            coverage=Coverage(**coverage([Path(path) for path in inputs.ledgers])),
            splits=config.features.splits,
            resamples=params.bootstrap,
            seed=params.seed,
        )
        quality = judge_quality(
            judged, reference, bench.coverage, params.dataset, params.bootstrap, params.seed
        )
        real, _ = measure_real(frames(inputs.validation, side), bench)
        results, items, rounds = judge_all(sets, bench)
        metrics = Path(outputs.real).parent
        for result in (quality, real, *results):
            write_result(metrics / f"{result.task}.json", result)
        write_items(Path(outputs.judged), items)
        write_items(Path(outputs.rounds), rounds)
