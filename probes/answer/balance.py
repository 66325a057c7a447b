"""Pure: what an answer says about the account itself → balances, flags, models on offer."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from probes.answer.limits_in_headers import EPOCH_MS_FROM
from probes.model import Credit, Fault
from probes.provider import CreditFacts
from probes.redact import mask_secrets

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult

MOST_CREDITS = 8
"""Most balances read from one answer."""
MOST_MODELS = 2_000
"""Most models kept of one list."""
LONGEST_NAME = 200
"""Most characters of a model's name, or of a unit before it is masked."""
LONGEST_UNIT = 16
"""Most characters of a unit, such as USD."""
LARGEST = 1e15
"""Largest plausible balance in its own unit."""

NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,20})?")


def read_credits(facts: CreditFacts, answer: Any) -> tuple[Credit, ...]:
    """Return every balance that an answer states; a value that is not a number counts as missing."""
    items = find_by_path(facts.each, answer) if facts.each else [answer]
    if not isinstance(items, list):
        return ()
    found = (_read_credit(facts, item) for item in items[:MOST_CREDITS])
    return tuple(credit for credit in found if credit is not None)


def raised_flag(flags: Mapping[Fault, str], answer: Any) -> Fault | None:
    """Return the first fault whose flag a good answer sets: a blocked key can still get a 200."""
    return next((fault for fault, expression in flags.items() if find_by_path(expression, answer)), None)


def read_models(expression: str, answer: Any, prefix: str = "") -> tuple[str, ...] | None:
    """Return the names of the models on offer, without `prefix`; None when the answer is no such list."""
    names = find_by_path(expression, answer)
    if not isinstance(names, list):
        return None
    told = (mask_secrets(name).removeprefix(prefix) for name in names[:MOST_MODELS] if _is_name(name))
    return tuple(dict.fromkeys(filter(None, told))) or None


def find_by_path(expression: str, answer: Any) -> Any:
    """Return what a JMESPath expression finds; None when it finds nothing or does not fit the answer."""
    from jmespath.exceptions import JMESPathError

    try:
        return _compiled(expression).search(answer)
    except (JMESPathError, ValueError, TypeError, OverflowError, RecursionError):
        return None


@cache
def _compiled(expression: str) -> "ParsedResult":
    import jmespath  # 14 ms, paid only where a balance is read

    return jmespath.compile(expression)


def _read_credit(facts: CreditFacts, item: Any) -> Credit | None:
    unlimited = bool(facts.unlimited and find_by_path(facts.unlimited, item))
    left, most, used = (_amount(facts, expression, item) for expression in (facts.left, facts.most, facts.used))
    if left is None and most is not None and used is not None:
        left = most - used
    unit = facts.currency or _unit(find_by_path(facts.currency_at, item) if facts.currency_at else None)
    expires_at = _moment(find_by_path(facts.expires, item)) if facts.expires else None
    if unit is None or not (unlimited or expires_at or any(figure is not None for figure in (left, most, used))):
        return None
    if unlimited:
        left = most = None
    return Credit(unit, left, most, used, unlimited, expires_at)


def _amount(facts: CreditFacts, expression: str | None, item: Any) -> float | None:
    number = _number(find_by_path(expression, item)) if expression else None
    return None if number is None else number * facts.scale


def _number(value: Any) -> float | None:
    if isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < LARGEST else None  # also false for NaN


def _unit(value: Any) -> str | None:
    """Return a unit; an unknown currency is kept as given: it is shown, and never converted."""
    text = mask_secrets(value[:LONGEST_NAME]).strip() if isinstance(value, str) else ""
    return text if 0 < len(text) <= LONGEST_UNIT else None


def _moment(value: Any) -> datetime | None:
    """Return the time for seconds or milliseconds since 1970 or ISO 8601; None for 0 and -1, which mean never."""
    try:
        number = _number(value)
        if number is None:
            return _aware(datetime.fromisoformat(value)) if isinstance(value, str) else None
        seconds = number / 1000 if number >= EPOCH_MS_FROM else number
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def _aware(at: datetime) -> datetime:
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME


def bad_expressions(expressions: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the key and the reason of each invalid JMESPath expression."""
    from jmespath.exceptions import JMESPathError
    from jmespath.functions import Functions

    for key, expression in expressions.items():
        try:
            unknown = set(_functions(_compiled(expression).parsed)) - Functions.FUNCTION_TABLE.keys()
        except JMESPathError as error:
            yield key, str(error).partition("\n")[0]
        else:
            yield from ((key, f"no such function: {name}") for name in sorted(unknown))


def _functions(node: Any) -> Iterator[str]:
    """Yield the functions that an expression calls: JMESPath reports an unknown one only when it runs."""
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node["children"]:
        yield from _functions(child)
