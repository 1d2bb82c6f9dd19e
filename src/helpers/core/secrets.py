"""Keep addresses of databases, and the users and passwords in them, out of every text."""

import functools
import os
import re
from itertools import combinations
from urllib.parse import unquote, unquote_plus

# An address, as a URL or in words of PostgreSQL's, in a variable of whatever name.
_ADDRESS = re.compile(r"\s*[\w+.-]+://|(?:.*\s)?(?:host|user|password)\s*=", re.DOTALL)
_NAMED = ("PGHOST", "PGHOSTADDR", "PGUSER", "PGPASSWORD")
_CUT = re.compile(r"[\s/:@?&#=%+'\"\\\[\]]")  # where a driver may cut what it tells
_ORDINARY = ("localhost", "host", "hostaddr", "user", "password", "port", "dbname")
MOST = 60  # cuts of an address that are followed


def hidden(text: str) -> str:
    """Put … in the place of all that the environment tells of the address of a database."""
    told = os.environ.items()
    found = {value for name, value in told if name in _NAMED or _ADDRESS.match(value)}
    pattern = _pattern(frozenset(found))
    return pattern.sub("…", text) if pattern else text


@functools.cache
def _pattern(addresses: frozenset[str]) -> re.Pattern[str] | None:
    pieces = {piece for address in addresses for piece in _pieces(address.strip())}
    pieces |= {way(one) for one in pieces for way in (unquote, unquote_plus)}
    pieces |= {repr(one)[1:-1] for one in pieces}
    longest = sorted(filter(None, pieces), key=lambda one: (-len(one), one))
    words = "|".join(map(re.escape, longest))
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)") if words else None


def _pieces(address: str) -> set[str]:
    """List an address, its user and password, and whatever may be cut out of it."""
    body = address.partition("://")[2] or address
    person, at, _ = body.rpartition("@")
    ends = [0, *(end for cut in _CUT.finditer(body) for end in cut.span()), len(body)]
    parts = {body[a:b] for a, b in combinations(ends[:MOST], 2)}
    plain = {one for one in parts if len(one) > 1 and one.lower() not in _ORDINARY}
    return {address, body, *(person.split(":", 1) if at else ())} | plain
