"""Telegram and WhatsApp, against a loopback that speaks as they do."""

from datetime import timedelta
from itertools import permutations
from uuid import uuid4

import pytest
from django.utils import timezone

from chat.enums import Channel
from chat.errors import WindowClosed
from chat.models import Attachment, ChannelAccount, Contact, ContactMerge, Conversation, Message, OutgoingPart
from chat.services import channels, incoming, message_changes, messages, outgoing, processing
from chat.tests import files
from chat.tests.channels import (
    BOT,
    GRAPH,
    NUMBER,
    handled,
    inbox_of,
    notification,
    sent_out,
    signed,
    status,
    telegram_post,
    update,
    whatsapp_post,
    written,
)
from chat.tests.factories import ContactFactory
from chat.tests.services.test_attachments import upload
from ops.kernel.alerts.enums import Severity
from ops.kernel.alerts.models import Alert
from ops.kernel.outbox.models import InboxEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def outside(fake_http, settings):
    """Telegram and Meta, both on the loopback."""
    settings.BASE_URLS = {**settings.BASE_URLS, "telegram": fake_http.url, "whatsapp": fake_http.url}
    return fake_http


@pytest.fixture
def bot(acme, now, outside):
    return inbox_of(Channel.TELEGRAM, now=now)


@pytest.fixture
def number(acme, now, outside):
    return inbox_of(Channel.WHATSAPP, now=now)


def sent_by_telegram(message_id=55, chat=777):
    return {"ok": True, "result": {"message_id": message_id, "chat": {"id": chat, "type": "private"}, "date": 1}}


def accepted(id="wamid.out"):
    return {"messaging_product": "whatsapp", "messages": [{"id": id}]}


def reply(conversation, by, body="Bom dia!", **fields):
    sent = messages.send(conversation_id=conversation.pk, by=by, body=body, client_id=uuid4(), **fields)
    return Message.objects.get(pk=sent.id)


# --- Telegram ------------------------------------------------------------------------------------------


def test_an_update_three_times_is_one_message_of_one_contact(acme, bot, client_of, now):
    client = client_of(acme)

    answers = [telegram_post(client, bot, update("Oi, tem bolo?")).status_code for _ in range(3)]
    handled(now)

    assert answers == [200, 200, 200]
    message = Message.objects.get(direction="in")
    assert (message.body, message.source_id, message.delivery) == ("Oi, tem bolo?", "777:10", "sent")
    contact = message.conversation.contact
    assert (contact.name, contact.attrs) == ("Marta Reis", {"telegram": "@martar"})
    assert message.conversation.contact_inbox.source_id == "777"


@pytest.mark.parametrize("secret", ["", "another", "á"])
def test_without_its_secret_nothing_is_stored(acme, bot, client_of, secret):
    answer = telegram_post(client_of(acme), bot, update(), secret=secret)

    assert (answer.status_code, answer.json()["code"]) == (403, "signature_refused")
    assert not InboxEvent.objects.exists()


def test_a_token_of_another_tenant_opens_nothing(acme, beta, bot, number, client_of):
    for post, inbox, told in ((telegram_post, bot, update()), (whatsapp_post, number, written("Oi"))):
        assert post(client_of(beta), inbox, told).status_code == 404
    assert client_of(beta).get(f"/webhooks/whatsapp/{number.website_token}/").status_code == 404
    # And no channel answers for another one's inbox.
    assert telegram_post(client_of(acme), number, update()).status_code == 404
    assert not InboxEvent.objects.exists()


@pytest.mark.parametrize("body", ["", "[]", "nothing", '{"update_id": null}', '{"no": 1}'])
def test_what_is_no_update_is_refused(acme, bot, client_of, body):
    answer = client_of(acme).post(
        f"/webhooks/telegram/{bot.website_token}/",
        body,
        "application/json",
        headers={"x-telegram-bot-api-secret-token": "a-secret"},
    )

    assert answer.status_code == 422


