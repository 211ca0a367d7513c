"""Shapes in a checkpoint of torch, told without torch and its weights, and without running anything in it.

What a checkpoint says of its tensors is a pickle of some kilobytes; names of functions in it lead nowhere.
"""

import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any

Shape = tuple[int, ...]
_BEFORE = 3
"""Pickles before the content in torch's old format: a magic number, the version, the machine."""


def pickled_shapes(path: Path, entry: str) -> dict[str, Shape] | None:
    """Shapes of the tensors below one entry of a checkpoint, or None where it cannot be told.

    None accuses nobody: what a file is, is judged by whoever reads it in full.
    """
    try:
        content = _content(path)
        return {str(key): value.shape for key, value in content[entry].items() if isinstance(value, _Tensor)}
    except (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, ImportError):
        return None
    except (pickle.UnpicklingError, zipfile.BadZipFile, RecursionError, MemoryError):
        return None


def _content(path: Path) -> Any:
    if not zipfile.is_zipfile(path):
        with path.open("rb") as handle:
            for _ in range(_BEFORE):
                _Reader(handle).load()
            return _Reader(handle).load()
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
        with archive.open(name) as handle:
            return _Reader(handle).load()


class _Tensor:
    """What is left of a tensor."""

    def __init__(self, storage: Any, offset: int, shape: Shape, *_: Any) -> None:
        self.shape = tuple(shape)


class _Nothing:
    """Stands for every class and function: takes all, does nothing."""

    def __new__(cls, *_: Any, **__: Any) -> "_Nothing":
        return object.__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __call__(self, *_: Any, **__: Any) -> "_Nothing":
        return self

    def _take(self, *_: Any) -> None:
        pass

    __setstate__ = __setitem__ = append = extend = add = _take


def _parameter(tensor: Any, *_: Any) -> Any:
    return tensor


class _Reader(pickle.Unpickler):
    def __init__(self, handle: IO[bytes]) -> None:
        super().__init__(handle)

    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
            ("torch._utils", "_rebuild_parameter"): _parameter,
        }
        return known.get((module, name), _Nothing)

    def persistent_load(self, pid: Any) -> None:
        """A tensor's numbers stay where they are."""
