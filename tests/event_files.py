"""A small benchmark in DESED's layout whose events are pure tones, and encoders that hear them or do not."""

import numpy as np
import soundfile

from wavbrivl.audio.frames import Frames
from wavbrivl.config.events import PLACES
from wavbrivl.evaluate.encoders import Embedded

RATE = 16_000
HOP = 0.05
PITCH = {"Cat": 400, "Dog": 1200, "Speech": 3000}
SECONDS = 4.0


def write_tones(path, events, seconds=SECONDS):
    """Faint noise, and a tone for each event (onset, offset, label)."""
    time = np.arange(round(seconds * RATE)) / RATE
    wave = 0.001 * np.random.default_rng(len(events)).standard_normal(len(time))
    for onset, offset, label in events:
        wave += 0.2 * np.sin(2 * np.pi * PITCH[label] * time) * ((time >= onset) & (time < offset))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave, RATE)


def write_part(folder, part, files):
    """Write a part; `files` gives the events of each file name."""
    lines = ["filename\tevent_labels"] if part == "weak" else ["filename\tonset\toffset\tevent_label"]
    for name, events in files.items():
        write_tones(folder / "audio" / PLACES[part] / name, events)
        if part == "weak":
            lines.append(f"{name}\t{','.join(sorted({label for *_, label in events}))}")
        else:
            lines += [f"{name}\t{a:.3f}\t{b:.3f}\t{label}" for a, b, label in events] or [f"{name}\t\t\t"]
    write_table(folder, part, lines)


def write_table(folder, part, lines):
    table = folder / "metadata" / f"{PLACES[part]}.tsv"
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def draw_files(count, seed, names="{}.wav"):
    """Files of one or two events on a grid of half seconds, every class equally often."""
    rng = np.random.default_rng(seed)
    files = {}
    for number in range(count):
        labels = [list(PITCH)[(number + i) % len(PITCH)] for i in range(1 + number % 2)]
        files[names.format(number)] = [
            (float(onset := rng.integers(0, 5) / 2), float(onset + rng.integers(2, 4) / 2), label)
            for label in labels
        ]
    return files


class Hearing:
    """Loudness at the three pitches, every 50 ms."""

    name = "hearing"
    dim = 3

    def frames(self, waveforms, batch_size):
        return [self._frames(wave) for wave in waveforms]

    def _frames(self, wave):
        step = round(HOP * RATE)
        blocks = wave[: max(1, len(wave) // step) * step].reshape(-1, step)
        time = np.arange(blocks.shape[1]) / RATE
        loud = [np.abs(blocks @ np.exp(2j * np.pi * pitch * time)) / step for pitch in PITCH.values()]
        features = np.stack(loud, axis=1).astype(np.float32)
        return Frames(features, (np.arange(len(features)) + 0.5) * HOP)

    def embed(self, waveforms, batch_size):
        return Embedded(np.stack([frames.features.mean(axis=0) for frames in self.frames(waveforms, 1)]))


class Deaf(Hearing):
    """Says the same of every moment of every sound."""

    name = "deaf"

    def _frames(self, wave):
        frames = super()._frames(wave)
        return Frames(np.ones_like(frames.features), frames.seconds)