def test_a_message_edited_in_telegram_changes_here(acme, bot, client_of, now):
    client = client_of(acme)
    telegram_post(client, bot, update("Dois pais"))
    telegram_post(client, bot, update("Dois pães", update_id=2, edited=True))
    handled(now)

    message = Message.objects.get(direction="in")
    assert message.body == "Dois pães"
    assert message.edited_at is not None
    assert message.conversation.preview == "Dois pães"


def test_a_photograph_is_fetched_and_answers_what_it_answers(acme, bot, outside, client_of, bia, now):
    client = client_of(acme)
    outside.on("POST", f"{BOT}/sendMessage").reply(200, sent_by_telegram())
    outside.on("POST", f"{BOT}/getFile").reply(200, {"ok": True, "result": {"file_path": "photos/file_1.jpg"}})
    outside.on("GET", f"/file{BOT}/photos/file_1.jpg").reply(200, files.photo())
    telegram_post(client, bot, update())
    handled(now)
    ours = reply(Conversation.objects.get(), bia, "Mande uma foto")
    sent_out(now)

    photo = [{"file_id": "small", "width": 90}, {"file_id": "large", "width": 1280}]
    told = update("", update_id=2, message_id=56, photo=photo, caption="Assim", reply_to_message={"message_id": 55})
    telegram_post(client, bot, told)
    handled(now)
    message = Message.objects.get(source_id="777:56")
    incoming.fetch_files(message_id=message.pk, files=[wanted("large", "photo.jpg")], now=now)
    incoming.fetch_files(message_id=message.pk, files=[wanted("large", "photo.jpg")], now=now)

    row = Attachment.objects.get(message=message)
    processing.run(attachment_id=row.pk)
    row.refresh_from_db()
    assert (row.kind, row.state, row.by_contact_id) == ("image", "ready", message.author_contact_id)
    assert (message.kind, message.body, message.reply_to_id) == ("attachment", "Assim", ours.pk)
    assert outside.requests[-2].json == {"file_id": "large"}


def wanted(ref, name, *, mime="image/jpeg", voice=False):
    return {"ref": ref, "name": name, "mime": mime, "voice": voice}


def test_a_file_that_nobody_should_open_is_told_to_the_team_only(acme, bot, outside, client_of, now):
    outside.on("POST", f"{BOT}/getFile").reply(200, {"ok": True, "result": {"file_path": "documents/a.exe"}})
    outside.on("GET", f"/file{BOT}/documents/a.exe").reply(200, b"MZ\x90\x00" + bytes(200))
    telegram_post(client_of(acme), bot, update("", document={"file_id": "x", "file_name": "a.exe"}))
    handled(now)
    message = Message.objects.get(direction="in")

    incoming.fetch_files(message_id=message.pk, files=[wanted("x", "a.exe", mime="")], now=now)

    note = Message.objects.get(private=True)
    assert "a.exe" in note.body
    assert not Attachment.objects.filter(message=message).exists()


def test_a_long_reply_leaves_in_pieces_in_order_and_once(acme, bot, outside, client_of, bia, now):
    outside.on("POST", f"{BOT}/sendMessage").reply(200, sent_by_telegram(60)).reply(200, sent_by_telegram(61))
    telegram_post(client_of(acme), bot, update())
    handled(now)
    text = ("palavra " * 700).strip()
    message = reply(Conversation.objects.get(), bia, text)
    assert message.delivery == "pending"

    sent_out(now)
    sent_out(now)

    bodies = [request.json for request in outside.requests]
    assert len(bodies) == 2
    assert " ".join(body["text"] for body in bodies) == text
    assert all(len(body["text"]) <= 4096 and body["chat_id"] == "777" for body in bodies)
    message.refresh_from_db()
    assert (message.delivery, message.source_id) == ("sent", "777:60")
    assert list(OutgoingPart.objects.values_list("external_id", flat=True).order_by("position")) == ["777:60", "777:61"]


