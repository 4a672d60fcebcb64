"""A dataclass becomes a `TableSpec`."""
