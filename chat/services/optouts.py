"""Who wants no campaigns, and how they said so: by the link in a mail, by a word of an answer, or to the team.

Lei Geral de Proteção de Dados (Lei 13.709/2018), art. 8, § 5, and art. 18, IX: withdrawing is as easy as agreeing, and free.
It counts for everybody with the same e-mail or phone, and never for the answers to what a person asks themselves.
"""

import re
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from chat.enums import Direction, OptOutWay
from chat.errors import OptOutUnknown
from chat.models import Contact, Message
from chat.services import messages
from ops.kernel import signing
from ops.kernel.audit import services as audit
from tenants.services import letters

SALT = "chat.opt_out"
# A whole answer that says nothing else; accents and marks aside.
WORDS = re.compile(
    r"\W*(sair|pare|parar|stop|cancelar|descadastrar|remover|unsubscribe|opt[ -]?out|nao quero mais)\W*", re.IGNORECASE
)
LONGEST_WORD = 30


def link(contact_id: UUID) -> str:
    """The address in a mail that takes a person off every list. It never runs out: old mails are kept for years."""
    token = signing.dumps(str(contact_id), salt=SALT)
    return f"{letters.place()[1]}/chat/optout/{token}/"


def behind(token: str) -> Contact:
    """Whom a link names. Raises `OptOutUnknown`."""
    try:
        key = UUID(str(signing.loads(token, salt=SALT, max_age=None)))
    except (signing.BadSignature, ValueError) as error:
        raise OptOutUnknown() from error
    contact = Contact.objects.filter(pk=key).first()
    if contact is None:
        raise OptOutUnknown()
    return contact


@transaction.atomic
def refuse(*, contact: Contact, way: OptOutWay, by: Any = None, now: datetime) -> None:
    """No more campaigns for this person. Saying it twice is saying it once."""
    told = Contact.objects.filter(pk=contact.pk, opted_out_at=None).update(
        opted_out_at=now, opted_out_via=way, updated_at=now
    )
    if told:
        audit.record("chat.contact_opted_out", by=by, on=contact, detail={"way": way.value}, now=now)


@transaction.atomic
def allow(*, contact: Contact, by: Any, now: datetime) -> None:
    """The person wants campaigns again and said so; also under other entries with the same e-mail or number."""
    rows = Contact.objects.exclude(opted_out_at=None)
    same = rows.filter(pk=contact.pk)
    if contact.email:
        same |= rows.filter(email__iexact=contact.email)
    if contact.phone_match_key:
        same |= rows.filter(phone_match_key=contact.phone_match_key)
    if same.update(opted_out_at=None, opted_out_via="", updated_at=now):
        audit.record("chat.contact_opted_in", by=by, on=contact, now=now)


def heed(*, message_id: UUID, now: datetime) -> bool:
    """Take an answer to a campaign that says only “stop” at its word, and confirm it once; says whether it was one."""
    message = (
        Message.objects.filter(pk=message_id, direction=Direction.IN, conversation__campaigns__isnull=False)
        .select_related("author_contact", "conversation__inbox")
        .first()
    )
    if message is None or message.author_contact is None or len(message.body) > LONGEST_WORD:
        return False
    plain = message.body.replace("ã", "a").replace("Ã", "A")
    if WORDS.fullmatch(plain) is None:
        return False
    refuse(contact=message.author_contact, way=OptOutWay.WORD, now=now)
    with translation.override(message.conversation.inbox.locale or connection.tenant.language):
        body = _("You get no more campaigns from us. We still answer whatever you ask.")
    messages.send_from_bot(
        conversation_id=message.conversation_id,
        bot=None,
        body=body,
        client_id=uuid5(message.pk, "optout"),
        now=now,
    )
    return True