def test_told_to_wait_it_waits_and_what_follows_waits_too(acme, bot, outside, client_of, bia, now):
    slow = {"ok": False, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 35}}
    outside.on("POST", f"{BOT}/sendMessage").reply(429, slow).reply(200, sent_by_telegram(60)).reply(
        200, sent_by_telegram(61)
    )
    telegram_post(client_of(acme), bot, update())
    handled(now)
    first = reply(Conversation.objects.get(), bia, "um")
    second = reply(Conversation.objects.get(), bia, "dois")

    sent_out(now)
    sent_out(now + timedelta(seconds=34))
    assert len(outside.requests) == 1
    part = OutgoingPart.objects.get(message=first)
    assert (part.delivery, part.due_at) == ("pending", now + timedelta(seconds=35))

    sent_out(now + timedelta(seconds=36))
    assert [request.json["text"] for request in outside.requests] == ["um", "um", "dois"]
    assert {Message.objects.get(pk=key.pk).delivery for key in (first, second)} == {"sent"}


def test_no_answer_is_unconfirmed_and_only_a_person_sends_it_again(acme, bot, outside, client_of, bia, now):
    outside.on("POST", f"{BOT}/sendMessage").drop().reply(200, sent_by_telegram())
    telegram_post(client_of(acme), bot, update())
    handled(now)
    message = reply(Conversation.objects.get(), bia)

    sent_out(now)
    sent_out(now + timedelta(hours=1))
    outgoing.sweep(now=now + timedelta(hours=1))
    message.refresh_from_db()
    assert (message.delivery, len(outside.requests)) == ("unconfirmed", 1)

    message_changes.retry(message_id=message.pk, by=bia)
    outgoing.order_again(message_id=message.pk, now=now)
    sent_out(now)
    message.refresh_from_db()
    assert (message.delivery, len(outside.requests)) == ("sent", 2)


def test_a_worker_that_died_in_the_call_leaves_the_truth(acme, bot, outside, client_of, bia, now):
    telegram_post(client_of(acme), bot, update())
    handled(now)
    message = reply(Conversation.objects.get(), bia)
    OutgoingPart.objects.create(message=message, inbox=bot, position=0, delivery="unconfirmed", due_at=now)

    outgoing.sweep(now=now)
    message.refresh_from_db()
    assert message.delivery == "pending"  # it may still be in the call

    outgoing.sweep(now=now + timedelta(minutes=4))
    message.refresh_from_db()
    assert (message.delivery, outside.requests) == ("unconfirmed", [])


def test_a_refusal_fails_with_the_providers_words_and_a_lost_key_shows(acme, bot, outside, client_of, bia, now):
    blocked = {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}
    gone = {"ok": False, "error_code": 401, "description": "Unauthorized"}
    outside.on("POST", f"{BOT}/sendMessage").reply(403, blocked).reply(401, gone)
    telegram_post(client_of(acme), bot, update())
    handled(now)
    first, second = (reply(Conversation.objects.get(), bia, body) for body in ("um", "dois"))

    sent_out(now)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.delivery, first.error) == ("failed", "Forbidden: bot was blocked by the user")
    assert (second.delivery, second.error) == ("failed", "Unauthorized")
    account = ChannelAccount.objects.get()
    assert (account.state, account.problem) == ("failed", "Unauthorized")
    alert = Alert.objects.get(kind="chat.channel_logged_out")
    assert (alert.severity, "Unauthorized" in alert.body) == (Severity.ERROR, True)


def test_voice_and_picture_leave_as_what_they_are(acme, bot, outside, client_of, bia, now):
    for message_id, method in ((70, "sendPhoto"), (71, "sendVoice")):
        outside.on("POST", f"{BOT}/{method}").reply(200, sent_by_telegram(message_id))
    telegram_post(client_of(acme), bot, update())
    handled(now)
    photo = upload(bia, files.photo(), name="bolo.jpg")
    voice = upload(bia, files.sound(), name="voz.webm")
    Attachment.objects.filter(pk=voice.pk).update(voice=True)
    message = reply(Conversation.objects.get(), bia, "Veja", attachment_ids=[photo.pk, voice.pk])

    sent_out(now)
    assert outside.requests == []  # the files are still being checked
    processing.run(attachment_id=photo.pk)
    processing.run(attachment_id=voice.pk)
    sent_out(now)

    first, second = outside.requests
    assert [one.path.rpartition("/")[2] for one in outside.requests] == ["sendPhoto", "sendVoice"]
    assert b'name="caption"\r\n\r\nVeja' in first.body
    assert b"\xff\xd8\xff" in first.body
    assert b"OggS" in second.body
    assert b"caption" not in second.body
    message.refresh_from_db()
    assert message.delivery == "sent"


