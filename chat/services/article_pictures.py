"""Pictures of articles: uploaded by whoever writes, public as soon as a published article shows them.

A picture's address never changes, so it may stand in a text, a mail or a search engine. The file goes the way of every
upload: told by its bytes, scanned, without the place it was taken at, counted for the plan's storage.
"""

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.urls import reverse

from chat.enums import ArticleState, AttachmentKind, AttachmentState
from chat.errors import AttachmentNotFound, FileTypeRefused
from chat.models import Article, ArticlePicture, Attachment
from chat.queries.attachments import Stored
from chat.services import attachments, processing

ALT_LIMIT = 200
ADDRESS = re.compile(r"/help/p/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
# Uploaded into a text that was never saved.
UNUSED_FOR = timedelta(days=7)


def add(*, name: str, raw: bytes, alt: str, by: Any, now: datetime) -> ArticlePicture:
    """Take a picture in; it can be shown at once.

    Raises `FileTypeRefused`, `FileTooLarge`, `PlanLimitReached`, `FeatureNotIncluded`, `TooManyUploads`.
    """
    row = attachments.begin(owner=by, name=name or "picture", bytes=len(raw), now=now)
    for start in range(0, len(raw), attachments.PIECE_LIMIT):
        piece = raw[start : start + attachments.PIECE_LIMIT]
        row = attachments.put(attachment_id=row.pk, owner=by, body=piece, start=start)
    if row.kind != AttachmentKind.IMAGE:
        attachments.discard(attachment_id=row.pk, owner=by)
        raise FileTypeRefused(field="file")
    # Somebody waits for it with the cursor in the text; a picture takes a moment, not a minute.
    processing.run(attachment_id=row.pk, now=now)
    row.refresh_from_db()
    if row.state != AttachmentState.READY:
        attachments.discard(attachment_id=row.pk, owner=by)
        raise FileTypeRefused(field="file")
    return ArticlePicture.objects.create(attachment=row, alt=" ".join(alt.split())[:ALT_LIMIT])


def address(picture: ArticlePicture) -> str:
    """Where it is shown; the same for ever."""
    return reverse("chat:help-picture", args=[picture.pk], urlconf="config.urls_tenant")


def markdown(picture: ArticlePicture) -> str:
    """As it stands in a text."""
    alt = re.sub(r"([\[\]\\])", r"\\\1", picture.alt)
    return f"![{alt}]({address(picture)})"


def note(article: Article) -> None:
    """Remember the pictures of a text; those of its earlier versions stay its own too, for the way back."""
    keys = {UUID(key) for key in ADDRESS.findall(article.body)}
    if keys:
        article.pictures.add(*ArticlePicture.objects.filter(pk__in=keys))


def shown(*, key: UUID, by: Any = None) -> tuple[Stored, bool]:
    """A picture's file, and whether everybody may see it. Raises `AttachmentNotFound` for what only writers may see."""
    rows = ArticlePicture.objects.select_related("attachment").filter(pk=key)
    found = rows.filter(articles__state=ArticleState.PUBLISHED).first()
    public = found is not None
    if found is None and by is not None and by.is_authenticated and by.has_perm("chat.view_article"):
        found = rows.first()
    if found is None or found.attachment.state != AttachmentState.READY:
        raise AttachmentNotFound()
    file = found.attachment
    return Stored(str(file.file.name), file.name, file.mime, True, file.bytes), public


def sweep(*, now: datetime) -> int:
    """Remove pictures that no article ever showed; says how many."""
    unused = ArticlePicture.objects.filter(articles=None, created_at__lt=now - UNUSED_FOR)
    with transaction.atomic():
        rows = list(Attachment.objects.filter(article_picture__in=unused))
        attachments.remove(rows)
    return len(rows)
