"""A digest of the package modules that a rule depends on.

Snakemake reruns a job when its script changes, but it does not look into imported modules.
Each rule therefore carries the digest of its entry modules, and of everything in the package
that these import, as a parameter: editing one module reruns exactly what depends on it.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


@cache
def code_digest(*modules: str) -> str:
    """Digest the source of `modules` ("wavbrivl.corpus.media") and of all they import in the package."""
    digest = hashlib.sha256()
    for path in sorted(closure(modules)):
        digest.update(path.relative_to(PACKAGE).as_posix().encode())
        digest.update(_statements(path).encode())
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
    names: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(name for name in names if name.split(".")[0] == PACKAGE.name)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _statements(path: Path) -> str:
    """The module without comments and docstrings: rewording either reruns nothing."""
    tree = _tree(path)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                body.pop(0)
    return ast.dump(tree)


def _file(name: str) -> Path | None:
    parts = name.split(".")[1:]
    module = PACKAGE.joinpath(*parts).with_suffix(".py") if parts else None
    if module is not None and module.is_file():
        return module
    package = PACKAGE.joinpath(*parts, "__init__.py")
    return package if package.is_file() else None
