"""The verbs, one file each: `sync_table`, `migrate`, `discover`, `read`, `open_source` (with `write_tsv`), `ddl`."""
