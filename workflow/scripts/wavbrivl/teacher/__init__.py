"""The frozen vision-language model: BriVL's towers, trained here or read from a checkpoint."""
