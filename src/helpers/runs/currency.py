"""Codes of currencies and the decimals of their amounts."""

from helpers.core.paths import beside

_TOLD = beside(__file__, "currency.yaml")
# Code of ISO 4217 -> digits after the decimal point: 0, 2 or 3.
DECIMALS: dict[str, int] = {
    code: digits
    for digits, codes in _TOLD["decimals"].items()
    for code in codes.split()
}


def fault(given: str) -> str:
    """Say what to write instead of what is no code; "" where it is one."""
    if given in DECIMALS:
        return ""
    word = given.strip().casefold()
    codes = _TOLD["words"].get(word) or _TOLD["words"].get(word.removesuffix("s"), "")
    meant = (
        [given.strip().upper()] if given.strip().upper() in DECIMALS else codes.split()
    )
    near = f" Did you mean {' or '.join(meant)}?" if meant else ""
    return f"write its code of three capital letters, such as EUR, USD or INR.{near}"
