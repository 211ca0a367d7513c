"""Render and encode one planned video as H.264/AAC in MP4.

Frames are streamed to ffmpeg as raw YUV while they are drawn; the sound lies in a temporary file
beside. All encoders run on one thread and bit-exact, so equal plans give equal bytes.
"""

import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import ffmpeg
import imageio_ffmpeg
import numpy as np

from wavbrivl.errors import UserError
from wavbrivl.world import sounds, timecode
from wavbrivl.world.pictures import Scene
from wavbrivl.world.plan import Segment, VideoPlan
from wavbrivl.world.seeds import generator

TIMEOUT_S = 120
KEY_FRAME_S = 2
CODE_DB = -26.0
_FADE_S = 0.01
_PEAK = 0.8


def encode(
    plan: VideoPlan, path: Path, pictures: bool = True, sound: bool = True, limit_ms: int | None = None
) -> None:
    """Write the video of a plan.

    Args:
        plan: what to render.
        path: the file, overwritten; its name may have any suffix.
        pictures, sound: whether the file gets a video track and an audio track.
        limit_ms: end the video early.

    Raises:
        UserError: ffmpeg failed or ran longer than TIMEOUT_S.
    """
    milliseconds = min(plan.duration_ms, limit_ms or plan.duration_ms)
    with tempfile.TemporaryDirectory(prefix="world-") as folder:
        pcm = Path(folder) / "sound.pcm"
        if sound:
            render_sound(plan, milliseconds).tofile(pcm)
        frames = render_frames(plan, milliseconds) if pictures else iter(())
        _run(_command(plan, path, pcm if sound else None, pictures), (_yuv(f) for f in frames), plan.file)


def render_frames(plan: VideoPlan, milliseconds: int) -> Iterator[np.ndarray]:
    """Yield the frames, uint8 [height, width, 3] RGB, each stamped with the time it is shown at."""
    count = int(np.ceil(float(milliseconds * plan.fps / 1000)))
    scene, shown = None, -1
    for i in range(count):
        ms = float(Fraction(1000 * i) / plan.fps)
        number = next(k for k, segment in enumerate(plan.segments) if ms < segment.end_ms)
        if number != shown:
            scene, shown = _scene(plan, number), number
        frame = scene.frame((ms - plan.segments[number].start_ms) / 1000)
        timecode.draw(frame, plan.picture_offset_ms + ms)
        yield frame


def _scene(plan: VideoPlan, number: int) -> Scene:
    segment = plan.segments[number]
    rng = generator("picture", plan.video_id, number)
    return Scene(
        segment.event.name,
        segment.event.hue,
        segment.size,
        segment.rate,
        segment.tone,
        plan.width,
        plan.height,
        rng,
    )


def render_sound(plan: VideoPlan, milliseconds: int) -> np.ndarray:
    """The sound track: int16 [n, channels], events in noise with the time code under them."""
    rate = plan.sample_rate
    parts = [_segment_sound(plan, i, segment) for i, segment in enumerate(plan.segments)]
    mono = np.concatenate(parts)[: milliseconds * rate // 1000]
    mono = mono + _code(mono, plan)
    rng = generator("channels", plan.video_id)
    mono *= _PEAK * 10 ** (-rng.uniform(0, 9) / 20) / np.abs(mono).max()
    gains = 1 - rng.uniform(0, 0.4, plan.channels) if plan.channels > 1 else np.ones(1)
    return np.round(mono[:, None] * gains * 32767).astype("<i2")


def _segment_sound(plan: VideoPlan, number: int, segment: Segment) -> np.ndarray:
    rate = plan.sample_rate
    first, last = (ms * rate // 1000 for ms in (segment.start_ms, segment.end_ms))
    rng = generator("sound", plan.video_id, number)
    event = sounds.synthesize(
        segment.event.name, segment.size, segment.rate, segment.tone, (last - first) / rate, rate, rng
    )
    white = rng.uniform()
    background = sounds.noise(len(event), rate, {0: white, 1: 1 - white}, rng)
    wave = sounds.add_noise(event, background, segment.snr_db)
    ramp = np.minimum(1, (np.arange(len(wave)) + 0.5) / (_FADE_S * rate)).astype(np.float32)
    return wave * ramp * ramp[::-1]


def _code(mono: np.ndarray, plan: VideoPlan) -> np.ndarray:
    level = 10 ** (CODE_DB / 20) * np.sqrt(np.mean(mono**2))
    return level * timecode.sound(plan.sound_offset_ms, len(mono), plan.sample_rate)


def _yuv(frame: np.ndarray) -> memoryview:
    return memoryview(np.ascontiguousarray(cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420))).cast("B")


def _command(plan: VideoPlan, path: Path, pcm: Path | None, pictures: bool) -> list[str]:
    streams = []
    options: dict[str, object] = {
        "format": "mp4",
        "movflags": "+faststart" if plan.faststart else "0",
        "map_metadata": -1,
        "fflags": "+bitexact",
        "threads": 1,
    }
    if pictures:
        size = f"{plan.width}x{plan.height}"
        raw = {"format": "rawvideo", "pix_fmt": "yuv420p", "s": size, "framerate": str(plan.fps)}
        streams.append(ffmpeg.input("pipe:", threads=1, **raw))
        options |= _video_options(plan)
    if pcm is not None:
        raw = {"format": "s16le", "ar": plan.sample_rate, "ac": plan.channels}
        streams.append(ffmpeg.input(str(pcm), threads=1, **raw))
        options |= _audio_options(plan)
    output = ffmpeg.output(*streams, f"file:{path}", **options).overwrite_output()
    quiet = output.global_args("-hide_banner", "-loglevel", "error")
    return [str(part) for part in quiet.compile(cmd=imageio_ffmpeg.get_ffmpeg_exe())]


def _video_options(plan: VideoPlan) -> dict[str, object]:
    return {
        "c:v": "libx264",
        "preset": plan.preset,
        "crf": 23,
        "g": round(KEY_FRAME_S * float(plan.fps)),
        "sc_threshold": 0,
        "flags:v": "+bitexact",
        "x264-params": "threads=1:lookahead-threads=1:sliced-threads=0",
    }


def _audio_options(plan: VideoPlan) -> dict[str, object]:
    # Noise substitution and intensity stereo would replace the band of the time code.
    options = {"c:a": "aac", "b:a": f"{96 if plan.channels == 1 else 128}k", "aac_coder": "fast"}
    return options | {"aac_pns": 0, "aac_is": 0, "flags:a": "+bitexact"}


def _run(command: list[str], frames: Iterator[memoryview], name: str) -> None:
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors)
        watchdog = threading.Timer(TIMEOUT_S, process.kill)
        watchdog.start()
        try:
            _feed(process, frames)
            status = process.wait()
        finally:
            watchdog.cancel()
            process.kill()
            process.wait()
        errors.seek(0)
        message = errors.read().decode(errors="replace").strip()
    if status == -signal.SIGKILL:
        raise UserError(f"ffmpeg took longer than {TIMEOUT_S} s, or was killed, at {name}")
    if status:
        reason = "; ".join(message.splitlines()) or f"it ended with status {status}"
        raise UserError(f"ffmpeg could not write {name}: {reason}")


def _feed(process: subprocess.Popen[bytes], frames: Iterator[memoryview]) -> None:
    assert process.stdin is not None
    try:
        for frame in frames:
            process.stdin.write(frame)
        process.stdin.close()
    except BrokenPipeError:
        # ffmpeg ended early; its own message says why, and the caller reads it.
        return
