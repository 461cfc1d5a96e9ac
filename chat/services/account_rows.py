"""What comes out of a Chatwoot account, page by page, as rows of ours. Every row gets an id made from theirs."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from billing import entitlements
from billing.errors import PlanLimitReached
from chat.enums import AttachmentState, Direction, Kind, LabelColor, Priority, Scope, Status
from chat.models import (
    Article,
    Attachment,
    CannedResponse,
    Category,
    Contact,
    ContactInbox,
    Conversation,
    Inbox,
    Label,
    Message,
    phones,
)
from chat.providers import chatwoot
from chat.services import articles, attachments, canned, contact_rows, conversations, journal
from chat.services.contact_matching import People
from chat.services.contact_rows import Row
from ops.kernel.errors import DomainError, PermanentFailure
from ops.kernel.ids import uuid7_of
from ops.kernel.tasks import enqueue
from tenants.accounts.models import User

NAMESPACE = UUID("5b1f0b76-9a53-4d0e-8b9e-6f2a4f7a1c10")
SOURCE = "chatwoot:"
STATES = {"open": Status.OPEN, "pending": Status.PENDING, "snoozed": Status.SNOOZED, "resolved": Status.RESOLVED}
LANGUAGES = {"pt": "pt-br", "en": "en"}


class Mover:
    """Takes one page after the other; counts what it made and remembers what stayed behind."""

    def __init__(self, transfer: Any, service: chatwoot.Chatwoot) -> None:
        self.transfer = transfer
        self.service = service
        self.source = f"{transfer.base_url}/{transfer.account}"
        self._taken: Counter[str] = Counter()
        self._left: list[dict[str, Any]] = []
        self._agents: dict[int, tuple[str, str]] | None = None
        self._people: dict[int, Any] = {}

    def taken(self) -> dict[str, int]:
        """What was made since the last question."""
        found, self._taken = {name: number for name, number in self._taken.items() if number}, Counter()
        return found

    def left_behind(self) -> list[dict[str, Any]]:
        """What could not be taken since the last question, and why."""
        found, self._left = self._left, []
        return found

    def step(self, place: dict[str, Any]) -> dict[str, Any]:
        """Read and store what stands at a place; answers the next one. An empty stage is the end."""
        verbs: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "labels": self._labels,
            "canned": self._canned,
            "inboxes": self._inboxes,
            "contacts": self._contacts,
            "tagged": self._tagged,
            "conversations": self._conversations,
            "articles": self._articles,
        }
        return verbs[place["stage"]](place)

    def _stay(self, what: str, name: Any, why: Any) -> None:
        self._left.append({"what": what, "name": str(name)[:80], "why": str(why)[:200]})

    def _key(self, *parts: Any) -> UUID:
        return uuid5(NAMESPACE, "/".join([self.source, *map(str, parts)]))

    # --- Small things ----------------------------------------------------------------------------------------

    def _labels(self, place: dict[str, Any]) -> dict[str, Any]:
        known = {name.lower() for name in Label.objects.values_list("name", flat=True)}
        for row in self.service.labels():
            name = str(row.get("title") or "").strip()[:40]
            if name and name.lower() not in known:
                Label.objects.create(
                    name=name, color=_colour(row.get("color")), description=str(row.get("description") or "")[:200]
                )
                known.add(name.lower())
                self._taken["labels"] += 1
        return {"stage": "canned"}

    def _canned(self, place: dict[str, Any]) -> dict[str, Any]:
        known = {one.lower() for one in CannedResponse.objects.values_list("shortcut", flat=True)}
        for row in self.service.canned():
            shortcut = "-".join(str(row.get("short_code") or "").split()).removeprefix("/")
            body = str(row.get("content") or "").replace("\r\n", "\n").replace("\x00", "").strip()
            if not shortcut or shortcut.lower() in known:
                continue
            if not canned.SHORTCUT.match(shortcut) or not body or len(body) > canned.BODY_LIMIT:
                self._stay("canned", shortcut, _("Its shortcut or its text does not fit."))
                continue
            # Their placeholders are written as ours: {{contact.name}}.
            CannedResponse.objects.create(shortcut=shortcut, body=body, scope=Scope.EVERYBODY)
            known.add(shortcut.lower())
            self._taken["canned"] += 1
        return {"stage": "inboxes"}

    def _inboxes(self, place: dict[str, Any]) -> dict[str, Any]:
        for row in self.service.inboxes():
            self._inbox(int(row["id"]), str(row.get("name") or ""))
        for email, name in self._agents_there().values():
            if self._user(email) is None:
                self._stay(
                    "agent", email or name, _("Nobody here has this e-mail; their messages come without a name.")
                )
        return {"stage": "contacts", "page": 1}

    def _inbox(self, number: int, name: str = "") -> UUID:
        """An inbox that takes nothing new: the history of theirs."""
        key = self._key("inbox", number)
        made = Inbox.objects.get_or_create(
            pk=key, defaults={"name": f"{name or number} (Chatwoot)"[:80], "active": False}
        )[1]
        self._taken["inboxes"] += made
        return key

    def _agents_there(self) -> dict[int, tuple[str, str]]:
        if self._agents is None:
            self._agents = self.service.agents()
        return self._agents

    def _user(self, email: str) -> Any:
        return User.objects.filter(email__iexact=email).first() if email else None

    def _agent(self, number: Any) -> Any:
        """Who of the team here is that agent there, by e-mail."""
        if not isinstance(number, int):
            return None
        if number not in self._people:
            self._people[number] = self._user(self._agents_there().get(number, ("", ""))[0])
        return self._people[number]

    # --- Contacts --------------------------------------------------------------------------------------------

    def _contacts(self, place: dict[str, Any]) -> dict[str, Any]:
        rows = self.service.contacts(page=place["page"])
        for row in rows:
            with transaction.atomic():
                self._contact(row)
        return {"stage": "contacts", "page": place["page"] + 1} if rows else {"stage": "tagged", "label": 0, "page": 1}

    def _tagged(self, place: dict[str, Any]) -> dict[str, Any]:
        titles = sorted(str(row.get("title") or "") for row in self.service.labels())
        if place["label"] >= len(titles):
            return {"stage": "conversations", "page": 1}
        rows = self.service.contacts(page=place["page"], label=titles[place["label"]])
        label = Label.objects.filter(name__iexact=titles[place["label"]][:40]).first()
        for row in rows:
            with transaction.atomic():
                contact = self._contact(row)
                if label is not None and contact is not None:
                    contact.labels.add(label)
        if rows:
            return {**place, "page": place["page"] + 1}
        return {"stage": "tagged", "label": place["label"] + 1, "page": 1}

    def _contact(self, row: dict[str, Any]) -> Contact | None:
        """Who that is here: made by an earlier page, known by identifier, e-mail or phone, or new. Erased: nobody."""
        since = chatwoot.moment(row.get("created_at"))
        # Without its age the id sorts first; it only has to be the same every time.
        key = uuid7_of(
            since or datetime.fromtimestamp(0, tz=timezone.get_current_timezone()), f"{self.source}/contact/{row['id']}"
        )
        clean, attrs = self._clean(row)
        found = Contact.objects.filter(pk=key).first() or self._linked(row["id"])
        if found is None:
            people = People()
            people.load([clean], lock=True)
            person = people.find(clean)
            found = Contact.objects.get(pk=person.id) if person is not None and person.id is not None else None
        while found is not None and found.merged_into is not None:
            found = found.merged_into
        if found is not None and found.erased_at is not None:
            return None
        fields = {"name": clean.name, "email": clean.email, "phone_e164": clean.phone, "company": clean.company}
        if found is None:
            found = Contact.objects.create(pk=key, identifier=clean.identifier or None, attrs=attrs, **fields)
            if row.get("blocked") is True:
                Contact.objects.filter(pk=key).update(blocked=True)
            if since is not None:
                seen = chatwoot.moment(row.get("last_activity_at"))
                Contact.objects.filter(pk=key).update(created_at=since, last_seen_at=seen)
            self._taken["contacts"] += 1
            return found
        # What is known here is not overwritten, only completed.
        changes: dict[str, Any] = {name: value for name, value in fields.items() if value and not getattr(found, name)}
        free = clean.identifier and not Contact.objects.filter(identifier=clean.identifier).exists()
        if free and not found.identifier:
            changes["identifier"] = clean.identifier
        merged = {**attrs, **found.attrs}
        if merged != found.attrs:
            changes["attrs"] = merged
        if changes:
            Contact.objects.filter(pk=found.pk).update(**changes, updated_at=timezone.now())
        return found

    def _linked(self, number: Any) -> Contact | None:
        link = ContactInbox.objects.select_related("contact").filter(source_id=self._address(number)).first()
        return link.contact if link is not None else None

    def _address(self, number: Any) -> str:
        return f"{SOURCE}{self._key('contact', number).hex}"

    def _clean(self, row: dict[str, Any]) -> tuple[Row, dict[str, str]]:
        """What is known of somebody there; what our columns do not take becomes an attribute."""
        more = row.get("additional_attributes") or {}
        own = {**(row.get("custom_attributes") or {})}
        attrs = {str(name)[:60]: str(value)[:500] for name, value in own.items() if value not in (None, "", [], {})}
        phone = str(row.get("phone_number") or "")
        number = phones.normalise(phone) if phone else None
        if phone and number is None:
            attrs["phone"] = phone[:60]
        email = str(row.get("email") or "").strip().lower()
        if email:
            try:
                email = contact_rows.clean([email], ["email"]).email
            except contact_rows.Refused:
                attrs["e-mail"], email = email[:200], ""
        for name in ("city", "country", "description"):
            if more.get(name):
                attrs.setdefault(name, str(more[name])[:500])
        clean = Row(
            name=str(row.get("name") or "").replace("\x00", "").strip()[:120],
            email=email,
            phone=number or "",
            company=str(more.get("company_name") or "")[:120],
            identifier=str(row.get("identifier") or "")[:120],
        )
        return clean, dict(list(attrs.items())[:50])

    # --- Conversations ---------------------------------------------------------------------------------------

    def _conversations(self, place: dict[str, Any]) -> dict[str, Any]:
        rows = self.service.conversations(page=place["page"])
        if not rows:
            return {"stage": "articles", "portal": 0, "locale": 0, "page": 1}
        for row in rows:
            self._conversation(row)
        return {"stage": "conversations", "page": place["page"] + 1}

    def _conversation(self, row: dict[str, Any]) -> None:
        sender = (row.get("meta") or {}).get("sender") or {}
        if "id" not in sender:
            self._stay("conversation", row["id"], _("It has no contact."))
            return
        since = chatwoot.moment(row.get("created_at")) or timezone.now()
        with transaction.atomic():
            contact = self._contact(sender)
            if contact is None:
                self._stay("conversation", row["id"], _("This person's data was erased."))
                return
            inbox = self._inbox(int(row["inbox_id"]))
            link, _made = ContactInbox.objects.get_or_create(
                inbox_id=inbox, source_id=self._address(sender["id"]), defaults={"contact": contact}
            )
            found, made = self._opened(row, link, since)
        after, news = 0, made
        while lines := self.service.messages(conversation=int(row["id"]), after=after):
            after = max(int(line["id"]) for line in lines)
            news = self._messages(found, link, lines) or news
        if news:
            self._settle(found, row, since)

    def _opened(self, row: dict[str, Any], link: ContactInbox, since: datetime) -> tuple[Conversation, bool]:
        key = self._key("conversation", row["id"])
        known = Conversation.objects.filter(contact_inbox__inbox=link.inbox_id, client_id=key).first()
        if known is not None:
            return known, False
        made = Conversation.objects.create(
            pk=uuid7_of(since, f"{self.source}/conversation/{row['id']}"),
            number=conversations.next_number(),
            inbox_id=link.inbox_id,
            contact_id=link.contact_id,
            contact_inbox=link,
            client_id=key,
            # Whoever is free would be given it while it is still coming in.
            status=Status.RESOLVED,
            last_activity_at=since,
        )
        self._taken["conversations"] += 1
        return made, True

    def _messages(self, conversation: Conversation, link: ContactInbox, lines: Iterable[dict[str, Any]]) -> bool:
        news = False
        for line in lines:
            direction = chatwoot.MESSAGE_TYPES.get(line.get("message_type", -1), "activity")
            if direction == Direction.ACTIVITY:
                continue
            files = [one for one in line.get("attachments") or [] if isinstance(one, dict) and one.get("data_url")]
            body = str(line.get("content") or "").replace("\x00", "")[:20_000]
            if not body and not files:
                continue
            private = bool(line.get("private"))
            sender = line.get("sender") or {}
            person = self._agent(sender.get("id")) if sender.get("type") in (None, "user", "User") else None
            ours = direction == Direction.OUT
            meta: dict[str, Any] = {}
            if (ours or private) and person is None and sender.get("name"):
                meta["imported_author"] = str(sender["name"])[:120]
            with transaction.atomic():
                posted = journal.post(
                    conversation_id=conversation.pk,
                    client_id=self._key("message", line["id"]),
                    direction=Direction.OUT if private else direction,
                    kind=Kind.ATTACHMENT if files and self.transfer.with_files else Kind.TEXT,
                    body=body,
                    private=private,
                    agent_id=person.pk if person is not None and (ours or private) else None,
                    contact_id=link.contact_id if direction == Direction.IN else None,
                    reply_to=None,
                    meta=meta,
                    source_id=f"{SOURCE}{self._key('message', line['id']).hex}",
                    now=chatwoot.moment(line.get("created_at")) or timezone.now(),
                )
            self._taken["messages"] += posted.created
            news = news or posted.created
            if self.transfer.with_files:
                for position, file in enumerate(files[: attachments.PER_MESSAGE]):
                    self._file(posted.id, position, file, link if direction == Direction.IN else None)
        return news

    def _file(self, message_id: UUID, position: int, file: dict[str, Any], link: ContactInbox | None) -> None:
        key = self._key("attachment", file["id"])
        if Attachment.objects.filter(pk=key).exists():
            return
        most = max(attachments.limits().values())
        try:
            fetched = self.service.file(str(file["data_url"]), most_bytes=most)
        except PermanentFailure as failure:
            self._stay("file", file.get("data_url"), failure.words)
            return
        size = len(fetched.body)
        try:
            entitlements.require(attachments.STORAGE, size, now=timezone.now())
        except PlanLimitReached as refusal:
            self._stay("file", fetched.name, refusal)
            return
        if not size or not Message.objects.filter(pk=message_id).exists():
            return
        name = default_storage.save(f"uploads/parts/{key.hex}", ContentFile(fetched.body))
        with transaction.atomic():
            made = Attachment.objects.bulk_create(
                [
                    Attachment(
                        pk=key,
                        message_id=message_id,
                        position=position,
                        name=fetched.name[-200:],
                        bytes=size,
                        received=size,
                        stored_bytes=size,
                        parts=[name],
                        state=AttachmentState.SCANNING,
                        by_contact_id=link.contact_id if link is not None else None,
                    )
                ],
                ignore_conflicts=True,
            )
            enqueue("chat.process_attachment", attachment_id=str(made[0].pk))
        self._taken["files"] += 1

    def _settle(self, conversation: Conversation, row: dict[str, Any], since: datetime) -> None:
        """State, labels and whose it is, as it stood there; left alone once somebody here has worked on it."""
        if conversation.messages.exclude(source_id__startswith=SOURCE).exists():
            return
        state = STATES.get(str(row.get("status")), Status.RESOLVED)
        until = chatwoot.moment(row.get("snoozed_until")) if state == Status.SNOOZED else None
        if state == Status.SNOOZED and until is None:
            state = Status.OPEN
        last = chatwoot.moment(row.get("last_activity_at") or row.get("timestamp")) or since
        priority = str(row.get("priority") or "none")
        meta = row.get("meta") or {}
        attrs = {
            str(name)[:60]: str(value)[:500]
            for name, value in (row.get("custom_attributes") or {}).items()
            if value not in (None, "")
        }
        with transaction.atomic():
            Conversation.objects.filter(pk=conversation.pk).update(
                status=state,
                snoozed_until=until,
                assignee=self._agent((meta.get("assignee") or {}).get("id")),
                priority=priority if priority in Priority.values else Priority.NONE,
                attrs=attrs,
                created_at=since,
                last_activity_at=last,
                resolved_at=last if state == Status.RESOLVED else None,
                waiting_since=F("waiting_since") if state == Status.OPEN else None,
                agent_unread=0,
                contact_unread=0,
                agent_seen_seq=F("last_seq"),
                updated_at=timezone.now(),
            )
            names = [str(name)[:40].lower() for name in row.get("labels") or []]
            wanted = [label for label in Label.objects.all() if label.name.lower() in names]
            conversation.labels.add(*wanted)

    # --- Help centre -----------------------------------------------------------------------------------------

    def _articles(self, place: dict[str, Any]) -> dict[str, Any]:
        portals = self.service.portals()
        if place["portal"] >= len(portals):
            return {"stage": ""}
        portal = portals[place["portal"]]
        locales = _locales(portal)
        if place["locale"] >= len(locales):
            return {"stage": "articles", "portal": place["portal"] + 1, "locale": 0, "page": 1}
        rows = self.service.articles(portal=str(portal["slug"]), locale=locales[place["locale"]], page=place["page"])
        for row in rows:
            self._article(row, locales[place["locale"]])
        if rows:
            return {**place, "page": place["page"] + 1}
        return {**place, "locale": place["locale"] + 1, "page": 1}

    def _article(self, row: dict[str, Any], there: str) -> None:
        locale = LANGUAGES.get(there.replace("_", "-").lower().split("-")[0])
        title = str(row.get("title") or "").strip()[:160]
        if locale is None or not title:
            self._stay("article", title or row.get("id"), _("Its language is none of the help centre's."))
            return
        group = self._key("article", row["id"])
        if Article.objects.filter(group=group).exists():
            return
        try:
            with transaction.atomic():
                made = articles.write(
                    title=title,
                    locale=locale,
                    summary=str(row.get("description") or "")[:300],
                    body=str(row.get("content") or ""),
                    category=self._category(row.get("category"), locale),
                    group=group,
                    by=self.transfer.by,
                )
                # A draft: its pictures and links lead to the other host, somebody looks it over first.
        except DomainError as error:
            self._stay("article", title, error)
        else:
            self._taken["articles"] += bool(made.pk)

    def _category(self, row: Any, locale: str) -> Category | None:
        if not isinstance(row, dict) or not row.get("name"):
            return None
        group = self._key("category", row.get("id"))
        known = Category.objects.filter(group=group, locale=locale).first()
        return known or articles.add_category(
            name=str(row["name"])[:80], locale=locale, group=group, by=self.transfer.by
        )


def _locales(portal: dict[str, Any]) -> list[str]:
    allowed = (portal.get("config") or {}).get("allowed_locales") or []
    codes = [str(one.get("code")) if isinstance(one, dict) else str(one) for one in allowed]
    return codes or [str((portal.get("meta") or {}).get("default_locale") or "en")]


def _colour(code: Any) -> str:
    """The colour of ours that is nearest to theirs: they have any, our palette reads in light and in dark."""
    text = str(code or "").lstrip("#")
    try:
        red, green, blue = (int(text[at : at + 2], 16) for at in (0, 2, 4))
    except ValueError:
        return LabelColor.GRAY
    near = {
        LabelColor.GRAY: (128, 128, 128),
        LabelColor.BLUE: (31, 111, 235),
        LabelColor.GREEN: (46, 160, 67),
        LabelColor.AMBER: (210, 153, 34),
        LabelColor.RED: (218, 54, 51),
        LabelColor.PURPLE: (137, 87, 229),
        LabelColor.PINK: (219, 97, 162),
        LabelColor.TEAL: (20, 148, 148),
    }
    return min(near, key=lambda one: sum((a - b) ** 2 for a, b in zip(near[one], (red, green, blue), strict=True)))
