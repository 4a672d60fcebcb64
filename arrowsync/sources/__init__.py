"""Any data becomes a `BatchStream`, a one-shot stream of Arrow record batches."""
