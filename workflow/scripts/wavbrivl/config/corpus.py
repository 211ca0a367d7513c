"""Where clips come from, how they are fetched and what a media shard holds."""

import hashlib
import re
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from wavbrivl.config.section import Section

Fraction = Annotated[float, Field(ge=0, le=1)]
PositiveInt = Annotated[int, Field(ge=1)]
_RANGE = re.compile(r"\{(\d{1,4})\.\.(\d{1,4})\}")

VEGAS_CLASSES = ("baby_cry", "dog", "rail_transport", "fireworks", "water_flowing")
"""The five classes of S2I, by the names of VEGAS's folders."""
EMBEDDED_VEGAS = "data/benchmarks/embedded/VEGAS"
"""Where the embedded clips in VEGAS's layout are written."""


class WorldConfig(Section):
    """The embedded audio-visual world: real H.264/AAC files made without any download."""

    train_videos: PositiveInt = 300
    """Videos whose clips belong to the train split (validation is carved out of them)."""
    test_videos: PositiveInt = 64
    """Videos whose clips belong to the test split, which is the retrieval gallery."""
    broken_sources: bool = True
    """Add addresses that fail on purpose: a dead link, no audio, a truncated file, one too short."""
    esc50_clips_per_class_and_fold: PositiveInt = 8
    """Sounds for each class in each of the five folds of the embedded ESC-50 benchmark (ESC-50: 8)."""
    urbansound8k_clips_per_class_and_fold: PositiveInt = 3
    """Sounds for each class in each of the ten folds of the embedded UrbanSound8K benchmark (there: 87)."""
    vegas_clips_per_class: PositiveInt = 80
    """Clips of each of the five classes in VEGAS's layout, for corpus.format `vegas` without a path."""


class Source(Section):
    """One place to look for a clip. Sources are tried in the order in which they are listed."""

    kind: Literal["embedded", "youtube", "folder", "http", "archive", "videos", "vegas"]
    """`embedded` (the generated world), `youtube` (yt-dlp), `folder` (clips you already have), `http` (clips
    under an address), `archive` (a tar or tar.gz of clips), `videos` (your own whole videos) or `vegas` (a
    folder in VEGAS's layout)."""
    path: str | None = None
    """The folder, for `folder`, `videos` and `vegas` (null: embedded clips in its layout); an http(s)
    address, for `http`; a file or its address, for `archive`, where `{00..19}` stands for twenty of them."""
    cookies: str | None = None
    """A Netscape cookies file handed to yt-dlp, for `youtube`."""
    proxy: str | None = None
    """An http:// proxy for `youtube`, through which yt-dlp and ffmpeg go; null: the environment's."""

    @property
    def remote(self) -> bool:
        """Whether using it sends requests to another host."""
        return self.kind in ("youtube", "http") or (self.kind == "archive" and is_address(self.path or ""))

    @property
    def vegas_root(self) -> str:
        """The folder of a source of kind `vegas`."""
        return self.path or EMBEDDED_VEGAS

    @property
    def collected(self) -> str:
        """File name for what is collected out of an archive: its name made safe, and a hash of the path."""
        path = self.path or ""
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", path.rsplit("/", 1)[-1].split(".")[0])[:40] or "archive"
        return f"{stem}-{hashlib.sha256(path.encode()).hexdigest()[:8]}"

    def parts(self) -> list["Source"]:
        """The archives that `{00..19}` in the path stands for; any other source is one."""
        found = _RANGE.search(self.path or "") if self.kind == "archive" else None
        if found is None or self.path is None:
            return [self]
        first, last = found.groups()
        numbers = range(int(first), int(last) + 1)
        names = (
            f"{number:0{len(first)}d}".join((self.path[: found.start()], self.path[found.end() :]))
            for number in numbers
        )
        return [self.model_copy(update={"path": name}) for name in names]

    @model_validator(mode="after")
    def _path_is_given(self) -> "Source":
        if self.kind in ("folder", "http", "archive", "videos") and not self.path:
            raise ValueError(f"a source of kind '{self.kind}' needs a path")
        if self.kind == "http" and not is_address(self.path or ""):
            raise ValueError("a source of kind 'http' needs an address, http:// or https://")
        if self.proxy and not is_address(self.proxy):
            raise ValueError(
                "a proxy must be an http:// address: ffmpeg, which reads sections, knows no other"
            )
        if self.kind in ("folder", "videos", "vegas") and is_address(self.path or ""):
            raise ValueError(f"a source of kind '{self.kind}' is a folder of this machine, not an address")
        return self


