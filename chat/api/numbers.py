"""Numbers in the address of a request."""

from rest_framework.request import Request

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
