"""Where clips come from, how they are fetched and what a media shard holds."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from wavbrivl.config.section import Section

Fraction = Annotated[float, Field(ge=0, le=1)]
PositiveInt = Annotated[int, Field(ge=1)]


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


class Source(Section):
    """One place to look for a clip. Sources are tried in the order in which they are listed."""

    kind: Literal["embedded", "youtube", "folder"]
    """`embedded` (the generated world), `youtube` (yt-dlp) or `folder` (clips you already have)."""
    path: str | None = None
    """The folder that holds the clips, for `folder`."""
    cookies: str | None = None
    """A Netscape cookies file handed to yt-dlp, for `youtube`."""
    proxy: str | None = None
    """A proxy address handed to yt-dlp, for `youtube`; credentials belong in the environment."""

    @model_validator(mode="after")
    def _folder_needs_path(self) -> "Source":
        if self.kind == "folder" and not self.path:
            raise ValueError("a source of kind 'folder' needs a path")
        return self


class Selection(Section):
    """Take a part of a clip list only. Empty lists mean: no restriction."""

    classes: list[str] = []
    """Labels to keep."""
    splits: list[Literal["train", "test"]] = []
    """Official splits to keep."""
    sample: PositiveInt | None = None
    """Keep this many clips, drawn with the run's seed."""


class CorpusConfig(Section):
    """The clips that train and test the audio encoder."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")] = "embedded"
    """Folder name below `data/`; change it whenever the list changes."""
    format: Literal["embedded", "vggsound"] = "embedded"
    """How the clip list is written: the embedded world's own list, or VGG-Sound's headerless CSV."""
    clip_list: str | None = None
    """Path of the clip list (not used by `embedded`)."""
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
    """Clip lists (VGG-Sound or AudioSet CSVs) of evaluation sets; their videos leave training."""
    keep_clips: bool = True
    """Keep the cut videos after media extraction, so another frame size downloads nothing."""
    freeze: bool = False
    """Take the corpus as it stands: nothing is fetched, what is not there is `pending` (docs/data.md)."""
    retry: Literal["transient", "all"] = "transient"
    """What `snakemake retry_transient` asks again: passing failures, or `all` missing clips."""

    def of_manifest(self) -> dict[str, Any]:
        """The keys that decide the manifest: not how, through whom or when its clips are fetched."""
        values = self.model_dump(mode="json", exclude={"freeze", "retry", "keep_clips"})
        fields = ("kind", "path")
        return values | {"sources": [{name: s[name] for name in fields} for s in values["sources"]]}

    @model_validator(mode="after")
    def _clip_list_is_given(self) -> "CorpusConfig":
        if self.format != "embedded" and not self.clip_list:
            raise ValueError(
                f"corpus.clip_list must name the clip list when corpus.format is '{self.format}'"
            )
        if (self.format == "embedded") != any(s.kind == "embedded" for s in self.sources):
            raise ValueError("the source 'embedded' goes with corpus.format 'embedded' and with no other")
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
    """The JavaScript runtime that YouTube's pages need, where it is installed."""


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
