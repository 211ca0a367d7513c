"""Dataset folders in their publishers' layouts: what is there, what is missing, how to get it."""

from collections.abc import Callable, Iterator
from pathlib import Path

from wavbrivl.corpus.registry import find_version
from wavbrivl.doctor import layouts
from wavbrivl.errors import UserError
from wavbrivl.findings import Finding

CHECKS: dict[str, Callable[[Path], Iterator[Finding]]] = {
    "ESC-50": layouts.esc50,
    "UrbanSound8K": layouts.urbansound8k,
    "DESED": layouts.desed,
    "Clotho": layouts.clotho,
    "VEGAS": layouts.vegas,
    "VGG-Sound": layouts.vggsound,
}
"""By the registry's names."""

_MARKS: dict[str, tuple[str, ...]] = {
    "ESC-50": ("meta/esc50.csv",),
    "UrbanSound8K": ("metadata/UrbanSound8K.csv", "audio/fold1"),
    "DESED": ("metadata/eval", "metadata/validation", "dataset/metadata"),
    "Clotho": tuple(f"clotho_captions_{split}.csv" for split in layouts.CLOTHO),
    "VEGAS": tuple(f"{root}{name}/videos" for root in ("", "data/") for name in layouts.VEGAS),
    "VGG-Sound": ("vggsound.csv",),
}
"""Any of these in a folder says which dataset it is."""


def inspect_dataset(folder: Path, name: str | None = None) -> list[Finding]:
    """Compare a folder with its publisher's layout and counts.

    Args:
        folder: of the dataset.
        name: one of `CHECKS`; None recognises it by what lies in the folder.

    Raises:
        UserError: an unknown name, or a folder that shows no known layout.
    """
    if name is not None and name not in CHECKS:
        raise UserError(f"there is no check for a dataset '{name}'; known are {', '.join(CHECKS)}")
    if not folder.is_dir():
        hint = f": {how_to_get(name)}" if name else ""
        return [Finding(name or str(folder), "failed", f"there is no folder {folder}{hint}")]
    chosen = name or recognise(folder)
    findings = list(CHECKS[chosen](folder))
    if any(finding.state != "ok" for finding in findings):
        findings.append(Finding(chosen, "warning", how_to_get(chosen)))
    return findings


def recognise(folder: Path) -> str:
    """The dataset whose layout a folder has.

    Raises:
        UserError: none that is known.
    """
    for name, marks in _MARKS.items():
        if any((folder / mark).exists() for mark in marks):
            return name
    if any(layouts.clip_files(folder)):
        return "VGG-Sound"
    raise UserError(f"{folder}: no known layout; name it with --as ({', '.join(CHECKS)})")


def how_to_get(name: str) -> str:
    """One sentence on where a dataset comes from."""
    dataset, version = find_version(name)
    if dataset.method == "none":
        return f"get it: {version.files[0].address} ({version.note}); licence: {dataset.licence}"
    command = f"snakemake --cores 1 data/benchmarks/{name}/dataset.json"
    clips = "".join(f"; clips: {source.note}" for source in dataset.clips)
    return f"get it: {command} ({dataset.size}; licence: {dataset.licence}){clips}"
