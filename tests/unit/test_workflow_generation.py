"""Models that a run takes from another one: whole, or refused by the file that is lacking."""

import subprocess
import sys
from pathlib import Path

from wavbrivl.config import Config
from wavbrivl.workflow.generation import generators_of, lacking_models, model_files

FILES = (
    "teacher/config.json",
    "model/model.safetensors",
    "generate/mapping/mapping.npz",
    "generate/dalle/model/dvae/model.safetensors",
    "generate/dalle/model/transformer/model.safetensors",
    "generate/diffusion/model/model_index.json",
    "generate/latent/model/config.json",
)


def finished(folder: Path) -> Path:
    run = folder / "paper"
    for name in (*FILES, "generate/diffusion/model/unet/weights.safetensors", "metrics/esc50.json"):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).touch()
    return run


def test_every_file_of_the_models_is_lent_and_nothing_else(tmp_path):
    lent = model_files(finished(tmp_path))
    assert set(FILES) < set(lent) and "generate/diffusion/model/unet/weights.safetensors" in lent
    assert "metrics/esc50.json" not in lent


def test_a_run_without_all_models_is_refused_by_the_file(tmp_path):
    run = finished(tmp_path)
    assert lacking_models(Config(), run) is None
    for name in FILES:
        (run / name).unlink()
        said = lacking_models(Config(), run)
        assert said == f"models_of: there is no {run / name}; the run 'paper' has to be finished first"
        (run / name).touch()


def test_an_own_generator_is_lent_too(tmp_path):
    run, record = finished(tmp_path), "generate/mine/model/trained.json"
    config = Config.model_validate({"generate": {"own": {"mine": {"kind": "a:B"}}}})
    assert record in str(lacking_models(config, run))
    (run / record).parent.mkdir(parents=True)
    (run / record).touch()
    assert lacking_models(config, run) is None
    assert record in model_files(run, generators_of(config))


def test_planning_the_studies_needs_neither_numpy_nor_torch():
    """Snakemake's own environment has neither; rules import what they plan with."""
    code = (
        "import sys, wavbrivl.workflow.studies, wavbrivl.studies.networks, wavbrivl.workflow.generation;"
        "print([name for name in ('numpy', 'torch', 'PIL', 'soundfile') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
