"""Wav2CLIP and OpenL3 with random weights, under the names and shapes of the published files."""

import numpy as np
import scipy.signal
import torch
from torchaudio.functional import melscale_fbanks

from wavbrivl.evaluate.encoders.openl3 import OpenL3Network
from wavbrivl.evaluate.encoders.wav2clip import Wav2ClipNetwork


def random_weights(network, seed=3):
    """Fresh weights, with statistics of batch norm that are not the neutral ones."""
    torch.manual_seed(seed)
    network = network()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, 0.0, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
    return network


def openl3_kernels(layer):
    """The windowed Fourier kernels and a mel matrix, as they lie in the published file."""
    angle = 2 * np.pi * np.arange(1025)[:, None] * np.arange(2048)[None] / 2048
    window = scipy.signal.get_window("hann", 2048)
    layer.dft_real_kernels.copy_(torch.from_numpy(np.cos(angle) * window)[:, None])
    layer.dft_imag_kernels.copy_(torch.from_numpy(-np.sin(angle) * window)[:, None])
    layer.mel_basis.copy_(melscale_fbanks(1025, 0.0, 24_000.0, 256, 48_000, mel_scale="htk").T)


def write_wav2clip(path):
    """As the published file, with the keys of the image transform that nobody reads."""
    others = {f"image_transform.sequential.{i}.weight": torch.zeros(512, 512) for i in (0, 3)}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(random_weights(Wav2ClipNetwork).state_dict() | others, path)


def write_openl3(path):
    """As the published file."""
    network = random_weights(OpenL3Network)
    openl3_kernels(network.speclayer)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), path)
