"""JSON as both ends read it."""

from __future__ import annotations

import json

from ._errors import NotJson

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Encoder(json.JSONEncoder):
    def default(self, o: object) -> object:
        kind = type(o).__name__
        if isinstance(o, (bytes, bytearray, memoryview)):
            raise NotJson(
                f"{kind} are no JSON: where they are text, send value.decode(); else base64.b64encode(value).decode()"
            )
        raise NotJson(f"a value of type {kind} is no JSON; make it of dicts, lists, texts, numbers, booleans and None")


_encode = _Encoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def dumps(value: object, what: str) -> str:
    """Writes a value as JSON. Integers of any size stay as they are."""
    try:
        return _encode(value)
    except NotJson as error:
        raise NotJson(f"{what}: {error}") from None
    except RecursionError:
        raise NotJson(f"{what}: nested too deeply, or a value holds itself") from None
    except (TypeError, ValueError) as error:
        # Keys that are no texts, NaN and the infinities, circles, integers of thousands of digits.
        raise NotJson(f"{what}: {error}") from None


def loads(text: str | None) -> Any:
    """Reads JSON. What is missing, and `null`, is an empty object."""
    if text is None:
        return {}
    value = json.loads(text)
    return {} if value is None else value
