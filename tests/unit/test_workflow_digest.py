"""A rule's code digest follows exactly the modules that its entry point imports."""

import os
import shutil
import subprocess
import sys

import pytest

from wavbrivl.workflow import digest


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of a tiny package: a imports b, c stands alone."""
    root = tmp_path / "pkg"
    root.mkdir()
    (root / "__init__.py").write_text("")
    (root / "a.py").write_text('"""A."""\nfrom pkg.b import f\n')
    (root / "b.py").write_text('"""B."""\ndef f():\n    """Doc."""\n    return 1  # why\n')
    (root / "c.py").write_text("import pkg.b\n")
    monkeypatch.setattr(digest, "PACKAGE", root)
    yield root
    shutil.rmtree(root)
    _forget()


def _forget():
    for function in (digest.code_digest, digest._imports, digest._source, digest._statements, digest._file):
        function.cache_clear()


def _fresh(name):
    _forget()
    return digest.code_digest(name)


def test_an_edit_in_an_imported_module_changes_the_digest(package):
    before = {name: _fresh(name) for name in ("pkg.a", "pkg.b", "pkg.c")}
    (package / "b.py").write_text("def f():\n    return 2\n")
    assert all(_fresh(name) != value for name, value in before.items())


def test_an_edit_elsewhere_changes_nothing(package):
    before = _fresh("pkg.a")
    (package / "c.py").write_text("import pkg.b\nx = 1\n")
    assert _fresh("pkg.a") == before


def test_comments_and_docstrings_do_not_count(package):
    before = _fresh("pkg.b")
    (package / "b.py").write_text('"""Other words."""\n\ndef f():\n    """Others."""\n    return 1\n')
    assert _fresh("pkg.b") == before


def test_a_module_that_is_not_there_is_an_error(package):
    with pytest.raises(ModuleNotFoundError, match="pkg.nothing"):
        _fresh("pkg.nothing")


@pytest.mark.parametrize(
    "text, imported",
    [
        ("from pkg import b", {"pkg", "pkg.b"}),
        ("from pkg import (\n    b,  # why\n    c as d,\n)", {"pkg", "pkg.b", "pkg.c"}),
        ("def f():\n    from pkg.b import f as g\n", {"pkg.b"}),
        ("import pkg.b, os\nimport pkg.c as c", {"pkg.b", "pkg.c"}),
        ("import os\nfrom pathlib import Path\n", set()),
    ],
)
def test_every_form_of_import_is_followed(package, text, imported):
    (package / "d.py").write_text(text)
    _forget()
    assert imported <= digest._imports(package / "d.py")
    assert {digest._file(name) for name in digest._imports(package / "d.py")} - {None} == {
        digest._file(name) for name in imported
    }


def test_the_digest_is_the_same_in_every_process():
    """Sets of constants have another order in each process; what is told of them must not."""
    program = "from wavbrivl.workflow.digest import code_digest; print(code_digest('wavbrivl.train.loop'))"
    seeds = ("0", "1", "2")
    environments = [os.environ | {"PYTHONHASHSEED": seed} for seed in seeds]
    runs = [subprocess.run([sys.executable, "-c", program], env=e, capture_output=True, text=True, check=True)
            for e in environments]  # fmt: skip
    assert len({run.stdout for run in runs}) == 1


@pytest.mark.parametrize(
    "before, after",
    [
        ("x = 1", "x = 2"),
        ("x = {1, 2} & y", "x = {1, 3} & y"),
        ("def f(a, b): return a", "def f(b, a): return a"),
        ("def f(*, a): return a", "def f(a): return a"),
        ("x = 'a'", "x = b'a'"),
        ("x = 1", "x = 1.0"),
        ("try:\n    f()\nexcept A: pass", "try:\n    f()\nexcept B: pass"),
        ("class C(A):\n    x: int = 1", "class C(A):\n    x: str = 1"),
        ("x = y in ('a', 'b')", "x = y in ('b', 'a')"),
    ],
)
def test_whatever_the_code_does_differently_counts(package, before, after):
    (package / "b.py").write_text(before)
    first = _fresh("pkg.b")
    (package / "b.py").write_text(after)
    assert _fresh("pkg.b") != first
