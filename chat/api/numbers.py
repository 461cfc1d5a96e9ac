"""Numbers a request names: in its query string, in its headers, and of a conversation."""

from rest_framework.request import Request

from chat.errors import ConversationNotFound
from chat.models import Conversation
from chat.queries import inbox
from ops.kernel.errors import Invalid

BIGGEST = 2**63 - 1


def query(request: Request, name: str, *, low: int = 0, high: int = BIGGEST) -> int | None:
    """A whole number of the query string, nothing when left out. Raises `Invalid` naming the field."""
    text = request.query_params.get(name)
    if text is None or text == "":
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and low <= int(text) <= high):
        raise Invalid(field=name)
    return int(text)


def if_match(request: Request) -> int | None:
    """The seq of an `If-Match` header, with or without quotes; nothing when it is left out or `*`."""
    text = request.headers.get("If-Match", "*").strip()
    if text == "*":
        return None
    digits = text.removeprefix("W/").strip('"')
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 19 and int(digits) <= BIGGEST):
        raise Invalid(field="If-Match")
    return int(digits)


def conversation_of(request: Request, number: int) -> Conversation:
    """The conversation of that number, when the caller may see it. 404 else."""
    row = inbox.page(user=request.user).filter(number=number).first()
    if row is None:
        raise ConversationNotFound(field="conversation")
    return row
