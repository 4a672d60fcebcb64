"""IP addresses are text in Arrow: what is declared as one has to be one, on the engines too that store just text."""

from __future__ import annotations

from arrowsync.convert.arrays import Converted, Failure, compute, is_valid, mask_of
from arrowsync.declare.spec import ColumnSpec, IpVersion

_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_V4 = rf"(?:{_BYTE}\.){{3}}{_BYTE}"
_H = "[0-9A-Fa-f]{1,4}"

# RFC 4291, 2.2: eight groups; or fewer, with "::" for those left out; the last two may be written as IPv4.
_V6 = "|".join(
    [
        rf"(?:{_H}:){{7}}{_H}",
        rf"(?:{_H}:){{1,7}}:",
        *(rf"(?:{_H}:){{1,{7 - after}}}(?::{_H}){{1,{after}}}" for after in range(1, 7)),
        rf":(?::{_H}){{1,7}}",
        "::",
        rf"(?:{_H}:){{6}}{_V4}",
        *(rf"(?:{_H}:){{{before}}}(?::{_H}){{0,{5 - before}}}:{_V4}" for before in range(1, 6)),
        rf":(?::{_H}){{0,5}}:{_V4}",
    ]
)
_PATTERNS: dict[IpVersion, str] = {"4": f"^(?:{_V4})$", "6": f"^(?:{_V6})$", "any": f"^(?:{_V4}|{_V6})$"}
_NAMES: dict[IpVersion, str] = {"4": "an IPv4 address", "6": "an IPv6 address", "any": "an IP address"}


def check_addresses(outcome: Converted, column: ColumnSpec) -> Converted:
    """The outcome, with a failure for text that is no address of the declared version."""
    if column.ip is None or not len(outcome.values):
        return outcome
    bad = is_valid(outcome.values) & ~mask_of(compute.match_substring_regex(outcome.values, _PATTERNS[column.ip]))
    if not bad.any():
        return outcome
    failure = Failure(bad, f"not {_NAMES[column.ip]}", "declare the column as a str, or mend the values")
    return Converted(outcome.values, (*outcome.failures, failure))
