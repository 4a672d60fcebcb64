"""PostgreSQL's COPY BINARY: record batches to bytes, and bytes to record batches."""
