"""Which models of Hugging Face can be a teacher."""

MODELS = {
    "clip": "CLIPModel",
    "chinese_clip": "ChineseCLIPModel",
    "siglip": "SiglipModel",
    "siglip2": "Siglip2Model",
}
"""Class of transformers by `model_type`."""

LANGUAGES = {"clip": ("en",), "chinese_clip": ("zh",), "siglip": ("en",), "siglip2": ("en", "zh")}
"""What a model of that type was trained to read, mainly."""
