"""The story in order: `run` tells it, `intake` feeds it, `load` and `apply` are its two acts on the database."""
