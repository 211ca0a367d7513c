"""Write one matrix of image embeddings a split, with its row order."""

import shutil
from pathlib import Path

from wavbrivl.shards.reader import MediaShards
from wavbrivl.teacher.join import join_split
from wavbrivl.workflow.job import job

if __name__ == "__main__":
    with job(snakemake):
        inputs, params = snakemake.input, snakemake.params
        media = Path(inputs.media[0]).parent
        parts = {
            shard: Path(path)
            for path, shards in zip(inputs.parts, params.parts, strict=True)
            for shard in shards
        }
        outputs = zip(snakemake.output.matrices, snakemake.output.rows, strict=True)
        for names, (matrix, rows) in zip(params.shards.values(), outputs, strict=True):
            join_split(
                MediaShards([media / f"{name}.tar" for name in names]), parts, Path(matrix), Path(rows)
            )
        # Every part is there, so what killed jobs of other teachers left is nobody's.
        shutil.rmtree(Path(inputs.parts[0]).parent / ".spool", ignore_errors=True)
