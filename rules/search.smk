"""Grid search over the audio encoder and its training, where search.grid names values to try.

needs   what the training of the audio encoder needs
makes   results/<run>/search/<point>/   a training a point, with what it reached in result.json
        results/<run>/search/           points.csv, points.md, points.png, and chosen.json: the best point,
                                        which train_audio_encoder makes the run's encoder
"""

if POINTS:
    import pandas
    from snakemake.utils import Paramspace

    if not PLAN.shards["validation"]:
        raise WorkflowError("search.grid: there are no validation clips to choose a point by")

    SPACE = Paramspace(pandas.DataFrame([point.labels() for point in POINTS]), filename_params="*")
    POINT = SPACE.wildcard_pattern
    POINT_OF = dict(zip(SPACE.instance_patterns, POINTS))
    TRAINING = rules.train_audio_encoder

    rule train_point:
        """Train the audio encoder at one point of the grid; goes on where it was killed."""
        input:
            **{name: TRAINING.input.get(name) for name in ("media", "matrices", "rows")},
            pretrained=lambda wildcards: fetched(
                POINT_OF[POINT.format(**wildcards)].audio_encoder.wavlm.pretrained
            ),
        output:
            result=f"{SEARCH}/{POINT}/result.json",
            files=multiext(f"{SEARCH}/{POINT}/", "config.json", "metrics.jsonl", "best.safetensors"),
        log:
            f"{LOGS}/train_point/{POINT}.log",
        benchmark:
            f"{BENCHMARKS}/train_point/{POINT}.tsv"
        conda:
            "../envs/torch.yaml"
        threads: 2
        resources:
            mem_mb=scaled(4000),
            runtime=scaled(3 * 24 * 60),
            gpu=1,
        params:
            **{name: TRAINING.params.get(name) for name in ("seed", "teacher", "shards", "revision")},
            point=lambda wildcards: POINT_OF[POINT.format(**wildcards)].values,
            audio_encoder=lambda wildcards: POINT_OF[POINT.format(**wildcards)].audio_encoder.model_dump(
                mode="json"
            ),
            training=lambda wildcards: POINT_OF[POINT.format(**wildcards)].training.model_dump(mode="json"),
            code=code_digest("wavbrivl.train.launch", "wavbrivl.train.point"),
        script:
            "../workflow/scripts/train_point.py"

    rule choose_point:
        """Compare all points of the grid on validation and choose the best one."""
        input:
            results=expand(f"{SEARCH}/{{point}}/result.json", point=POINT_OF),
            weights=expand(f"{SEARCH}/{{point}}/best.safetensors", point=POINT_OF),
        output:
            chosen=f"{SEARCH}/chosen.json",
            text=f"{SEARCH}/points.md",
            table=f"{SEARCH}/points.csv",
            plot=report(
                f"{SEARCH}/points.png",
                caption="../workflow/report/search.rst",
                category="Training",
                labels={"figure": "grid search"},
            ),
        log:
            f"{LOGS}/choose_point.log",
        benchmark:
            f"{BENCHMARKS}/choose_point.tsv"
        conda:
            "../envs/torch.yaml"
        resources:
            mem_mb=scaled(1000),
            runtime=scaled(10),
        params:
            code=code_digest("wavbrivl.train.search", "wavbrivl.publish.search"),
        script:
            "../workflow/scripts/choose_point.py"
