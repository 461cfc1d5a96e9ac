"""Conversations."""

from typing import Any, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from chat.enums import Priority, Status
from chat.models.contact import Contact, ContactInbox
from chat.models.inbox import Inbox
from chat.models.label import Label
from chat.models.search import Matches, expected, words
from chat.models.team import Team
from ops.kernel.models import TimestampedModel

# Messages that say a word, from where on fetching them all takes longer than looking into the newest conversations.
COMMON = 20_000


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Doors to the conversations."""

    def visible_to(self, user: Any) -> Self:
        """What a person of the team may see: everything, with the permission to see conversations."""
        return self if user.has_perm("chat.view_conversation") else self.none()

    def of_visitor(self, contact_inbox_id: UUID) -> Self:
        """The visitor's own."""
        return self.filter(contact_inbox_id=contact_inbox_id)

    def with_people(self) -> Self:
        """What a row or a header shows besides its own columns."""
        people = self.select_related("contact", "inbox", "assignee__agent_profile", "team", "merged_into")
        return people.prefetch_related("labels")

    def unresolved(self) -> Self:
        """Work that is left."""
        # Named one by one: "not resolved" would look at years of resolved ones.
        return self.filter(status__in=(Status.OPEN, Status.PENDING, Status.SNOOZED))

    def queue(self) -> Self:
        """Open and nobody's, longest waiting first."""
        return self.filter(status=Status.OPEN, assignee=None).order_by(F("waiting_since").asc(nulls_last=True), "pk")

    def search(self, text: str) -> Self:
        """By number, by the contact, or by words of any message; accents, case and plurals aside."""
        text = text.strip()[:100]
        if not text:
            return self
        number = text.removeprefix("#")
        is_number = number.isascii() and number.isdigit() and len(number) <= 18
        if is_number and text.startswith("#"):
            return self.filter(number=int(number))
        # One question for each way, put together: a single one with "or" between them would look at every row.
        ways = [Conversation.objects.filter(contact__in=Contact.objects.search(text)).values("pk")]
        if is_number:
            ways.append(Conversation.objects.filter(number=int(number)).values("pk"))
        wanted = words(text)
        if wanted is None:
            return self.filter(pk__in=ways[0].union(*ways[1:]))
        messages: Any = self.model._meta.get_field("messages").related_model
        saying = messages._default_manager.filter(Matches("body", wanted))
        if expected(saying) <= COMMON:
            return self.filter(pk__in=ways[0].union(*ways[1:], saying.values("conversation")))
        # A word that stands nearly everywhere is soon found in one conversation after the other, in the list's own
        # order; as a scalar, since "exists" would be turned round into fetching every message that says it.
        said = Subquery(saying.filter(conversation=OuterRef("pk")).order_by().values("conversation")[:1])
        return self.alias(said=said).filter(Q(pk__in=ways[0].union(*ways[1:])) | Q(said__isnull=False))


