"""Dataclasses map to Arrow schemas, and any data streams into tables of those schemas, exactly."""
