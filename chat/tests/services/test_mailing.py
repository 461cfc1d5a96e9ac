"""Mail in and out, through real servers on the loopback."""

import base64
import email
import email.policy
import json
from datetime import timedelta
from email.message import EmailMessage
from uuid import uuid4

import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context

from chat.enums import Channel
from chat.models import Attachment, ChannelAccount, Contact, Conversation, Message
from chat.services import channels, mailing, messages, processing
from chat.tests import files, mailservers
from chat.tests.channels import handled, inbox_of, sent_out
from chat.tests.factories import ContactFactory
from chat.tests.services.test_attachments import upload
from ops.kernel.errors import TemporaryFailure
from ops.kernel.outbox.models import InboxEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def post(acme, now, settings):
    """A connected mail inbox that sends and reads on the loopback."""
    settings.WEBHOOK_PRIVATE_ADDRESSES = True
    return inbox_of(Channel.EMAIL, now=now)


def own_server(inbox, server, *, password="segredo", user="ajuda"):
    account = ChannelAccount.objects.get(inbox=inbox)
    account.settings = {
        **account.settings,
        **{"out": "own", "smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none"},
        "smtp_user": user,
    }
    account.keys = {"smtp_password": password}
    account.save()


def own_mailbox(inbox, server, *, password="segredo"):
    account = ChannelAccount.objects.get(inbox=inbox)
    account.settings = {
        **account.settings,
        **{"imap": True, "imap_host": "127.0.0.1", "imap_port": server.port, "imap_security": "none"},
        **{"imap_user": "ajuda", "imap_folder": "INBOX"},
    }
    account.keys = {**account.keys, "imap_password": password}
    account.save()
    return account


def letter(body="Olá, vocês fazem bolo sem glúten?", *, subject="Bolo", id="<a1@cliente.example>", html="", **headers):
    mail = EmailMessage()
    mail["From"] = headers.pop("sender", "Rita Prado <Rita@cliente.example>")
    mail["To"] = "ajuda@acme.example"
    mail["Subject"] = subject
    mail["Message-ID"] = id
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(body)
    if html:
        mail.add_alternative(html, subtype="html")
    return mail


def arrive(inbox, mail, now):
    mailing.receive(inbox=inbox, raw=mail.as_bytes(), now=now)
    handled(now)


def written(envelope):
    return email.message_from_bytes(envelope.content, policy=email.policy.default)


def test_a_mail_is_answered_in_its_thread_and_the_answer_to_that_comes_back_there(acme, post, bia, now):
    arrive(post, letter(), now)
    conversation = Conversation.objects.get()
    assert (conversation.contact.name, conversation.contact.email) == ("Rita Prado", "rita@cliente.example")
    with mailservers.smtp(login=True) as server:
        own_server(post, server)
        sent = messages.send(conversation_id=conversation.pk, by=bia, body="Fazemos sim!", client_id=uuid4())
        sent_out(now)
        sent_out(now)
        (envelope,) = server.kept.envelopes

    mail = written(envelope)
    ours = str(mail["Message-ID"])
    assert (envelope.mail_from, envelope.rcpt_tos) == ("ajuda@acme.example", ["rita@cliente.example"])
    assert (mail["From"], mail["Subject"]) == ("Acme <ajuda@acme.example>", "Re: Bolo")
    assert (mail["In-Reply-To"], mail["References"]) == ("<a1@cliente.example>", "<a1@cliente.example>")
    assert mail["Auto-Submitted"] is None
    assert "Fazemos sim!" in mail.get_body(("plain",)).get_content()
    assert "Fazemos sim!" in mail.get_body(("html",)).get_content()
    assert Message.objects.get(pk=sent.id).delivery == "sent"

    answer = letter(
        "Ótimo, quero um.\n\nEm seg., 2 de mar. de 2026 às 10:00, Acme <ajuda@acme.example>\nescreveu:\n\n> Fazemos sim!\n",
        subject="Re: Bolo",
        id="<a2@cliente.example>",
        In_Reply_To=ours,
        References=f"<a1@cliente.example> {ours}",
    )
    arrive(post, answer, now)
    arrive(post, letter("Outro assunto", subject="Horário", id="<a3@cliente.example>"), now)

    bodies = list(conversation.messages.exclude(direction="activity").order_by("seq").values_list("body", flat=True))
    assert bodies == ["Olá, vocês fazem bolo sem glúten?", "Fazemos sim!", "Ótimo, quero um."]
    assert Conversation.objects.count() == 2
    assert Contact.objects.count() == 1


def test_without_an_own_server_the_house_sends_and_names_the_inbox_for_answers(acme, post, bia, now, mailoutbox):
    arrive(post, letter(), now)
    messages.send(conversation_id=Conversation.objects.get().pk, by=bia, body="Sim", client_id=uuid4())

    sent_out(now)

    (mail,) = mailoutbox
    assert mail.reply_to == ["ajuda@acme.example"]
    assert mail.from_email.startswith("Acme <")
    assert mail.extra_headers["Message-ID"].endswith(".t_acme@acme.example>")


