"""The story in order: `run` tells it, `converted` feeds it, `load` and `apply` are its two acts on the database."""
