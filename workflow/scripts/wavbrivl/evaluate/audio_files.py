"""Sound files of benchmarks: the project has one reader (`wavbrivl.audio.files`)."""

from wavbrivl.audio.files import RATE, read_audio, to_rate

__all__ = ["RATE", "read_audio", "to_rate"]
