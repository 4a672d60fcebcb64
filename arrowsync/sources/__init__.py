"""Whatever the user has becomes a `BatchStream`: a one-shot stream of Arrow record batches."""