def test_connecting_asks_who_we_are_and_where_to_send(acme, bot, outside, ana, now):
    outside.on("POST", f"{BOT}/getMe").reply(
        200, {"ok": True, "result": {"first_name": "Padaria", "username": "p_bot"}}
    )
    outside.on("POST", f"{BOT}/setWebhook").reply(200, {"ok": True, "result": True})

    account = channels.connect(inbox=bot, by=ana, now=now)

    account.refresh_from_db()
    assert (account.state, account.settings["facts"]) == ("connected", {"name": "Padaria", "username": "p_bot"})
    told = outside.requests[-1].json
    assert told["url"].endswith(f"/webhooks/telegram/{bot.website_token}/")
    assert told["secret_token"] == account.keys["webhook_secret"] != "a-secret"
    assert told["allowed_updates"] == ["message", "edited_message"]


# --- WhatsApp -------------------------------------------------------------------------------------------


def test_meta_checks_the_address(acme, number, client_of):
    url = f"/webhooks/whatsapp/{number.website_token}/"
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444"}

    answer = client_of(acme).get(url, {**asked, "hub.verify_token": "ours"})

    assert (answer.status_code, answer.content) == (200, b"1158201444")
    assert client_of(acme).get(url, {**asked, "hub.verify_token": "theirs"}).status_code == 403


def test_a_signature_of_another_body_is_refused(acme, number, client_of):
    answer = whatsapp_post(client_of(acme), number, written("Oi"), signature=signed(b"{}"))

    assert answer.status_code == 403
    assert not InboxEvent.objects.exists()


def test_a_webhook_three_times_and_shuffled_statuses_make_one_message_and_a_state_that_only_rises(
    acme, number, outside, client_of, bia, now
):
    """The same notification three times, another one that brings the same message, and statuses in every order."""
    client = client_of(acme)
    outside.on("POST", f"{GRAPH}/{NUMBER}/messages").reply(200, accepted())
    for told in (written("Oi"), written("Oi"), written("Oi"), written("Oi", context={"forwarded": False})):
        assert whatsapp_post(client, number, told).status_code == 200
    handled(now)
    assert Message.objects.filter(direction="in").count() == 1

    order = {"pending": 0, "sent": 1, "delivered": 2, "read": 3}
    for position, shuffled in enumerate(permutations(("sent", "delivered", "read"))):
        outside.on("POST", f"{GRAPH}/{NUMBER}/messages").reply(200, accepted(f"wamid.out{position}"))
        message = reply(Conversation.objects.get(), bia, f"Resposta {position}")
        sent_out(now)
        seen = [message.delivery]
        for told in (*shuffled, *shuffled):
            whatsapp_post(client, number, status(f"wamid.out{position}", told))
            handled(now)
            message.refresh_from_db()
            seen.append(message.delivery)
        assert [order[state] for state in seen] == sorted(order[state] for state in seen)
        assert seen[-1] == "read"


def test_a_status_may_overtake_the_answer(acme, number, outside, client_of, bia, now):
    outside.on("POST", f"{GRAPH}/{NUMBER}/messages").drop()
    whatsapp_post(client_of(acme), number, written("Oi"))
    handled(now)
    message = reply(Conversation.objects.get(), bia)
    sent_out(now)
    message.refresh_from_db()
    assert message.delivery == "unconfirmed"
    reference = outside.requests[-1].json["biz_opaque_callback_data"]

    whatsapp_post(client_of(acme), number, status("wamid.late", "delivered", biz_opaque_callback_data=reference))
    handled(now)

    message.refresh_from_db()
    assert message.delivery == "delivered"
    assert OutgoingPart.objects.get().external_id == "wamid.late"


