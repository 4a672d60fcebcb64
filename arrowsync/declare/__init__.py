"""What the user wants to exist: dataclasses and Arrow schemas become a `TableSpec`."""
