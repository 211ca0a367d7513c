"""Any sound file becomes mono at 16 kHz, streamed, or is refused in one sentence."""

import subprocess
import tracemalloc

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile
import soxr
from tests.tiny_model import tone

from wavbrivl.audio import files
from wavbrivl.audio.ffmpeg_stream import ffmpeg_sound
from wavbrivl.audio.files import RATE, read_audio, stream_audio
from wavbrivl.downmix import one_channel
from wavbrivl.errors import UserError


def encode(folder, name, *options, seconds=2, source="sine=440", picture=False):
    """A file made by ffmpeg itself."""
    path = folder / name
    inputs = ["-f", "lavfi", "-i", f"{source}:sample_rate=44100:duration={seconds}"]
    if picture:
        inputs += ["-f", "lavfi", "-i", f"testsrc=size=64x64:rate=10:duration={seconds}"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *inputs, *options, str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path


def pitch(sound):
    return np.abs(np.fft.rfft(sound)).argmax() * RATE / len(sound)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp3", []),
        ("a.ogg", ["-c:a", "libvorbis"]),
        ("a.opus", []),
        ("a.flac", []),
        ("a.m4a", []),
        ("a.aac", []),
        ("a.wma", []),
        ("a.mka", []),
        ("a.aiff", []),
        ("a.wav", ["-c:a", "adpcm_ms"]),
        ("a.wav", ["-c:a", "pcm_f64le"]),
    ],
)
def test_sound_formats(tmp_path, name, options):
    sound = read_audio(encode(tmp_path, name, *options))
    assert sound.dtype == np.float32
    assert len(sound) == pytest.approx(2 * RATE, abs=0.08 * RATE)
    assert pitch(sound) == pytest.approx(440, abs=1)


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv", "v.avi", "v.mov", "v.webm"])
def test_sound_of_a_video(tmp_path, name):
    codecs = ["-c:v", "libvpx", "-c:a", "libvorbis"] if name.endswith("webm") else []
    sound = read_audio(encode(tmp_path, name, *codecs, picture=True))
    assert len(sound) == pytest.approx(2 * RATE, abs=0.08 * RATE)
    assert pitch(sound) == pytest.approx(440, abs=1)


def test_sound_of_a_video_is_on_the_video_s_clock(coded_video):
    sound = read_audio(coded_video.path)[1000:-1000]
    shares = {
        lag: np.corrcoef(sound, coded_video.sound16[1000 + lag : 1000 + lag + len(sound)])[0, 1]
        for lag in range(-40, 41)
    }
    assert max(shares, key=shares.get) == 0 and shares[0] > 0.98


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 44_100, 96_000, 192_000])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_rates_and_depths_are_the_samples_resampled_as_a_whole(tmp_path, rate, subtype):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(0.5, rate, 440, channels=2), rate, subtype=subtype)
    whole, _ = soundfile.read(path, dtype="float32")
    mono = whole.mean(axis=1)
    expected = mono if rate == RATE else soxr.resample(mono, rate, RATE, quality="HQ")
    np.testing.assert_allclose(read_audio(path), expected, atol=1e-6)
    assert len(expected) == RATE / 2


def test_six_channels_are_mixed_as_in_the_corpus_by_soundfile_and_by_ffmpeg(tmp_path):
    rate, pitches = 16_000, (200, 300, 500, 700, 1100, 1300)
    channels = np.concatenate([tone(1, rate, hertz) for hertz in pitches], axis=1)
    soundfile.write(tmp_path / "six.wav", channels, rate, subtype="FLOAT")
    # Front left and right, centre, low frequencies (left out), surround.
    shares = np.array([0.7071, 0.7071, 1, 0, 0.5, 0.5], dtype=np.float32)
    mixed = channels @ (shares / shares.sum())
    np.testing.assert_allclose(mixed, one_channel(channels.T), atol=1e-6)
    np.testing.assert_allclose(read_audio(tmp_path / "six.wav"), mixed, atol=1e-6)
    copy = ["-i", str(tmp_path / "six.wav"), "-c:a", "pcm_s24le", str(tmp_path / "six.mov")]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *copy], check=True, timeout=60)
    with pytest.raises(soundfile.SoundFileError):
        soundfile.SoundFile(tmp_path / "six.mov")
    np.testing.assert_allclose(read_audio(tmp_path / "six.mov"), mixed, atol=1e-5)


def test_the_centre_of_an_ogg_file_is_its_second_channel(tmp_path):
    channels = np.zeros((RATE, 6), dtype=np.float32)
    channels[:, 1] = tone(1, RATE, 440)[:, 0]
    soundfile.write(tmp_path / "a.ogg", channels, RATE)
    level = np.sqrt(np.mean(np.square(read_audio(tmp_path / "a.ogg"))) / np.mean(np.square(channels[:, 1])))
    assert level == pytest.approx(1 / (2 * 0.7071 + 1 + 2 * 0.5), rel=0.05)


