"""Write a world: videos, the clip list, the truth behind it, and the labels."""

import csv
import io
import os
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import cv2

from wavbrivl.config.corpus import WorldConfig
from wavbrivl.errors import UserError
from wavbrivl.files import atomic, write_text
from wavbrivl.progress import track
from wavbrivl.world.classes import CLASSES, caption_en, caption_zh
from wavbrivl.world.plan import Segment, VideoPlan, listed_segments, plan_world
from wavbrivl.world.videos import encode

CLIP_COLUMNS = (
    "video_id", "start_ms", "end_ms", "label", "split", "caption_en", "caption_zh", "label_zh", "path",
)  # fmt: skip
TRUTH_COLUMNS = (
    "video_id", "start_ms", "end_ms", "label", "size", "rate", "tone", "snr_db",
    "picture_offset_ms", "sound_offset_ms", "width", "height", "fps", "channels", "sample_rate",
)  # fmt: skip
_OWN_FILE = re.compile(r"[A-Za-z0-9_-]{11}\.mp4|\.[A-Za-z0-9_-]{11}\.mp4\..+\.part")
_SHORT_MS = 1100


def make_world(out: Path, config: WorldConfig, seed: int, workers: int) -> None:
    """Make the embedded world, or what is missing of it.

    Writes `videos/<video_id>.mp4`, `clips.csv` (all clips, those of broken videos too),
    `truth.csv` (hidden parameters of the clips of whole videos), `broken.csv` (video_id,fault) and
    `labels.csv`. A video that is already there is whole and stays; files of another seed's or
    size's world are removed. The bytes do not depend on `workers`.

    Args:
        out: folder of the world.
        config: how many videos.
        seed: of everything that is drawn.
        workers: processes that render side by side.

    Raises:
        UserError: ffmpeg failed on a video, or `workers` is below 1.
    """
    if workers < 1:
        raise UserError(f"the embedded world needs at least one worker, got {workers}")
    out = Path(out)
    plans = plan_world(config, seed)
    files = [plan for plan in plans if plan.fault != "dead_link"]
    (out / "videos").mkdir(parents=True, exist_ok=True)
    _remove_strays(out / "videos", {Path(plan.file).name for plan in files})
    missing = [plan for plan in files if not (out / plan.file).is_file()]
    written = _write_all(out, missing, workers)
    for _ in track(written, "videos of the embedded world", total=len(missing)):
        pass
    _write_lists(out, plans)


def _remove_strays(folder: Path, expected: set[str]) -> None:
    for path in folder.iterdir():
        if path.name not in expected and _OWN_FILE.fullmatch(path.name):
            path.unlink()


def _write_all(out: Path, plans: list[VideoPlan], workers: int) -> Iterable[None]:
    if workers == 1 or len(plans) < 2:
        yield from (_write_video(out, plan) for plan in plans)
        return
    # Forked, not spawned: a workflow's script has no main guard that a spawned child could import.
    # One thread each: OpenCV's own pool would not survive the fork, and the workers fill the cores.
    with ProcessPoolExecutor(workers, get_context("fork"), cv2.setNumThreads, (1,)) as pool:
        futures = [pool.submit(_write_video, out, plan) for plan in plans]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _write_video(out: Path, plan: VideoPlan) -> None:
    with atomic(out / plan.file) as temporary:
        _RENDER.get(plan.fault, encode)(plan, temporary)


def _without_audio(plan: VideoPlan, path: Path) -> None:
    encode(plan, path, sound=False)


def _without_video(plan: VideoPlan, path: Path) -> None:
    encode(plan, path, pictures=False)


def _too_short(plan: VideoPlan, path: Path) -> None:
    """The file ends in the middle of the clip that is listed."""
    encode(plan, path, limit_ms=plan.segments[-1].clip_start_ms + _SHORT_MS)


def _cut_off(plan: VideoPlan, path: Path) -> None:
    """Without fast start the index lies behind the data and is lost; with it, the data ends early."""
    encode(plan, path)
    os.truncate(path, int(path.stat().st_size * 0.4))


_RENDER: dict[str, Callable[[VideoPlan, Path], None]] = {
    "no_audio": _without_audio,
    "no_video": _without_video,
    "too_short": _too_short,
    "moov_lost": _cut_off,
    "stream_cut": _cut_off,
}


def _write_lists(out: Path, plans: list[VideoPlan]) -> None:
    clips = [(plan, segment) for plan in plans for segment in listed_segments(plan)]
    write_csv(out / "labels.csv", ("label", "zh"), ((event.label, event.zh) for event in CLASSES))
    write_csv(out / "truth.csv", TRUTH_COLUMNS, (_truth_row(*clip) for clip in clips if not clip[0].fault))
    write_csv(out / "broken.csv", ("video_id", "fault"), ((p.video_id, p.fault) for p in plans if p.fault))
    write_csv(out / "clips.csv", CLIP_COLUMNS, (_clip_row(*clip) for clip in clips))


def _clip_row(plan: VideoPlan, segment: Segment) -> tuple[object, ...]:
    words = (segment.event, segment.size, segment.rate, segment.tone, segment.template)
    return (
        plan.video_id,
        segment.clip_start_ms,
        segment.clip_end_ms,
        segment.event.label,
        plan.split,
        caption_en(*words),
        caption_zh(*words),
        segment.event.zh,
        plan.file,
    )


def _truth_row(plan: VideoPlan, segment: Segment) -> tuple[object, ...]:
    return (
        plan.video_id,
        segment.clip_start_ms,
        segment.clip_end_ms,
        segment.event.label,
        segment.size,
        segment.rate,
        segment.tone,
        segment.snr_db,
        plan.picture_offset_ms,
        plan.sound_offset_ms,
        plan.width,
        plan.height,
        f"{float(plan.fps):g}",
        plan.channels,
        plan.sample_rate,
    )


def write_csv(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a whole CSV file with LF line ends, or none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_text(path, text.getvalue())
