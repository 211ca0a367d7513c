"""Sound of every rate, codec and number of channels: at its time, and as loud as it was."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.corpus_shards import made_shard, shards_in
from tests.corpus_videos import CodedVideo, clip_of, ffmpeg, make_video

from wavbrivl.config.corpus import Source
from wavbrivl.corpus.aac import stated_channels
from wavbrivl.corpus.decode import Clip as Media
from wavbrivl.corpus.ledger import LedgerRow, Status
from wavbrivl.corpus.timeline import read_timeline
from wavbrivl.corpus.videos import video_id_of
from wavbrivl.downmix import one_channel

RATE = 48_000
FORMS = {  # file, rate, channels, codec
    "aac 7350": ("a.mp4", 7350, 1, []),
    "aac 8000": ("b.mp4", 8000, 1, []),
    "aac 11025": ("c.mp4", 11025, 2, []),
    "aac 96000": ("d.mp4", 96000, 2, []),
    "aac 5.1": ("e.mp4", 48000, 6, ["-b:a", "512k"]),
    "aac 7.1": ("f.mp4", 48000, 8, ["-b:a", "768k"]),
    "ac3 5.1": ("g.mp4", 48000, 6, ["-c:a", "ac3"]),
    "opus": ("h.mp4", 48000, 2, ["-c:a", "libopus"]),
    "mp3": ("i.mp4", 44100, 2, ["-c:a", "libmp3lame"]),
    "alac 192000": ("j.mp4", 192000, 2, ["-c:a", "alac"]),
    "flac 192000": ("k.mkv", 192000, 2, ["-c:a", "flac"]),
    "pcm": ("l.mov", 44100, 2, ["-c:a", "pcm_s16le"]),
    "mu-law": ("m.mov", 8000, 1, ["-c:a", "pcm_mulaw"]),
}


@pytest.fixture(scope="module")
def forms(tmp_path_factory) -> tuple[dict[str, CodedVideo], dict[str, tuple[LedgerRow, np.ndarray]]]:
    folder = tmp_path_factory.mktemp("forms")
    videos, clips = {}, {}
    for form, (name, rate, channels, extra) in FORMS.items():
        videos[form] = make_video(
            folder / name, seconds=3, fps=5, rate=rate, channels=channels, size=(160, 96), extra=extra
        )
        clips[form] = clip_of(video_id_of(name), 777, 2777)
    source = Source(kind="videos", path=str(folder))
    rows = {row.clip_id: row for row in made_shard(folder, sorted(clips.values(), key=str), source)}
    shards = shards_in(folder)
    place = {entry.clip_id: i for i, entry in enumerate(shards.clips)}
    sounds = {
        form: shards.audio(place[clip.clip_id]) if clip.clip_id in place else np.zeros(0)
        for form, clip in clips.items()
    }
    return videos, {form: (rows[clip.clip_id], sounds[form]) for form, clip in clips.items()}


@pytest.mark.parametrize("form", FORMS)
def test_every_rate_and_codec(forms, form):
    videos, made = forms
    row, sound = made[form]
    assert row.status == Status.OK, row
    matroska = FORMS[form][0].endswith(".mkv")  # which rounds times to a millisecond
    assert abs(videos[form].sound_seconds(sound) - 0.777) <= (0.001 if matroska else 2 / 16000)
    assert sound.std() == pytest.approx(videos[form].sound16.std(), rel=0.06)


def sound_of(path: Path, channels: list[np.ndarray]) -> np.ndarray:
    """The two seconds from 0.5 s on of a video with these channels, as one."""
    wav = path.with_suffix(".wav")
    soundfile.write(wav, np.stack(channels, 1), RATE, format="WAV")
    picture = ["-f", "lavfi", "-i", "testsrc2=s=160x96:r=5:d=3", "-pix_fmt", "yuv420p"]
    ffmpeg("-f", "wav", "-i", wav, *picture, "-c:a", "alac", path)
    return Media(path.read_bytes()).sound_between(0.5, 2.5, 0.1)


def tone(hertz: float, level: float = 0.9) -> np.ndarray:
    return level * np.sin(2 * np.pi * hertz * np.arange(3 * RATE) / RATE)


def level_at(sound: np.ndarray, hertz: int) -> float:
    return float(2 * np.abs(np.fft.rfft(sound))[2 * hertz] / len(sound))


@pytest.mark.parametrize(
    "weights",
    [[1.0], [0.5, 0.5], [0.2071, 0.2071, 0.2929, 0.0, 0.1464, 0.1464]],
    ids=["mono", "stereo", "5.1"],
)
def test_channels_become_one_by_the_standards_weights(tmp_path, weights):
    """A tone in each channel: ITU-R BS.775's mix, made so that nothing can clip."""
    frequencies = [500 + 200 * i for i in range(len(weights))]
    sound = sound_of(tmp_path / "v.mp4", [tone(f) for f in frequencies])
    for frequency, weight in zip(frequencies, weights, strict=True):
        assert level_at(sound, frequency) == pytest.approx(0.9 * weight, abs=0.01)


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_what_all_channels_hold_neither_clips_nor_gets_quieter(tmp_path, channels):
    """At full scale: clipping would add a third harmonic."""
    sound = sound_of(tmp_path / "v.mp4", [tone(500, 0.99)] * channels)
    assert level_at(sound, 500) == pytest.approx(0.99, abs=0.01)
    assert np.abs(sound).max() <= 1.0 and level_at(sound, 1500) < 0.005


def test_channels_that_cancel_each_other_are_not_silence(tmp_path):
    sound = sound_of(tmp_path / "v.mp4", [tone(500, 0.5), -tone(500, 0.5)])
    assert level_at(sound, 500) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_the_channels_that_a_file_states(tmp_path, channels):
    video = make_video(tmp_path / "v.mp4", seconds=1, channels=channels, rate=48000, size=(160, 96))
    entry = read_timeline(video.path.read_bytes()).audio.entry
    assert stated_channels(entry) == channels
    for cut in range(len(entry)):
        assert stated_channels(entry[:cut]) in (0, channels)
    assert stated_channels(b"") == stated_channels(entry.replace(b"esds", b"xxxx")) == 0


def test_the_mix_by_itself():
    generator = np.random.default_rng(1)
    for channels in range(1, 12):
        samples = generator.uniform(-1, 1, (channels, 1000)).astype(np.float32)
        assert np.abs(one_channel(samples)).max() <= 1.0
        same = np.repeat(samples[:1], channels, axis=0)
        np.testing.assert_allclose(one_channel(same), samples[0], atol=1e-5)
    assert one_channel(np.zeros((2, 0), np.float32)).shape == (0,)
    np.testing.assert_array_equal(one_channel(np.zeros((6, 10), np.float32)), 0)
