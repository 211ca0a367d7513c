"""The trained encoder as a folder that `from_pretrained` reads."""

import shutil
from pathlib import Path

from safetensors import SafetensorError

from wavbrivl.audio.configuration import WavBriVLConfig
from wavbrivl.audio.modeling import WavBriVLModel
from wavbrivl.audio.processing import WavBriVLProcessor
from wavbrivl.errors import UserError
from wavbrivl.teacher.digest import weights_digest
from wavbrivl.train.checkpoint import READABLE, load_best


def export_model(training: Path, out: Path, teacher: Path | None = None) -> None:
    """Write config.json, model.safetensors and preprocessor_config.json (`wavbrivl.train.card` the README).

    Args:
        training: a folder written by `train_encoder` (config.json, best.safetensors).
        out: the model folder; replaced as a whole.
        teacher: the teacher's folder; its weights' digest goes into config.json, so that whoever loads
            the model later cannot pair it with another teacher.

    Raises:
        UserError: the training folder is incomplete or its weights do not fit its configuration.
    """
    model = load_trained(training)
    if teacher is not None:
        model.config.teacher = {**(model.config.teacher or {}), "weights_sha256": weights_digest(teacher)}
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    model.save_pretrained(part)
    WavBriVLProcessor.for_config(model.config).save_pretrained(part)
    (part / "model.safetensors").chmod(READABLE)
    if out.exists():
        shutil.rmtree(out)
    part.rename(out)


def load_trained(training: Path) -> WavBriVLModel:
    """The encoder with the best weights of a training folder.

    Raises:
        UserError: a file is missing, or weights and configuration do not fit.
    """
    weights = training / "best.safetensors"
    for path in (training / "config.json", weights):
        if not path.is_file():
            raise UserError(f"{path} is missing: the encoder has not been trained")
    model = WavBriVLModel(WavBriVLConfig.from_pretrained(training, local_files_only=True))
    try:
        model.load_state_dict(load_best(weights)[0])
    except (RuntimeError, SafetensorError) as error:
        raise UserError(f"{weights} does not fit {training / 'config.json'}: {error}") from None
    return model.eval()
