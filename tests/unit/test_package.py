"""`import wavbrivl` costs nothing, and its public names are there."""

import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import wavbrivl

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "transformers", "numpy", "faiss", "soundfile", "huggingface_hub")


def test_nothing_heavy_is_imported_for_the_package_or_for_help():
    code = (
        "import sys, wavbrivl, wavbrivl.cli.main as cli\n"
        "cli.parser().format_help()\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_where_it_should_be():
    for name in wavbrivl.__all__:
        assert getattr(wavbrivl, name) is not None
        assert name in dir(wavbrivl)
        assert name == "__version__" or re.search(rf"\b{name}\b", wavbrivl.__doc__)
    assert not hasattr(wavbrivl, "nonsense")


def test_the_console_script_is_the_command():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    module, function = scripts["wavbrivl"].split(":")
    assert callable(getattr(import_module(module), function))
