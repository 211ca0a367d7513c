"""From a tar of fetched clips to a media shard: one job, whose memory does not grow with the shard."""

import dataclasses
import json
import os
import tarfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from wavbrivl.config.corpus import MediaConfig
from wavbrivl.corpus.clips import Clip, read_manifest
from wavbrivl.corpus.ledger import LedgerRow, Status, one_line, read_ledger, write_ledger
from wavbrivl.corpus.pool import Decoder, in_order
from wavbrivl.corpus.request import Extracted, Request
from wavbrivl.corpus.sources.base import zero_ms
from wavbrivl.corpus.timeline import MediaError
from wavbrivl.errors import UserError
from wavbrivl.progress import track
from wavbrivl.shards.writer import ShardWriter, sort_key


def extract_shard(
    clips_tar: Path, clips_ledger: Path, manifest: Path, tar_out: Path, ledger_out: Path,
    media: MediaConfig, seed: int,
) -> None:  # fmt: skip
    """Decode every fetched clip once and write sound, frames and JSON, with index and ledger.

    A clip that cannot be decoded is a row in the ledger. The same clips, configuration and seed
    give the same bytes, whatever `media.workers` is.

    Raises:
        UserError: manifest, tar and ledger do not belong together.
    """
    clips = read_manifest(manifest)
    rows = {row.clip_id: row for row in read_ledger(clips_ledger)}
    if list(rows) != [clip.clip_id for clip in clips]:
        raise UserError(f"{clips_ledger} does not list the clips of {manifest}: fetch the shard again")
    wanted = sorted(
        (c for c in clips if rows[c.clip_id].status == Status.OK), key=lambda c: sort_key(c.clip_id)
    )
    split = clips[0].split if clips else manifest.stem.rpartition("-")[0]
    with ShardWriter(tar_out, split) as shard, clips_tar.open("rb") as handle:
        places = _places(clips_tar, wanted)
        items = ((clip, partial(_read, handle.fileno(), *places[clip.clip_id])) for clip in wanted)
        requests = ((_request(clip, rows[clip.clip_id].source, media, seed), read) for clip, read in items)
        results = in_order(requests, _extract, media.workers, media.timeout_seconds)
        for (request, _), result in track(results, "clips extracted", total=len(wanted)):
            name = request.clip.clip_id
            rows[name] = _row(rows[name], result)
            if isinstance(result, Extracted):
                shard.add(json.loads(result.members["json"]), result.members)
    write_ledger(ledger_out, [rows[clip.clip_id] for clip in clips])


def _extract(decoder: Decoder, item: tuple[Request, partial[bytes]]) -> Extracted | MediaError:
    request, read = item
    try:
        return decoder.extract(read(), request)
    except MediaError as error:
        return error


def _request(clip: Clip, source: str, media: MediaConfig, seed: int) -> Request:
    return Request(
        clip=clip,
        zero_ms=zero_ms(source, clip),
        frames=media.frames,
        square=media.square,
        jpeg_quality=media.jpeg_quality,
        tolerance=media.pad_seconds,
        seed=seed,
    )


def _row(row: LedgerRow, result: Extracted | MediaError) -> LedgerRow:
    if isinstance(result, MediaError):
        return dataclasses.replace(row, status=result.status, cause=one_line(result.cause))
    return dataclasses.replace(
        row, duration_ms=result.duration_ms, silence=result.silence, still=result.still
    )


def _places(tar: Path, wanted: Iterable[Clip]) -> dict[str, tuple[int, int]]:
    """Offset and size of each wanted clip in the tar."""
    with tarfile.open(tar, "r:") as archive:
        found = {member.name.removesuffix(".mp4"): (member.offset_data, member.size) for member in archive}
    absent = [clip.clip_id for clip in wanted if clip.clip_id not in found]
    if absent:
        raise UserError(f"{tar} does not hold {absent[0]}, which its ledger calls ok: fetch the shard again")
    return found


def _read(descriptor: int, offset: int, size: int) -> bytes:
    return os.pread(descriptor, size, offset)
