"""The registry of datasets: versions, addresses, checksums, licences, sizes, as typed records."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from wavbrivl.errors import UserError

REGISTRY = Path(__file__).with_name("registry.yaml")
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)]
Address = Annotated[str, Field(pattern=r"^https?://[^\s]+$")]
Bytes = Annotated[int, Field(gt=0)]


class Record(BaseModel):
    """A block of the registry: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Unpacking(Record):
    """How an archive is unpacked: at most `limit` bytes; what lies in `root` becomes the dataset."""

    limit: Bytes
    root: Name | None = None


class RegisteredFile(Record):
    """One file of a version. Addresses are asked in order; a checksum is null where none is published."""

    name: Name
    address: Address
    archives: tuple[Address, ...] = ()
    md5: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    git_blob: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None
    bytes: Bytes | None = None
    limit: Bytes
    unpack: Unpacking | None = None
    note: str | None = None

    @property
    def checksum(self) -> tuple[str, str] | None:
        """The kind of checksum and its value."""
        kinds = ("sha256", "md5", "git_blob")
        return next(((kind, value) for kind in kinds if (value := getattr(self, kind))), None)

    @model_validator(mode="after")
    def _fits(self) -> "RegisteredFile":
        if self.bytes and self.bytes > self.limit:
            raise ValueError(f"{self.name}: bytes {self.bytes} are more than its limit {self.limit}")
        return self


class Version(Record):
    """One published version: its counts, where they are from, its files."""

    counts: dict[str, int]
    source: str
    note: str | None = None
    expect: dict[str, int] = {}
    """Path in the dataset's folder -> rows of a CSV with a header, or files of a folder."""
    files: Annotated[tuple[RegisteredFile, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _a_missing_checksum_has_a_note(self) -> "Version":
        bare = [file.name for file in self.files if file.checksum is None and not (file.note or self.note)]
        if bare:
            raise ValueError(f"{bare[0]} has no checksum and no note that says why")
        return self


class Clips(Record):
    """Where the videos of a list are to be had."""

    note: str
    address: Address | None = None


class Dataset(Record):
    """A dataset and its versions. `method: none`: no program can fetch it."""

    title: str
    page: Address
    licence: str
    size: str
    method: Literal["files", "none"]
    default: str
    versions: dict[str, Version]
    clips: tuple[Clips, ...] = ()

    @model_validator(mode="after")
    def _default_is_a_version(self) -> "Dataset":
        if self.default not in self.versions:
            raise ValueError(f"the default version {self.default!r} is not among the versions")
        return self


@cache
def read_registry(path: Path = REGISTRY) -> dict[str, Dataset]:
    """Read and check the registry.

    Raises:
        UserError: naming the dataset and the key.
    """
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    datasets = {}
    for name, entry in values.items():
        try:
            datasets[name] = Dataset.model_validate(entry)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, (name, *first["loc"])))
            raise UserError(f"{path.name}: key '{key}': {first['msg']}") from None
    return datasets


def find_version(name: str, version: str | None = None, path: Path = REGISTRY) -> tuple[Dataset, Version]:
    """A dataset and one of its versions, the default one where none is named.

    Raises:
        UserError: the registry has no such dataset or version.
    """
    registry = read_registry(path)
    if name not in registry:
        raise UserError(f"the registry has no dataset {name!r}; it has {', '.join(sorted(registry))}")
    dataset = registry[name]
    chosen = version or dataset.default
    if chosen not in dataset.versions:
        raise UserError(f"{name} has no version {chosen!r}; it has {', '.join(sorted(dataset.versions))}")
    return dataset, dataset.versions[chosen]
