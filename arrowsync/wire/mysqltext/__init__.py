"""The text of MySQL's LOAD DATA: record batches to bytes."""
