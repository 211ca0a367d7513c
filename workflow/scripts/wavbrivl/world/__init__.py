"""The embedded audio-visual world: real H.264/AAC files, made without any download.

`classes` names what there is, `sounds` and `pictures` render it, `timecode` stamps both,
`videos` encodes, `plan` draws a world, `make` writes it, and `benchmarks` writes sounds in
the layouts of published benchmarks. Only functions are offered here, nothing runs on import.
"""
