"""A rule's code digest follows exactly the modules that its entry point imports."""

import shutil

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
    for function in (digest.code_digest, digest._imports, digest._tree, digest._statements):
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