def is_address(path: str) -> bool:
    """Whether a path is an address that is asked over HTTP."""
    return path.startswith(("http://", "https://"))


class ListFile(Section):
    """One file of a clip list."""

    path: str
    """Where it is."""
    format: Literal["vggsound", "audioset"]
    """How it is written."""
    split: Literal["train", "test"] | None = None
    """The split of a file that does not say it and has no name that does (`train*`, `test*`, AudioSet's)."""


class Selection(Section):
    """Take a part of a clip list only. Empty lists mean: no restriction."""

    classes: list[str] = []
    """Labels to keep."""
    splits: list[Literal["train", "test"]] = []
    """Official splits to keep."""
    sample: PositiveInt | None = None
    """Keep this many clips, drawn with the run's seed from those that no evaluation set holds."""


class VideosConfig(Section):
    """How a folder of whole videos becomes clips (`corpus.format: videos`)."""

    hop_seconds: Annotated[float, Field(gt=0)] | None = None
    """From the start of one clip to the start of the next; null: clip_seconds, so that clips touch."""
    clips_per_video: PositiveInt | None = None
    """At most this many clips of a video, spread evenly over it; null takes all."""
    test_fraction: Fraction = 0.1
    """Share of the videos held out for test, chosen by a hash of the video id."""


class VegasConfig(Section):
    """How a folder in VEGAS's layout becomes clips (`corpus.format: vegas`)."""

    classes: Annotated[list[str], Field(min_length=1)] = list(VEGAS_CLASSES)
    """Folders of the classes (the paper: the five of S2I)."""
    test_fraction: Fraction = 0.111
    """Share of the videos held out for test, by a hash of the video id (S2I: 6,825 of 61,345 segments)."""
    test_list: str | None = None
    """A list of test clips instead, one a line, such as `dog/video_01933`."""


class CorpusConfig(Section):
    """The clips that train and test the audio encoder."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")] = "embedded"
    """Folder name below `data/`; change it whenever the list changes."""
    format: Literal["embedded", "vggsound", "audioset", "videos", "vegas"] = "embedded"
    """How the clip list is written: the embedded world's own, VGG-Sound's headerless CSV, AudioSet's segment
    lists, VEGAS's tables; `videos`: there is none, the clips are windows of your own videos."""
    clip_list: list[ListFile] = []
    """The clip list: a path, or several; `{path, format, split}` where one differs from `format`."""
    audioset_labels: str | None = None
    """Path of AudioSet's `class_labels_indices.csv`, which names its labels."""
    videos: VideosConfig = VideosConfig()
    """Windows and splits of your own videos."""
    vegas: VegasConfig = VegasConfig()
    """Classes and split of a folder in VEGAS's layout."""
    clip_seconds: Annotated[float, Field(gt=0, le=60)] = 2.0
    """Length of a clip where the list gives only its start (VGG-Sound: 10)."""
    validation_fraction: Fraction = 0.1
    """Share of the training videos held out for validation, chosen by a hash of the video id."""
    clips_per_shard: PositiveInt = 250
    """About how many clips a shard holds; 1000 is right for a real corpus."""
    sources: list[Source] = [Source(kind="embedded")]
    """Where to look for the clips, in order."""
    selection: Selection = Selection()
    """Restrict the list to classes, splits or a seeded sample."""
    exclude_videos_in: list[str] = []
    """Clip lists of evaluation sets (VGG-Sound's, AudioSet's, VEGAS's CSVs); their videos leave training."""
    keep_clips: bool = True
    """Keep the cut videos after media extraction, so another frame size downloads nothing."""
    freeze: bool = False
    """Take the corpus as it stands: nothing is fetched, what is not there is `pending` (docs/data.md)."""
    retry: Literal["transient", "all"] = "transient"
    """What `snakemake retry_transient` asks again: passing failures, or `all` missing clips."""

    @field_validator("sources")
    @classmethod
    def _every_part(cls, sources: list[Source]) -> list[Source]:
        return [part for source in sources for part in source.parts()]

    def of_manifest(self) -> dict[str, Any]:
        """The keys that decide the manifest: not how, through whom or when its clips are fetched."""
        values = self.model_dump(mode="json", exclude={"freeze", "retry", "keep_clips"})
        fields = ("kind", "path")
        return values | {"sources": [{name: s[name] for name in fields} for s in values["sources"]]}

    @field_validator("clip_list", mode="before", json_schema_input_type=str | list[str | ListFile] | None)
    @classmethod
    def _as_files(cls, value: Any, info: ValidationInfo) -> Any:
        """A path stands for a file in the corpus's own format."""
        if not isinstance(value, str | list | None):
            return value
        entries = [] if value is None else [value] if isinstance(value, str) else value
        own = {"format": info.data.get("format")}
        files = [{"path": entry} if isinstance(entry, str) else entry for entry in entries]
        return [own | file if isinstance(file, dict) else file for file in files]

    @model_validator(mode="after")
    def _list_and_sources_fit(self) -> "CorpusConfig":
        listed = self.format in ("vggsound", "audioset")
        if listed != bool(self.clip_list):
            need = "must name the clip list" if listed else "must be empty"
            raise ValueError(f"corpus.clip_list {need} when corpus.format is '{self.format}'")
        for kind in ("embedded", "videos", "vegas"):
            if (self.format == kind) != any(s.kind == kind for s in self.sources):
                raise ValueError(f"the source '{kind}' goes with corpus.format '{kind}' and with no other")
        if self.format == "videos" and len(self.sources) != 1:
            raise ValueError("corpus.format 'videos' takes one source: the folder that holds the videos")
        if self.format == "vegas" and len(self.sources) != 1:
            raise ValueError("corpus.format 'vegas' takes one source: the folder in VEGAS's layout")
        if any(file.format == "audioset" for file in self.clip_list) and not self.audioset_labels:
            raise ValueError("corpus.audioset_labels must name AudioSet's class_labels_indices.csv")
        return self


