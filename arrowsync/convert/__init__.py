"""Record batches of any schema become batches of the declared types: each value exactly, or an error that names it."""

from arrowsync.convert.compile import Converter, compile_converter
from arrowsync.convert.rejects import REJECTS_SCHEMA

__all__ = ["REJECTS_SCHEMA", "Converter", "compile_converter"]