def test_a_file_goes_out_with_its_reply(acme, post, bia, now, mailoutbox):
    arrive(post, letter(), now)
    photo = upload(bia, files.photo(), name="bolo.jpg")
    processing.run(attachment_id=photo.pk)
    messages.send(
        conversation_id=Conversation.objects.get().pk, by=bia, body="", client_id=uuid4(), attachment_ids=[photo.pk]
    )

    sent_out(now)

    (name, content, kind), *_more = mailoutbox[0].attachments
    assert (name, kind, content[:3]) == ("bolo.jpg", "image/jpeg", b"\xff\xd8\xff")


@pytest.mark.parametrize(
    ("refusal", "delivery"), [("550 No such user", "failed"), ("451 Try later", "pending"), ("", "sent")]
)
def test_the_servers_word_decides(acme, post, bia, now, refusal, delivery):
    arrive(post, letter(), now)
    sent = messages.send(conversation_id=Conversation.objects.get().pk, by=bia, body="Sim", client_id=uuid4())
    with mailservers.smtp() as server:
        own_server(post, server, user="")
        server.kept.refusal = refusal
        sent_out(now)
        assert Message.objects.get(pk=sent.id).delivery == delivery, Message.objects.get(pk=sent.id).error
        server.kept.refusal = ""
        sent_out(now + timedelta(minutes=5))

    assert Message.objects.get(pk=sent.id).delivery == ("failed" if delivery == "failed" else "sent")


def test_no_mail_server_means_later(acme, post, bia, now):
    arrive(post, letter(), now)
    sent = messages.send(conversation_id=Conversation.objects.get().pk, by=bia, body="Sim", client_id=uuid4())
    with mailservers.smtp() as server:
        own_server(post, server)

    sent_out(now)

    assert Message.objects.get(pk=sent.id).delivery == "pending"


def test_a_mailbox_is_read_from_its_end_and_every_mail_once(acme, post, now):
    with mailservers.imap() as server:
        server.add(letter("antiga", id="<old@cliente.example>").as_bytes())
        account = own_mailbox(post, server)
        assert mailing.poll(account_id=account.pk, now=now) == 0  # years of old mail are no conversations
        server.add(letter().as_bytes())
        server.add(letter("Segunda", id="<a2@cliente.example>").as_bytes())

        assert mailing.poll(account_id=account.pk, now=now) == 2
        assert mailing.poll(account_id=account.pk, now=now) == 0
        ChannelAccount.objects.filter(pk=account.pk).update(cursor={"validity": 7, "uid": 1})
        assert mailing.poll(account_id=account.pk, now=now) == 0  # a second worker with the old place
        handled(now)

        server.validity = 8
        assert mailing.poll(account_id=account.pk, now=now) == 0
        account.refresh_from_db()
        assert account.cursor == {"validity": 8, "uid": 3}
        assert not any("STORE" in line or line.startswith("SELECT") for line in server.seen)
    assert Message.objects.filter(direction="in").count() == 2


def test_a_wrong_password_shows_on_the_account(acme, post, now):
    with mailservers.imap() as server:
        account = own_mailbox(post, server, password="errada")
        channels.poll_mailbox(account_id=account.pk, now=now)
    account.refresh_from_db()
    assert account.state == "failed"
    assert "Invalid credentials" in account.problem

    with pytest.raises(TemporaryFailure):
        mailing.poll(account_id=account.pk, now=now)  # nobody is there any more


def test_a_private_address_is_not_called(acme, post, now, settings):
    settings.WEBHOOK_PRIVATE_ADDRESSES = False
    with mailservers.imap() as server:
        account = own_mailbox(post, server)
        channels.poll_mailbox(account_id=account.pk, now=now)
        assert server.seen == []
    account.refresh_from_db()
    assert account.state == "failed"


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"X_Autoreply": "yes"},
        {"Return_Path": "<>"},
        {"X_Loop": "abc"},
        {"sender": "MAILER-DAEMON@mx.example"},
        {"sender": "Acme <ajuda@acme.example>"},
    ],
)
def test_machines_are_not_heard(acme, post, now, headers):
    arrive(post, letter(**headers), now)

    assert InboxEvent.objects.get().state == "ignored"
    assert not Conversation.objects.exists()


def test_auto_submitted_no_is_a_person(acme, post, now):
    arrive(post, letter(Auto_Submitted="no"), now)

    assert Conversation.objects.count() == 1


def test_two_machines_that_answer_each_other_are_stopped(acme, post, now, monkeypatch):
    monkeypatch.setattr(mailing, "LOOP_LIMIT", 3)
    for number in range(5):
        mailing.receive(inbox=post, raw=letter(id=f"<{number}@robo.example>").as_bytes(), now=now)
    handled(now)

    assert Message.objects.filter(direction="in").count() == 3


