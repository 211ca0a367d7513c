"""Where a model and its teacher lie: a folder, or a repository on the Hugging Face hub.

Without a hub id nothing touches a network. Only configurations and safetensors are taken from a hub.
"""

import re
from pathlib import Path

from wavbrivl.errors import UserError

HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.-]*")
WANTED = [
    f"{folder}{pattern}"
    for folder in ("", "teacher/", "huggingface/", "teacher/huggingface/")
    for pattern in ("*.json", "*.safetensors", "vocab.txt", "merges.txt", "*.model")
]
"""Files taken from a hub: nothing that has to be unpickled or run."""


def find_model(source: Path | str, revision: str | None = None, local_files_only: bool = False) -> Path:
    """The model's folder; a hub id is downloaded into the hub's own cache first.

    Args:
        source: a folder, or `owner/name` on the hub where no folder `owner` is here.
        revision: commit, tag or branch on the hub; give a commit to pin what is loaded.
        local_files_only: take a hub id from the cache or not at all.

    Raises:
        UserError: no such folder, or the hub does not give it.
    """
    folder = Path(source)
    if folder.is_dir():
        return folder
    if not HUB_ID.fullmatch(str(source)) or folder.parent.exists():
        raise UserError(f"{source}: there is no such folder")
    return _from_hub(str(source), revision, local_files_only)


def _from_hub(name: str, revision: str | None, local_files_only: bool) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                name, revision=revision, local_files_only=local_files_only, allow_patterns=WANTED
            )
        )
    except (OSError, ValueError) as error:  # the hub's errors are OSErrors, wrong names ValueErrors
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"{name}: neither a folder here nor given by the hub ({reason})") from None


def find_teacher(
    model: Path,
    teacher: Path | str | None = None,
    revision: str | None = None,
    local_files_only: bool = False,
) -> Path:
    """The folder of a model's teacher.

    Args:
        model: the model's folder.
        teacher: a folder or hub id; None looks for `teacher/` in the model's folder, then beside it.
        revision: of the teacher's hub id, as in `find_model`.
        local_files_only: as in `find_model`.

    Raises:
        UserError: it is in neither place.
    """
    if teacher is not None:
        return find_model(teacher, revision, local_files_only)
    for folder in (model / "teacher", model.resolve().parent / "teacher"):
        if (folder / "config.json").is_file():
            return folder
    raise UserError(
        f"{model} has no teacher in it or beside it, so it can embed sounds but neither images nor texts; "
        "name the teacher's folder (teacher=..., --teacher)"
    )
