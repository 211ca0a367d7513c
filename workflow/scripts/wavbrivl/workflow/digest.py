"""A digest of the package modules that a rule depends on.

Snakemake reruns a job when its script changes, but it does not look into imported modules.
Each rule therefore carries the digest of its entry modules, and of everything in the package
that these import, as a parameter: editing one module reruns exactly what depends on it.
"""

import hashlib
import re
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

PACKAGE = Path(__file__).resolve().parents[1]
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n]+)|import[ \t]+([^\n]+))", re.MULTILINE
)
_ALIAS = re.compile(r"#[^\n]*|\bas[ \t]+\w+")
_NAME = re.compile(r"[\w.]+")


@cache
def code_digest(*modules: str) -> str:
    """Digest the source of `modules` ("wavbrivl.corpus.media") and of all they import in the package."""
    digest = hashlib.sha256()
    for path in sorted(closure(modules)):
        digest.update(path.relative_to(PACKAGE).as_posix().encode())
        digest.update(_statements(path))
    return digest.hexdigest()[:16]


def closure(modules: tuple[str, ...]) -> set[Path]:
    """Files of `modules` and of everything in the package that they import."""
    found: set[Path] = set()
    waiting = [_file(name) for name in modules]
    for name, path in zip(modules, waiting, strict=True):
        if path is None:
            raise ModuleNotFoundError(f"no module named {name!r} in {PACKAGE}")
    while waiting:
        path = waiting.pop()
        if path is not None and path not in found:
            found.add(path)
            waiting.extend(_file(name) for name in _imports(path))
    return found


def files_of_script(script: Path) -> set[Path]:
    """Files of the package that a workflow script imports, directly or not."""
    modules = [name for name in _imports(script) if _file(name) is not None]
    return closure(tuple(sorted(modules)))


@cache
def _imports(path: Path) -> frozenset[str]:
    """What the module imports of the package, by its text: also within functions."""
    names: set[str] = set()
    for module, imported, whole in _IMPORT.findall(_source(path)):
        names.update(_NAME.findall(_ALIAS.sub("", whole)))
        names.add(module)
        names.update(f"{module}.{name}" for name in _NAME.findall(_ALIAS.sub("", imported)))
    return frozenset(name for name in names if name.split(".")[0] == PACKAGE.name)


@cache
def _source(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def _statements(path: Path) -> bytes:
    """Digest of what the module does, without comments and docstrings: rewording either reruns nothing.

    Compiling is six times as fast as walking the syntax tree, and this is done whenever a plan is made.
    """
    code = compile(_source(path), path.name, "exec", dont_inherit=True, optimize=2)
    return hashlib.sha256(repr(_plain(code)).encode()).digest()


def _plain(value: Any) -> Any:
    """Code without names of files and numbers of lines, and constants in one order."""
    if isinstance(value, CodeType):
        return [
            *(value.co_name, value.co_code, value.co_names, value.co_varnames, value.co_freevars),
            *(value.co_cellvars, value.co_argcount, value.co_posonlyargcount, value.co_kwonlyargcount),
            *(value.co_flags, value.co_exceptiontable),
            [_plain(constant) for constant in value.co_consts],
        ]
    if isinstance(value, tuple):
        return tuple(_plain(part) for part in value)
    return sorted(map(repr, value)) if isinstance(value, frozenset) else repr(value)


@cache
def _file(name: str) -> Path | None:
    parts = name.split(".")[1:]
    module = PACKAGE.joinpath(*parts).with_suffix(".py") if parts else None
    if module is not None and module.is_file():
        return module
    package = PACKAGE.joinpath(*parts, "__init__.py")
    return package if package.is_file() else None
