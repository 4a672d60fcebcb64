"""Declarations: dataclasses, Arrow schemas and JSON Schema become `TableSpec`s, and back."""
