"""Frames against `chat/schemas/chat.v1.json`, the protocol as programs read it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

DOCUMENT = json.loads((Path(__file__).parent.parent / "schemas" / "chat.v1.json").read_text(encoding="utf-8"))


@cache
def _validator(side: str, type: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{side}/{type}", "$defs": DOCUMENT["$defs"]})


def check(frame: dict[str, Any], *, side: str = "server") -> None:
    """A frame the protocol names must look as it says. Frames of other parts have their own tests."""
    if frame["type"] in DOCUMENT["$defs"][side]:
        _validator(side, frame["type"]).validate(frame)
