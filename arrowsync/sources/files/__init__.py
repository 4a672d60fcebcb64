"""Files of any format become a `BatchStream`."""