def test_a_failed_status_says_why(acme, number, outside, client_of, bia, now):
    outside.on("POST", f"{GRAPH}/{NUMBER}/messages").reply(200, accepted())
    whatsapp_post(client_of(acme), number, written("Oi"))
    handled(now)
    message = reply(Conversation.objects.get(), bia)
    sent_out(now)

    problem = {"code": 131026, "title": "Message undeliverable", "error_data": {"details": "Not on WhatsApp"}}
    whatsapp_post(client_of(acme), number, status("wamid.out", "failed", errors=[problem]))
    handled(now)

    message.refresh_from_db()
    assert (message.delivery, message.error) == ("failed", "Not on WhatsApp")


@pytest.mark.parametrize("forms", list(permutations(("5511988112040", "551188112040"))))
def test_both_forms_of_a_number_are_one_person_in_one_conversation(acme, number, outside, client_of, bia, now, forms):
    outside.on("POST", f"{GRAPH}/{NUMBER}/messages").reply(200, accepted())
    for position, sender in enumerate(forms):
        whatsapp_post(client_of(acme), number, written("Oi", id=f"wamid.{position}", sender=sender))
    handled(now)

    contact = Contact.objects.get()
    assert contact.phone_match_key == "551188112040"
    assert Conversation.objects.get().messages.filter(direction="in").count() == 2
    reply(Conversation.objects.get(), bia)
    sent_out(now)
    assert outside.requests[-1].json["to"] == forms[-1]


def test_two_contacts_with_the_two_forms_become_one(acme, number, client_of, now):
    older = ContactFactory(name="Fábio Lemos", phone_e164="+5511988112040")
    ContactFactory(name="", phone_e164="+551188112040")

    whatsapp_post(client_of(acme), number, written("Oi", sender="551188112040"))
    handled(now)

    assert Contact.objects.current().get() == older
    assert ContactMerge.objects.get().reason == "phone"
    assert Conversation.objects.get().contact == older


def test_outside_the_window_only_templates_leave(acme, number, outside, client_of, bia, now):
    body = {"type": "BODY", "text": "Olá {{1}}, seu pedido {{2}} chegou."}
    listed = [
        {"name": "chegou", "language": "pt_BR", "status": "APPROVED", "category": "UTILITY", "components": [body]},
        {"name": "promo", "language": "pt_BR", "status": "REJECTED", "components": [body]},
    ]
    outside.on("GET", f"{GRAPH}/102290129340398/message_templates").reply(200, {"data": listed})
    outside.on("POST", f"{GRAPH}/{NUMBER}/messages").reply(200, accepted())
    whatsapp_post(client_of(acme), number, written("Oi"))
    handled(now)
    conversation = Conversation.objects.get()
    later = now + timedelta(hours=24, minutes=1)
    kept = uuid4()
    messages.send(conversation_id=conversation.pk, by=bia, body="cedo", client_id=kept, now=now)

    with pytest.raises(WindowClosed):
        messages.send(conversation_id=conversation.pk, by=bia, body="tarde", client_id=uuid4(), now=later)
    assert not messages.send(conversation_id=conversation.pk, by=bia, body="cedo", client_id=kept, now=later).created
    messages.send(conversation_id=conversation.pk, by=bia, body="só nós", client_id=uuid4(), private=True, now=later)

    client = client_of(acme, user=bia)
    url = f"/api/v1/chat/conversations/{conversation.number}/template/"
    assert [row["name"] for row in client.get(f"/api/v1/chat/inboxes/{number.pk}/templates/").json()] == ["chegou"]
    told = {"client_id": str(uuid4()), "name": "chegou", "language": "pt_BR", "values": ["Fábio", "4471"]}
    assert client.post(url, told, "application/json").status_code == 201
    bad = client.post(url, {**told, "client_id": str(uuid4()), "values": ["Fábio"]}, "application/json")
    assert (bad.status_code, bad.json()["code"]) == (422, "unknown_template")
    sent_out(later)

    message = Message.objects.get(kind="template")
    assert (message.body, message.delivery) == ("Olá Fábio, seu pedido 4471 chegou.", "sent")
    parameters = [{"type": "text", "text": "Fábio"}, {"type": "text", "text": "4471"}]
    assert outside.requests[-1].json["template"] == {
        "name": "chegou",
        "language": {"code": "pt_BR"},
        "components": [{"type": "body", "parameters": parameters}],
    }


