"""Pictures of articles: taken like every upload, public with their article, there for every version, gone when unused."""

from datetime import timedelta

import pytest
from django.utils import timezone

from chat.errors import AttachmentNotFound, FileTypeRefused
from chat.models import ArticlePicture, Attachment
from chat.services import article_pictures, articles, attachments
from chat.tests.files import photo


def added(by, **fields):
    wanted = {"name": "counter.jpg", "raw": photo(), "alt": "The counter [left]", "by": by, "now": timezone.now()}
    return article_pictures.add(**(wanted | fields))


def test_a_picture_is_clean_counted_and_stands_in_the_text_with_its_description(acme, ana):
    row = added(ana)

    assert (row.attachment.state, row.attachment.kind) == ("ready", "image")
    with row.attachment.file.open() as file:
        assert b"Camera of the baker" not in file.read()
    assert article_pictures.markdown(row) == f"![The counter \\[left\\]](/help/p/{row.pk})"
    article = articles.write(title="A", locale="pt-br", body=article_pictures.markdown(row), by=ana)
    assert f'src="/help/p/{row.pk}" alt="The counter [left]"' in article.body_html


@pytest.mark.parametrize("raw", [b"%PDF-1.4 not a picture", b"\x89PNG\r\n\x1a\n broken"], ids=["document", "broken"])
def test_only_pictures_are_taken_and_nothing_is_left_of_others(acme, ana, raw):
    with pytest.raises(FileTypeRefused):
        added(ana, raw=raw)
    assert not ArticlePicture.objects.exists()
    assert not Attachment.objects.filter(state="ready").exists()


def test_it_is_not_swept_away_with_uploads_nobody_sent(acme, ana):
    row = added(ana)

    attachments.sweep(now=timezone.now() + timedelta(days=2))

    assert Attachment.objects.filter(pk=row.attachment_id).exists()


def test_everybody_sees_it_only_once_its_article_is_published(acme, ana, caio, beta, client_of):
    row = added(ana)
    article = articles.write(title="A", locale="pt-br", body="Soon", by=ana)
    articles.change(article=article, by=ana, body=f"Look: ![x](/help/p/{row.pk})")
    url = f"/help/p/{row.pk}"

    assert client_of(acme).get(url).status_code == 404
    draft = client_of(acme, user=ana).get(url)
    assert (draft.status_code, draft["Cache-Control"]) == (200, "private, no-store")
    article.refresh_from_db()
    articles.publish(article=article, by=ana)

    seen = client_of(acme).get(url)
    assert (seen.status_code, seen["Content-Type"], seen["Cache-Control"]) == (
        *(200, row.attachment.mime, "public, max-age=86400"),
    )
    assert len(b"".join(seen.streaming_content)) == row.attachment.bytes
    assert not seen.cookies
    assert client_of(beta).get(url).status_code == 404


def test_an_earlier_version_keeps_its_pictures_and_unused_ones_go_after_a_week(acme, ana):
    used, unused = added(ana), added(ana)
    article = articles.write(title="A", locale="pt-br", body=article_pictures.markdown(used), by=ana)
    articles.change(article=article, by=ana, body="No picture any more")

    assert article_pictures.sweep(now=timezone.now() + timedelta(days=6)) == 0
    assert article_pictures.sweep(now=timezone.now() + timedelta(days=8)) == 1

    assert list(ArticlePicture.objects.all()) == [used]
    with pytest.raises(AttachmentNotFound):
        article_pictures.shown(key=unused.pk, by=ana)


def test_writers_upload_over_the_api_and_others_do_not(acme, ana, bia, client_of):
    url = "/api/v1/chat/articles/pictures/?name=a.jpg&alt=Balc%C3%A3o"

    made = client_of(acme, user=ana).put(url, photo(), "image/jpeg")

    assert (made.status_code, made.json()["alt"]) == (201, "Balcão")
    assert made.json()["markdown"] == f"![Balcão](/help/p/{made.json()['id']})"
    assert client_of(acme, user=bia).put(url, photo(), "image/jpeg").status_code == 403
    refused = client_of(acme, user=ana).put(url, b"MZ program", "image/jpeg")
    assert (refused.status_code, refused.json()["code"]) == (415, "file_type_refused")
