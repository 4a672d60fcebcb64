"""Record batches to the bytes of a wire format, vectorised: `pgcopy` is PostgreSQL's COPY BINARY."""