def test_channels_that_cancel_each_other_are_not_silence(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_BLOCK_SAMPLES", 1000)
    left = tone(0.5, RATE, 440)[:, 0]
    soundfile.write(tmp_path / "a.wav", np.stack([left, -0.9 * left], axis=1), RATE, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav"), left, atol=1e-6)
    # Only at the beginning: over the whole file they do not cancel, and the mix is one throughout.
    right = np.where(np.arange(len(left)) < 2000, -left, left)
    soundfile.write(tmp_path / "b.wav", np.stack([left, right], axis=1), RATE, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(tmp_path / "b.wav"), (left + right) / 2, atol=1e-6)


@pytest.mark.parametrize("channels", [2, 6])
def test_how_a_file_is_cut_into_blocks_changes_no_bit(tmp_path, monkeypatch, channels):
    noise = np.random.default_rng(0).uniform(-1, 1, (30_001, channels))
    soundfile.write(tmp_path / "a.wav", noise, 22_050, subtype="FLOAT")
    whole = read_audio(tmp_path / "a.wav")
    monkeypatch.setattr(files, "_BLOCK_SAMPLES", 999)
    assert np.array_equal(read_audio(tmp_path / "a.wav"), whole)


def test_a_stream_is_the_whole_in_parts(tmp_path, monkeypatch):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(1.7, 44_100), 44_100)
    whole = read_audio(path)
    monkeypatch.setattr(files, "_BLOCK_SAMPLES", 1000)
    blocks = list(stream_audio(path))
    assert len(blocks) > 20
    assert np.array_equal(np.concatenate(blocks), whole)


@pytest.mark.parametrize(("name", "seconds"), [("long.flac", 600), ("long.m4a", 240)])
def test_minutes_need_no_more_memory_than_one(tmp_path, name, seconds):
    path = encode(tmp_path, name, seconds=seconds)
    tracemalloc.start()
    samples = sum(len(block) for block in stream_audio(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert samples == pytest.approx(seconds * RATE, abs=RATE)
    assert peak < 12 * 2**20 < 4 * samples


def test_silence_is_a_sound(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(22_050), 22_050)
    assert np.array_equal(read_audio(tmp_path / "a.wav"), np.zeros(16_000, np.float32))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("absent.wav", None, "there is no such sound file"),
        ("empty.wav", b"", "it is empty"),
        ("text.wav", b"this is no sound\n" * 50, "not a readable sound file"),
        ("page.mp3", b"<html><body>404</body></html>", "not a readable sound file"),
        ("noise.m4a", bytes(range(256)) * 40, "not a readable sound file"),
        ("playlist.m3u8", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n", "not a readable sound file"),
        ("list.wav", b"ffconcat version 1.0\nfile '/etc/hostname'\n", "not a readable sound file"),
        ("titles.srt", b"1\n00:00:00,000 --> 00:00:01,000\nhello\n", "not a readable sound file"),
    ],
)
def test_what_is_no_sound_is_one_sentence(tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=said) as caught:
        read_audio(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: ") and "\n" not in str(caught.value)


def test_a_folder_and_a_file_without_sound_are_one_sentence(tmp_path):
    with pytest.raises(UserError, match="a folder, not a sound file"):
        read_audio(tmp_path)
    mute = encode(tmp_path, "mute.mp4", "-map", "1:v", picture=True)
    with pytest.raises(UserError, match="the file has no sound track"):
        read_audio(mute)
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 16_000)
    with pytest.raises(UserError, match="holds no samples"):
        read_audio(tmp_path / "none.wav")
    soundfile.write(tmp_path / "one.wav", np.zeros(1), 192_000)
    with pytest.raises(UserError, match="less than one sample"):
        read_audio(tmp_path / "one.wav")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_numbers_are_refused_with_their_place(tmp_path, bad):
    samples = np.zeros(16_000)
    samples[8000] = bad
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    with pytest.raises(UserError, match=r"not numbers, first at 0\.500 s"):
        read_audio(tmp_path / "a.wav")


@pytest.mark.parametrize("rate", [1, 999, 2_000_000])
def test_a_rate_that_no_sound_has_is_refused(tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), rate)
    with pytest.raises(UserError, match=f"a sampling rate of {rate} Hz"):
        read_audio(tmp_path / "a.wav")


def test_a_file_cut_off_gives_what_is_there_and_says_so(tmp_path, caplog):
    whole = encode(tmp_path, "a.flac", seconds=4).read_bytes()
    (tmp_path / "half.flac").write_bytes(whole[: len(whole) // 2])
    try:
        sound = read_audio(tmp_path / "half.flac")
    except UserError as error:
        assert "damaged after" in str(error)
    else:
        assert 0 < len(sound) < 3 * RATE
        assert "half.flac" in caplog.text


def test_names_are_never_options_or_addresses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    encode(tmp_path, "a.m4a").rename(tmp_path / "-i http:x.m4a")
    assert len(read_audio("-i http:x.m4a")) > RATE


def test_a_consumer_that_stops_early_leaves_no_ffmpeg_behind(tmp_path, monkeypatch):
    path, started, popen = encode(tmp_path, "a.m4a", seconds=60), [], subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[-1])
    with ffmpeg_sound(path) as (rate, blocks):
        assert rate == 44_100 and len(next(blocks))
        assert started[0].poll() is None
    assert started[0].poll() is not None