def test_what_a_rule_says_too_late_fails_and_is_not_sent(acme, number, outside, client_of, now):
    whatsapp_post(client_of(acme), number, written("Oi"))
    handled(now)
    sent = messages.send_from_bot(conversation_id=Conversation.objects.get().pk, bot=None, body="!", client_id=uuid4())

    sent_out(now + timedelta(hours=25))

    message = Message.objects.get(pk=sent.id)
    assert message.delivery == "failed"
    assert "24" in message.error
    assert outside.requests == []


def test_a_voice_message_is_uploaded_with_its_codec(acme, number, outside, client_of, bia, now):
    outside.on("POST", f"{GRAPH}/{NUMBER}/media").reply(200, {"id": "media-1"})
    outside.on("POST", f"{GRAPH}/{NUMBER}/messages").reply(200, accepted())
    whatsapp_post(client_of(acme), number, written("Oi"))
    handled(now)
    voice = upload(bia, files.sound(), name="voz.webm")
    Attachment.objects.filter(pk=voice.pk).update(voice=True)
    processing.run(attachment_id=voice.pk)
    reply(Conversation.objects.get(), bia, "", attachment_ids=[voice.pk])

    sent_out(now)

    media, message = outside.requests
    assert b"audio/ogg; codecs=opus" in media.body
    assert message.json["audio"] == {"id": "media-1", "voice": True}
    assert message.headers["Authorization"] == "Bearer EAAJ"


def test_media_is_fetched_by_its_id(acme, number, outside, client_of, now):
    outside.on("GET", f"{GRAPH}/777001").reply(200, {"url": f"{outside.url}/media/777001", "mime_type": "image/jpeg"})
    outside.on("GET", "/media/777001").reply(200, files.photo())
    image = {"id": "777001", "mime_type": "image/jpeg", "caption": "Nota"}
    told = {"from": "5511988112040", "id": "wamid.img", "timestamp": "1771000000", "type": "image", "image": image}
    whatsapp_post(client_of(acme), number, notification(messages=[told], contacts=[("5511988112040", "Fábio")]))
    handled(now)
    message = Message.objects.get(direction="in")

    incoming.fetch_files(message_id=message.pk, files=[wanted("777001", "image.jpeg")], now=now)

    assert Attachment.objects.get(message=message).kind == "image"
    assert outside.requests[-1].headers["Authorization"] == "Bearer EAAJ"


def test_a_notification_for_another_number_is_not_ours(acme, number, client_of, now):
    told = written("Oi")
    told["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = "999"
    whatsapp_post(client_of(acme), number, told)
    handled(now)

    assert InboxEvent.objects.get().state == "ignored"
    assert not Message.objects.exists()


def test_a_notification_that_cannot_be_read_is_kept_as_failed(acme, number, client_of, now):
    told = notification(messages=[{"type": "text"}])
    whatsapp_post(client_of(acme), number, told)
    handled(now)

    assert InboxEvent.objects.get().state == "failed"


def test_a_blocked_person_is_not_heard(acme, bot, client_of, now):
    telegram_post(client_of(acme), bot, update())
    handled(now)
    Contact.objects.update(blocked=True)
    telegram_post(client_of(acme), bot, update("de novo", update_id=2, message_id=11))
    handled(now)

    assert Message.objects.filter(direction="in").count() == 1


def test_an_inbox_that_is_not_connected_says_so(acme, bot, outside, client_of, bia, now):
    telegram_post(client_of(acme), bot, update())
    handled(now)
    message = reply(Conversation.objects.get(), bia)
    outside.on("POST", f"{BOT}/deleteWebhook").reply(200, {"ok": True, "result": True})
    channels.disconnect(inbox=bot, by=bia, now=now)

    sent_out(now)

    message.refresh_from_db()
    assert message.delivery == "failed"
    assert telegram_post(client_of(acme), bot, update("x", update_id=9)).status_code == 403
    assert (ChannelAccount.objects.get().secrets, ChannelAccount.objects.get().state) == ("", "new")