class FetchConfig(Section):
    """How politely and how patiently videos are fetched."""

    margin_seconds: Annotated[float, Field(ge=0, le=30)] = 1.0
    """How much is kept before and after each clip, so that cuts may fall on key frames."""
    attempts: PositiveInt = 3
    """Tries of one video before a transient failure is written to the ledger."""
    timeout_seconds: Annotated[float, Field(gt=0)] = 60
    """Limit on each network wait, on finding and downloading one video, and on each cut."""
    sleep_seconds: Annotated[float, Field(ge=0)] = 0
    """Pause between two requests of one job to a remote host."""
    workers: PositiveInt = 2
    """Videos fetched side by side inside one job; the profile's `downloads` caps the jobs."""
    videos_per_hour: PositiveInt | None = None
    """Videos asked of one host in an hour, by all jobs together (YouTube bears about 300 of a guest)."""
    request_sleep_seconds: Annotated[float, Field(ge=0)] = 0
    """Pause between the requests that yt-dlp makes for one video."""
    bytes_per_second: PositiveInt | None = None
    """Limit on the speed of one download; null for none."""
    heights: Annotated[list[PositiveInt], Field(min_length=1)] = [720, 480]
    """Picture heights to choose, in order, before anything else is taken (the paper: 720, if not 480)."""
    javascript: Literal["deno", "node", "bun", "quickjs"] = "deno"
    """The JavaScript runtime that YouTube's pages need; deno comes with the packages."""


class MediaConfig(Section):
    """What a media shard holds for each clip, beside 16 kHz mono FLAC sound."""

    frames: PositiveInt = 1
    """Frames stored for each clip, each as a 360x360 JPEG and a 64x64 PNG (the paper takes 1)."""
    square: Literal["crop", "squash"] = "crop"
    """How a frame becomes square: the paper's centre crop, or BriVL's change of aspect ratio."""
    jpeg_quality: Annotated[int, Field(ge=50, le=100)] = 92
    """Quality of the 360x360 JPEG."""
    pad_seconds: Annotated[float, Field(ge=0, le=5)] = 0.1
    """Sound that a clip may lack at either end, filled with silence; one that lacks more is too short."""
    timeout_seconds: Annotated[float, Field(gt=0)] = 60
    """Limit on the decoding of one clip; a hostile file cannot hang a job."""
    workers: PositiveInt = 1
    """Processes that decode side by side inside one job."""