class Conversation(TimestampedModel):
    """One thread between a contact and the team.

    `last_seq` numbers all that happened, `last_pub_seq` what the visitor may see; both are counted up only by
    the SQL functions of the migrations, under this row's lock.
    """

    number = models.BigIntegerField(_("number"), unique=True, editable=False)
    inbox = models.ForeignKey(Inbox, models.PROTECT, related_name="conversations", verbose_name=_("inbox"))
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="conversations", verbose_name=_("contact"))
    contact_inbox = models.ForeignKey(
        ContactInbox, models.CASCADE, related_name="conversations", verbose_name=_("contact of the inbox")
    )
    client_id = models.UUIDField(_("client id"))
    status = models.CharField(_("state"), max_length=10, choices=Status, default=Status.OPEN)
    snoozed_until = models.DateTimeField(_("snoozed until"), null=True, blank=True)
    priority = models.CharField(_("priority"), max_length=8, choices=Priority, default=Priority.NONE)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="conversations",
        verbose_name=_("assignee"),
    )
    team = models.ForeignKey(
        Team, models.SET_NULL, null=True, blank=True, related_name="conversations", verbose_name=_("team")
    )
    labels = models.ManyToManyField(Label, related_name="conversations", blank=True, verbose_name=_("labels"))
    muted = models.BooleanField(_("nobody is notified"), default=False, db_default=False)
    spam_at = models.DateTimeField(_("marked as spam at"), null=True, blank=True)
    merged_into = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="merged", verbose_name=_("continues in")
    )
    last_seq = models.BigIntegerField(default=0, editable=False)
    last_pub_seq = models.BigIntegerField(default=0, editable=False)
    agent_seen_seq = models.BigIntegerField(default=0, editable=False)
    contact_seen_seq = models.BigIntegerField(default=0, editable=False)
    contact_delivered_seq = models.BigIntegerField(default=0, editable=False)
    agent_unread = models.PositiveIntegerField(_("unread by the team"), default=0, editable=False)
    contact_unread = models.PositiveIntegerField(_("unread by the visitor"), default=0, editable=False)
    waiting_since = models.DateTimeField(_("waiting since"), null=True, blank=True)
    first_reply_at = models.DateTimeField(_("first reply at"), null=True, blank=True)
    last_activity_at = models.DateTimeField(_("last activity at"))
    last_message_at = models.DateTimeField(_("last message at"), null=True, blank=True)
    last_contact_message_at = models.DateTimeField(_("last message of the visitor at"), null=True, blank=True)
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)
    preview = models.CharField(_("preview"), max_length=120, blank=True)
    preview_direction = models.CharField(max_length=10, blank=True)
    # The place in the queue as the visitor was last told; the triggers of the migrations keep all four.
    queue_position = models.PositiveIntegerField(null=True, blank=True, editable=False)
    queue_wait_s = models.PositiveIntegerField(null=True, blank=True, editable=False)
    queued_at = models.DateTimeField(_("in the queue since"), null=True, blank=True, editable=False)
    queue_waited_s = models.PositiveIntegerField(
        _("seconds waited in the queue"), null=True, blank=True, editable=False
    )
    sla_policy = models.ForeignKey(
        "chat.SlaPolicy",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="conversations",
        verbose_name=_("service level"),
    )
    # The clock that ends next, as the list shows it: kind, started_at, due_at, warn_at, state.
    sla = models.JSONField(_("promised time"), null=True, blank=True, editable=False)
    sla_due_at = models.DateTimeField(_("promised until"), null=True, blank=True, editable=False)
    over_quota = models.BooleanField(_("over the plan's limit"), default=False)
    attrs = models.JSONField(_("attributes"), default=dict, blank=True)
    page_url = models.CharField(_("started on page"), max_length=500, blank=True)
    referrer = models.CharField(_("came from"), max_length=500, blank=True)
    user_agent = models.CharField(_("browser"), max_length=300, blank=True)
    ip_masked = models.CharField(_("network"), max_length=45, blank=True)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        default_permissions = ()
        permissions = [
            ("view_conversation", _("See conversations")),
            ("reply_conversation", _("Reply to conversations")),
            ("assign_conversation", _("Assign conversations to people")),
            ("close_conversation", _("Resolve, snooze and reopen conversations")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["contact_inbox", "client_id"], name="chat_conversation_client_id_once"),
            models.CheckConstraint(
                condition=Q(last_pub_seq__lte=F("last_seq")), name="chat_conversation_pub_within_seq"
            ),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="chat_conversation_age"),
            models.Index(
                fields=["first_reply_at"], condition=Q(first_reply_at__isnull=False), name="chat_conversation_replied"
            ),
            models.Index(F("last_activity_at").desc(), F("id").desc(), name="chat_conversation_recent"),
            models.Index(
                "status", "assignee", F("last_activity_at").desc(), F("id").desc(), name="chat_conversation_list"
            ),
            models.Index(
                fields=["waiting_since", "id"],
                condition=Q(status="open", assignee=None),
                name="chat_conversation_queue",
            ),
            models.Index(fields=["assignee"], condition=Q(agent_unread__gt=0), name="chat_conversation_unread"),
            models.Index(
                fields=["sla_due_at"], condition=Q(sla_due_at__isnull=False), name="chat_conversation_sla_due"
            ),
            models.Index("team", F("last_activity_at").desc(), F("id").desc(), name="chat_conversation_team"),
            models.Index(fields=["snoozed_until"], condition=Q(status="snoozed"), name="chat_conversation_snoozed"),
        ]

    def __str__(self) -> str:
        return f"#{self.number}"