def test_a_mail_that_comes_back_marks_ours(acme, post, bia, now, mailoutbox):
    arrive(post, letter(), now)
    sent = messages.send(conversation_id=Conversation.objects.get().pk, by=bia, body="Sim", client_id=uuid4())
    sent_out(now)
    ours = mailoutbox[0].extra_headers["Message-ID"]
    report = (
        "From: MAILER-DAEMON@mx.example\r\nTo: ajuda@acme.example\r\nSubject: Undelivered\r\n"
        "Message-ID: <dsn@mx.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        "Final-Recipient: rfc822; rita@cliente.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 User unknown\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {ours}\r\nSubject: Re: Bolo\r\n\r\n--b--\r\n"
    )

    mailing.receive(inbox=post, raw=report.encode(), now=now)
    handled(now)

    message = Message.objects.get(pk=sent.id)
    assert (message.delivery, message.error) == ("failed", "smtp; 550 User unknown")
    assert Conversation.objects.count() == 1


def test_html_is_made_safe_and_loses_what_it_quotes(acme, post, now):
    html = (
        '<p onclick="x()">Quero <b>dois</b>.</p><script>alert(1)</script><img src="https://spy.example/p.gif">'
        '<div class="gmail_quote">Em seg., Acme escreveu:<blockquote>Fazemos sim!</blockquote></div>'
    )
    arrive(post, letter("Quero dois.", html=html), now)

    message = Message.objects.get(direction="in")
    assert message.body == "Quero dois."
    assert message.body_html == "<p>Quero <b>dois</b>.</p>"


def test_an_attachment_is_kept_and_a_bad_one_is_told(acme, post, now):
    mail = letter("Segue a nota.")
    mail.add_attachment(files.photo(), maintype="image", subtype="jpeg", filename="nota.jpg")
    mail.add_attachment(b"MZ\x90" + bytes(300), maintype="application", subtype="octet-stream", filename="a.exe")
    arrive(post, mail, now)

    message = Message.objects.get(direction="in")
    assert [(row.name, row.kind) for row in message.attachments.all()] == [("nota.jpg", "image")]
    assert "a.exe" in Message.objects.get(private=True).body


def test_somebody_known_by_their_address_stays_the_same_person(acme, post, now):
    known = ContactFactory(name="Rita", email="rita@cliente.example")

    arrive(post, letter(), now)

    assert Conversation.objects.get().contact == known


# --- The webhook ------------------------------------------------------------------------------------------


def hook(inbox):
    address = channels.webhook_address(inbox)
    return address[address.index("/hooks/") :]


def test_a_provider_may_bring_the_mail_raw_as_json_or_in_a_form(acme, post, client_of, now):
    client, url = client_of(acme), hook(post)
    told = {
        "From": "Rita Prado <rita@cliente.example>",
        "To": "ajuda@acme.example",
        "Subject": "Bolo",
        "MessageID": "22c74902",
        "TextBody": "Em JSON",
        "HtmlBody": "<p>Em JSON</p>",
        "Headers": [{"Name": "Message-ID", "Value": "<b2@cliente.example>"}],
        "Attachments": [
            {"Name": "n.jpg", "ContentType": "image/jpeg", "Content": base64.b64encode(files.photo()).decode()}
        ],
    }
    raw = letter("Em bruto").as_bytes()
    assert client.post(url, raw, "message/rfc822").status_code == 200
    assert client.post(url, raw, "message/rfc822").status_code == 200
    assert client.post(url, json.dumps(told), "application/json").status_code == 200
    form = {"email": letter("Em formulário", id="<c3@cliente.example>").as_string()}
    assert client.post(url, form).status_code == 200
    handled(now)

    found = Message.objects.filter(direction="in").order_by("created_at")
    assert {(row.body, row.source_id) for row in found} == {
        ("Em bruto", "<a1@cliente.example>"),
        ("Em JSON", "<b2@cliente.example>"),
        ("Em formulário", "<c3@cliente.example>"),
    }
    assert Attachment.objects.get().name == "n.jpg"


@pytest.mark.parametrize(
    ("body", "kind"),
    [("", "message/rfc822"), ("{", "application/json"), ("[]", "application/json"), ("{}", "application/json")],
)
def test_a_hook_without_a_mail_is_refused(acme, post, client_of, body, kind):
    answer = client_of(acme).post(hook(post), body, kind)

    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")


def test_the_hook_opens_only_with_its_own_token_in_its_own_tenant(acme, beta, post, client_of, now):
    url = hook(post)
    other = inbox_of(Channel.EMAIL, now=now)
    mixed = url.replace(str(post.pk), str(other.pk))

    for client, address in (
        (client_of(beta), url),
        (client_of(acme), mixed),
        (client_of(acme), url.partition("?")[0]),
        (client_of(acme), url + "x"),
    ):
        assert client.post(address, letter().as_bytes(), "message/rfc822").status_code == 404
    with tenant_context(beta):
        assert not Conversation.objects.exists()
    assert not InboxEvent.objects.exists()


def test_connecting_tries_both_servers(acme, post, ana, now):
    with mailservers.smtp(login=True) as out, mailservers.imap() as box:
        own_server(post, out)
        own_mailbox(post, box)
        assert channels.connect(inbox=post, by=ana, now=now).state == "connected"

        own_server(post, out, password="errada")
        with pytest.raises(Exception, match="535|credentials"):
            channels.connect(inbox=post, by=ana, now=now)
    account = ChannelAccount.objects.get(inbox=post)
    assert account.state == "failed"
