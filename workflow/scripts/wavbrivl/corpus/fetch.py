"""Fetch a shard: every video once for all of its clips, cut, kept through a kill, one tar at the end."""

import logging
import os
import shutil
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import tenacity

from wavbrivl.config.corpus import FetchConfig
from wavbrivl.corpus.block import check_block, stop_error
from wavbrivl.corpus.causes import SourceError, source_error
from wavbrivl.corpus.clips import Clip, read_manifest
from wavbrivl.corpus.kept import LOCAL_SOURCES, Kept, key_of
from wavbrivl.corpus.ledger import STOPPING, TRANSIENT, LedgerRow, Status, write_ledger
from wavbrivl.corpus.pace import wait_for_turn
from wavbrivl.corpus.sources.base import ClipSource
from wavbrivl.corpus.spool import Spool
from wavbrivl.files import atomic, sha256_of
from wavbrivl.progress import track
from wavbrivl.shards.tar import TarWriter

logger = logging.getLogger(__name__)
FORBIDDEN_IN_A_ROW = 5  # so many different videos refused one after the other: it is us, not them
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
FREE_BYTES = 200_000_000


@dataclass(frozen=True)
class _Answer:
    """What the sources gave for one video; `stop` where going on makes no sense."""

    rows: list[LedgerRow]
    stop: SourceError | None = None
    host: str | None = None


def fetch_shard(
    manifest: Path, tar: Path, ledger: Path, spool: Path, sources: Sequence[ClipSource], fetch: FetchConfig,
    keep_in: Path | None = None, frozen: bool = False,
) -> None:  # fmt: skip
    """Fetch the clips of a manifest into a tar of `<clip_id>.mp4` and write their ledger.

    A dead link is a row in the ledger. What has been fetched lies in `spool` until both files are
    in place, so a killed or stopped job goes on where it was. The same answers give the same bytes.

    Args:
        spool: a folder of this shard alone; its parent, shared by all jobs, holds blocks of hosts.
        sources: tried in order, each for the clips that the ones before did not give.
        keep_in: a folder where what comes from remote hosts gets a second name, so that no later
            run of this job asks for it again (`wavbrivl.corpus.kept`).
        frozen: ask nobody; what is not there is `pending`, and the spool stays for the day of the thaw.

    Raises:
        UserError: blocked, rate-limited, offline or out of disk: the job stops and nothing is lost.
    """
    clips = read_manifest(manifest)
    store = Spool(spool)
    kept = Kept(keep_in, manifest.stem) if keep_in else None
    key = key_of(fetch, [source.kind for source in sources])
    if kept:
        kept.adopt(store, {clip.clip_id for clip in clips}, key)
    rows = store.settled()
    waiting = [left for video in _videos(clips) if (left := [c for c in video if c.clip_id not in rows])]
    logger.info("%s: %d clips, %d videos to fetch", manifest.stem, len(clips), len(waiting))
    try:
        if frozen:
            rows |= {c.clip_id: LedgerRow(c.clip_id, Status.PENDING) for video in waiting for c in video}
        else:
            rows |= {row.clip_id: row for row in _fetch_all(waiting, store, sources, fetch)}
        ordered = [rows[clip.clip_id] for clip in clips]
        _write_tar(tar, store, ordered)
        write_ledger(ledger, ordered)
    except OSError as error:
        said = source_error(error)
        raise stop_error(spool.parent, None, said) if said.status == Status.DISK_FULL else error from None
    if not frozen:
        _finish(tar, ordered, store, kept, key)


def _finish(
    tar: Path, rows: list[LedgerRow], store: Spool, kept: Kept | None, key: dict[str, object]
) -> None:
    """The shard is whole: the spool goes; what came from a remote host keeps its second name."""
    if kept and set(key["sources"]) <= LOCAL_SOURCES:
        kept.remove()
    elif kept:
        kept.save(tar, rows, key)
    store.remove()


def _videos(clips: Iterable[Clip]) -> list[list[Clip]]:
    """The clips of each video, in the manifest's order."""
    videos: dict[str, list[Clip]] = {}
    for clip in clips:
        videos.setdefault(clip.video_id, []).append(clip)
    return list(videos.values())


def _fetch_all(
    videos: list[list[Clip]], store: Spool, sources: Sequence[ClipSource], fetch: FetchConfig
) -> Iterable[LedgerRow]:
    """Yield the rows of each video as it is settled; stop early when going on makes no sense."""
    refused: list[_Answer] = []  # held back until another video shows that the host still serves us
    halt = threading.Event()
    with ThreadPoolExecutor(fetch.workers) as pool:
        futures = [pool.submit(_fetch_video, video, store, sources, fetch, halt) for video in videos]
        try:
            for future in track(as_completed(futures), "videos fetched", total=len(futures)):
                answer = future.result()
                if answer.stop:
                    raise stop_error(store.folder.parent, answer.host, answer.stop)
                if not answer.rows:
                    continue  # not asked: another thread was told to stop
                refused.append(answer)
                if len(refused) >= FORBIDDEN_IN_A_ROW and all(map(_refused, refused)):
                    raise stop_error(store.folder.parent, answer.host, _refusal(answer))
                if not _refused(answer):
                    yield from _keep(refused, store)
            yield from _keep(refused, store)
        except BaseException:
            _wind_down(futures, store)
            raise


