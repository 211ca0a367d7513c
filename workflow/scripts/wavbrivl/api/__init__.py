"""The model as other programs use it: sounds, images and texts in one space, and a search in it."""
