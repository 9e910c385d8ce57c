"""What the HTTP integrations have in common."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ._flipper import Body, Exchange


def say(error: BaseException) -> str:
    """An error as the row of its exchange shows it."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def failed(ended: Exchange | Body, error: BaseException) -> None:
    """Ends an exchange, or a body: with an error, or because nobody waits for it any more."""
    if isinstance(error, Exception):
        ended.fail(say(error))
    else:
        ended.cancel()


def passing(pieces: Iterable[bytes], body: Body) -> Iterator[bytes]:
    """Records pieces as they pass, neither held nor delayed."""
    try:
        for piece in pieces:
            body.chunk(piece)
            yield piece
    except BaseException as error:
        failed(body, error)
        raise
    body.end()
