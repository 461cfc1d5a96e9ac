"""Lines of a thread as the console draws them."""

from django.utils import timezone

from chat.views.drawing import thread
from chat.views.lines import Line


def test_words_stand_above_their_files():
    name = "recado.txt"
    line = Line(
        key="k", id="m", seq=1, kind="in", shape="text", author="in", name="Ana", text="Segue a lista", html="",
        at=timezone.now(), private=False, mine=False, state="", first=True, last=True, day="", is_news=False,
        attachments=[{"name": name, "kind": "file", "state": "ready", "url": "/f", "bytes": 9}],
    )  # fmt: skip
    drawn = thread([line])
    assert drawn.index('data-part="text"') < drawn.index('data-part="files"') < drawn.index(name)
