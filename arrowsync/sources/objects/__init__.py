"""Python objects become Arrow arrays."""
