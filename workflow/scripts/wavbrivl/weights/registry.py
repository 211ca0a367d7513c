"""The registry of weights: repositories at a commit, files, licences, sizes, as typed records."""

from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError, model_validator

from wavbrivl.config.teacher import Commit
from wavbrivl.corpus.registry import Bytes, Name, Record, RegisteredFile
from wavbrivl.errors import UserError

REGISTRY = Path(__file__).with_name("registry.yaml")
ON_THE_HUB = "see its page on the hub"
"""Licence of what the registry does not know, until the hub has said what the page states."""
HubId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")]


class Weights(Record):
    """Where one set of files comes from: a commit of a hub's repository, or addresses."""

    title: str
    licence: str
    size: str
    repo: HubId | None = None
    revision: Commit | None = None
    files: tuple[str, ...] = ()
    """Names or patterns that must be in the repository, each at least once."""
    optional: tuple[str, ...] = ()
    """Names or patterns that are taken where they are there."""
    weights: tuple[str, ...] = ()
    """Names or patterns of which the first that is there is taken."""
    addresses: tuple[RegisteredFile, ...] = ()
    limit: Bytes
    note: str | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> "Weights":
        if bool(self.repo) == bool(self.addresses):
            raise ValueError("either a repository or addresses must be named")
        if self.repo and not self.revision:
            raise ValueError("a repository needs its revision, a commit")
        if self.repo and not (self.files or self.weights):
            raise ValueError("a repository needs files or weights")
        return self

    @model_validator(mode="after")
    def _a_missing_checksum_has_a_note(self) -> "Weights":
        bare = [file.name for file in self.addresses if file.checksum is None and not file.note]
        if bare:
            raise ValueError(f"{bare[0]} has no checksum and no note that says why")
        return self


@cache
def read_weights(path: Path = REGISTRY) -> dict[Name, Weights]:
    """Read and check the registry.

    Raises:
        UserError: naming the entry and the key.
    """
    entries = {}
    for name, values in yaml.safe_load(path.read_text(encoding="utf-8")).items():
        try:
            entries[name] = Weights.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, (name, *first["loc"])))
            raise UserError(f"{path.name}: key '{key}': {first['msg']}") from None
    return entries
