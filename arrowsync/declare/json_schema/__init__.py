"""JSON Schema becomes dataclasses, and declared tables become JSON Schema."""
