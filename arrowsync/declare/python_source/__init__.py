"""`TableSpec`s become the source of dataclasses."""
