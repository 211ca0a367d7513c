"""Sound files of benchmarks: the project has one reader (`wavbrivl.audio.files`)."""

from wavbrivl.audio.files import RATE, all_to_rate, read_audio, to_rate

__all__ = ["RATE", "all_to_rate", "read_audio", "to_rate"]