def _keep(answers: list[_Answer], store: Spool) -> list[LedgerRow]:
    """Write the answers to the journal and forget them here; return their rows."""
    for answer in answers:
        store.keep(answer.rows)
    rows = [row for answer in answers for row in answer.rows]
    answers.clear()
    return rows


def _wind_down(futures: Iterable[Future[_Answer]], store: Spool) -> None:
    """Start nothing more; keep what the requests in flight still bring."""
    running = [future for future in futures if not future.cancel()]
    known = store.settled()
    for future in running:
        answer = future.result() if future.exception() is None else None
        settled = answer and not answer.stop and not _refused(answer)
        if settled and any(row.clip_id not in known for row in answer.rows):
            store.keep(answer.rows)


def _refused(answer: _Answer) -> bool:
    return any(row.status == Status.FORBIDDEN for row in answer.rows)


def _refusal(answer: _Answer) -> SourceError:
    cause = next(row.cause for row in answer.rows if row.status == Status.FORBIDDEN)
    return SourceError(
        Status.BLOCKED, f"{FORBIDDEN_IN_A_ROW} videos in a row were refused, the last with: {cause}"
    )


def _fetch_video(
    clips: list[Clip], store: Spool, sources: Sequence[ClipSource], fetch: FetchConfig,
    halt: threading.Event,
) -> _Answer:  # fmt: skip
    """Ask the sources in order. The first failure that says more than `missing` is what is recorded.

    `halt` is set as soon as one thread is told to stop: no other begins a video after that.
    """
    if halt.is_set():
        return _Answer([])
    rows = {
        clip.clip_id: LedgerRow(clip.clip_id, Status.MISSING, "no source is configured") for clip in clips
    }
    folder = store.work(clips[0].video_id)
    host = None
    for source in sources:
        wanted = [clip for clip in clips if rows[clip.clip_id].status != Status.OK]
        if not wanted:
            break
        host = source.host(wanted)
        try:
            _check_room(store.folder)
            found = _ask(source, wanted, folder, store, host, fetch, rows)
        except SourceError as error:
            halt.set()
            return _Answer([], error, host)
        rows |= found
    shutil.rmtree(folder, ignore_errors=True)
    return _Answer(list(rows.values()), host=host)


def _check_room(folder: Path) -> None:
    """Stop before the disk is full: with many jobs, each would ask for a video that it cannot keep."""
    if shutil.disk_usage(folder).free < FREE_BYTES:
        raise SourceError(Status.DISK_FULL, f"less than {FREE_BYTES // 1_000_000} MB are free for {folder}")


def _ask(
    source: ClipSource, clips: list[Clip], folder: Path, store: Spool, host: str | None,
    fetch: FetchConfig, known: dict[str, LedgerRow],
) -> dict[str, LedgerRow]:  # fmt: skip
    """One source's answer for a video, transient failures tried again with growing waits."""
    attempts = 0
    answers: dict[str, Path | SourceError] = {}

    def once() -> None:
        nonlocal attempts
        if host:
            check_block(store.folder.parent, host)
            if wait_for_turn(store.folder.parent, host, fetch.videos_per_hour):
                check_block(store.folder.parent, host)
        attempts += 1
        left = [clip for clip in clips if not isinstance(answers.get(clip.clip_id), Path)]
        answers.update(source.fetch(left, folder))
        worth_another = STOPPING | TRANSIENT if host else STOPPING
        for answer in answers.values():
            if isinstance(answer, SourceError) and answer.status in worth_another:
                raise answer

    try:
        retrying(fetch.attempts)(once)
    except SourceError as error:
        if error.status in STOPPING:
            raise
        answers = {clip.clip_id: answers.get(clip.clip_id, error) for clip in clips}
    return {name: _row(name, answers[name], source.kind, attempts, store, known[name]) for name in answers}


def retrying(attempts: int) -> tenacity.Retrying:
    """The one policy that counts attempts: transient failures alone, with growing waits."""
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda e: isinstance(e, SourceError) and e.status in TRANSIENT),
        stop=tenacity.stop_after_attempt(attempts),
        wait=tenacity.wait_random_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT),
        reraise=True,
    )


def _row(
    name: str, answer: Path | SourceError, kind: str, attempts: int, store: Spool, before: LedgerRow
) -> LedgerRow:
    if isinstance(answer, SourceError):
        said_more = before.source and before.status != Status.MISSING
        return before if said_more else LedgerRow(name, answer.status, answer.cause, kind, attempts)
    size, digest = answer.stat().st_size, sha256_of(answer)
    os.replace(answer, store.clip(name))
    return LedgerRow(name, Status.OK, "", kind, attempts, size, digest)


def _write_tar(tar: Path, store: Spool, rows: Iterable[LedgerRow]) -> None:
    """Assemble the clips, sorted by id, from the spool."""
    good = sorted(row.clip_id for row in rows if row.status == Status.OK)
    with atomic(tar) as temporary, temporary.open("wb") as handle:
        archive = TarWriter(handle)
        for name in good:
            archive.add_file(f"{name}.mp4", store.clip(name))
        archive.finish()
