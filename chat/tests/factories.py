"""Rows of the counter for tests. Messages and events are made by the services, as in life."""

import hashlib
from datetime import timedelta
from uuid import uuid4

import factory
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from chat.enums import CampaignKind, CampaignState, ChurnBand, StatKind
from chat.models import (
    AccountImport,
    AgentProfile,
    Article,
    ArticleFeedback,
    ArticlePicture,
    ArticleVersion,
    Attachment,
    AutomationRule,
    AutomationRun,
    Bot,
    BotAnswer,
    BotSession,
    BusinessHours,
    Call,
    Campaign,
    CampaignRecipient,
    CannedResponse,
    Category,
    ChannelAccount,
    ChatEvent,
    ChurnModel,
    ChurnScore,
    Contact,
    ContactImport,
    ContactInbox,
    ContactMerge,
    ContactNote,
    Conversation,
    CsatResponse,
    DataExport,
    Draft,
    Holiday,
    HourlyStat,
    ImportLine,
    Inbox,
    InboxMember,
    Label,
    LeftMessage,
    Macro,
    Mention,
    Message,
    Notification,
    OutgoingPart,
    PixCharge,
    PushSubscription,
    QuestionGroup,
    SavedView,
    SlaEvent,
    SlaPolicy,
    Team,
    TeamMember,
    UnansweredQuestion,
)
from chat.services import articles, conversations, messages
from tenants.accounts.tests.factories import UserFactory


class InboxFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Inbox

    name = factory.Sequence(lambda n: f"Website {n}")


class ContactFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Contact

    name = factory.Sequence(lambda n: f"Visitor {n}")


class ContactInboxFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ContactInbox

    contact = factory.SubFactory(ContactFactory)
    inbox = factory.SubFactory(InboxFactory)
    source_id = factory.LazyFunction(lambda: hashlib.sha256(uuid4().bytes).hexdigest())


class ConversationFactory(factory.django.DjangoModelFactory):
    """A conversation as `conversations.start` makes it; `assignee` is set without telling anybody."""

    class Meta:
        model = Conversation

    contact_inbox = factory.SubFactory(ContactInboxFactory)
    client_id = factory.LazyFunction(uuid4)

    @classmethod
    def _create(cls, model_class, *args, contact_inbox, client_id, **changes):
        visitor = conversations.Visitor(
            contact_inbox_id=contact_inbox.pk,
            contact_id=contact_inbox.contact_id,
            inbox_id=contact_inbox.inbox_id,
            name=contact_inbox.contact.name,
        )
        conversation = conversations.start(visitor=visitor, client_id=client_id, now=timezone.now())
        if changes:
            Conversation.objects.filter(pk=conversation.pk).update(**changes)
        return Conversation.objects.get(pk=conversation.pk)


class MessageFactory(factory.django.DjangoModelFactory):
    """A message of the visitor, or of the agent given as `by`."""

    class Meta:
        model = Message

    conversation = factory.SubFactory(ConversationFactory)
    body = factory.Sequence(lambda n: f"Message {n}")

    @classmethod
    def _create(cls, model_class, *args, conversation, body, by=None, client_id=None, **fields):
        client_id = client_id or uuid4()
        if by is not None:
            sent = messages.send(conversation_id=conversation.pk, by=by, body=body, client_id=client_id, **fields)
        else:
            visitor = conversations.visitor_of(Conversation.objects.select_related("contact").get(pk=conversation.pk))
            sent = messages.send_from_visitor(
                conversation_id=conversation.pk, visitor=visitor, body=body, client_id=client_id, **fields
            )
        return Message.objects.get(pk=sent.id)


class ChatEventFactory(factory.django.DjangoModelFactory):
    """The event of a message."""

    class Meta:
        model = ChatEvent

    message = factory.SubFactory(MessageFactory)

    @classmethod
    def _create(cls, model_class, *args, message, **fields):
        with transaction.atomic():
            return ChatEvent.objects.get(conversation=message.conversation_id, seq=message.seq)


class BusinessHoursFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = BusinessHours

    inbox = factory.SubFactory(InboxFactory)
    active = True


class HolidayFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Holiday

    inbox = factory.SubFactory(InboxFactory)
    on = factory.LazyFunction(lambda: timezone.localdate())
    name = factory.Sequence(lambda n: f"Holiday {n}")


class SlaPolicyFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = SlaPolicy

    name = factory.Sequence(lambda n: f"Promise {n}")
    first_response_min = 15
    business_hours = False


class SlaEventFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = SlaEvent

    conversation = factory.SubFactory(ConversationFactory)
    policy = factory.SubFactory(SlaPolicyFactory)
    kind = "first_response"
    target_s = 900
    started_at = factory.LazyFunction(timezone.now)


class AutomationRuleFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = AutomationRule

    name = factory.Sequence(lambda n: f"Rule {n}")
    trigger = "conversation_started"
    actions = factory.LazyFunction(lambda: [{"do": "set_priority", "priority": "high"}])
    active = True


class AutomationRunFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = AutomationRun

    rule = factory.SubFactory(AutomationRuleFactory)
    conversation = factory.SubFactory(ConversationFactory)
    source = factory.Sequence(lambda n: f"fact:{n}")
    state = "done"
    at = factory.LazyFunction(timezone.now)


class MacroFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Macro

    name = factory.Sequence(lambda n: f"Macro {n}")
    steps = factory.LazyFunction(lambda: [{"do": "set_priority", "priority": "high"}])


class CsatResponseFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = CsatResponse

    conversation = factory.SubFactory(ConversationFactory)
    contact = factory.SelfAttribute("conversation.contact")
    scale = "faces"
    asked_at = factory.LazyFunction(timezone.now)


class LeftMessageFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = LeftMessage

    contact_inbox = factory.SubFactory(ContactInboxFactory)
    client_id = factory.LazyFunction(uuid4)
    body = factory.Sequence(lambda n: f"Left message {n}")
    left_at = factory.LazyFunction(timezone.now)


class TeamFactory(factory.django.DjangoModelFactory):
    """A team; `members` are its people."""

    class Meta:
        model = Team
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Team {n}")

    @factory.post_generation
    def members(self, create, extracted, **kwargs):
        for user in extracted or ():
            TeamMember.objects.create(team=self, user=user)


class TeamMemberFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = TeamMember

    team = factory.SubFactory(TeamFactory)
    user = factory.SubFactory(UserFactory)


class InboxMemberFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = InboxMember

    inbox = factory.SubFactory(InboxFactory)
    user = factory.SubFactory(UserFactory)


class AgentProfileFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = AgentProfile

    user = factory.SubFactory(UserFactory)


class LabelFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Label

    name = factory.Sequence(lambda n: f"label-{n}")


class CannedResponseFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = CannedResponse

    shortcut = factory.Sequence(lambda n: f"short{n}")
    body = "Good morning! How can I help?"


class SavedViewFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = SavedView

    name = factory.Sequence(lambda n: f"View {n}")


class DraftFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Draft

    user = factory.SubFactory(UserFactory)
    conversation = factory.SubFactory(ConversationFactory)
    body = "Half a sentence"


class MentionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Mention

    message = factory.SubFactory(MessageFactory)
    conversation = factory.SelfAttribute("message.conversation")
    user = factory.SubFactory(UserFactory)


class NotificationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Notification

    user = factory.SubFactory(UserFactory)
    kind = "mention"
    key = factory.Sequence(lambda n: f"mention:{n}")


class PushSubscriptionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PushSubscription

    user = factory.SubFactory(UserFactory)
    endpoint = factory.Sequence(lambda n: f"https://push.example/send/{n}")
    p256dh = "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM"
    auth = "tBHItJI5svbpez7KI4CCXg"


class ContactNoteFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ContactNote

    contact = factory.SubFactory(ContactFactory)
    body = "Prefers the phone."


class ContactMergeFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ContactMerge

    kept = factory.SubFactory(ContactFactory)
    gone = factory.SubFactory(ContactFactory)


class BotFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Bot

    name = factory.Sequence(lambda n: f"Bot {n}")


class CategoryFactory(factory.django.DjangoModelFactory):
    """A shelf of articles."""

    class Meta:
        model = Category

    locale = "pt-br"
    name = factory.Sequence(lambda n: f"Category {n}")
    slug = factory.Sequence(lambda n: f"category-{n}")


class ArticleFactory(factory.django.DjangoModelFactory):
    """An article with its words ready to be found; `published=False` leaves a draft."""

    class Meta:
        model = Article

    locale = "pt-br"
    title = factory.Sequence(lambda n: f"Article {n}")
    body = "Words of the article."
    published = True

    @classmethod
    def _create(cls, model_class, *args, published, category=None, **fields):
        article = articles.write(category=category, **fields)
        return articles.publish(article=article) if published else article


class ArticleVersionFactory(factory.django.DjangoModelFactory):
    """The first version of an article."""

    class Meta:
        model = ArticleVersion

    article = factory.SubFactory(ArticleFactory)

    @classmethod
    def _create(cls, model_class, *args, article):
        return article.versions.get(number=1)


class ArticleFeedbackFactory(factory.django.DjangoModelFactory):
    """What a reader thought of an article."""

    class Meta:
        model = ArticleFeedback

    article = factory.SubFactory(ArticleFactory)
    helpful = True
    reader = factory.Sequence(lambda n: f"reader-{n}")
    created_at = factory.LazyFunction(timezone.now)


class QuestionGroupFactory(factory.django.DjangoModelFactory):
    """Questions that ask the same."""

    class Meta:
        model = QuestionGroup

    locale = "pt-br"
    title = factory.Sequence(lambda n: f"Question {n}")
    count = 1
    first_asked_at = factory.LazyFunction(timezone.now)
    last_asked_at = factory.LazyFunction(timezone.now)


class UnansweredQuestionFactory(factory.django.DjangoModelFactory):
    """A question without an answer, in a group of its own."""

    class Meta:
        model = UnansweredQuestion

    group = factory.SubFactory(QuestionGroupFactory)
    source = "search"
    text = factory.SelfAttribute("group.title")
    key = factory.Sequence(lambda n: f"search:{n}")
    asked_at = factory.LazyFunction(timezone.now)


class BotSessionFactory(factory.django.DjangoModelFactory):
    """A bot's part in a conversation."""

    class Meta:
        model = BotSession

    conversation = factory.SubFactory(ConversationFactory)
    bot = factory.SubFactory(BotFactory)
    started_at = factory.LazyFunction(timezone.now)


class BotAnswerFactory(factory.django.DjangoModelFactory):
    """What a bot did about a visitor's message."""

    class Meta:
        model = BotAnswer

    session = factory.SubFactory(BotSessionFactory)
    message = factory.LazyAttribute(lambda made: MessageFactory(conversation=made.session.conversation))
    outcome = "missed"
    created_at = factory.LazyFunction(timezone.now)


class AttachmentFactory(factory.django.DjangoModelFactory):
    """A text file that is ready, of the agent given as `by_agent` or of nobody."""

    class Meta:
        model = Attachment

    name = "list.txt"
    mime = "text/plain"
    state = "ready"
    file = factory.LazyFunction(
        lambda: default_storage.save("uploads/documents/2026/11/list.txt", ContentFile(b"2 loaves, 1 cake\n"))
    )
    bytes = 17
    stored_bytes = 17


class HourlyStatFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = HourlyStat

    hour = factory.LazyFunction(lambda: timezone.now().replace(minute=0, second=0, microsecond=0))
    kind = StatKind.ALL
    counted_at = factory.LazyFunction(timezone.now)


class CallFactory(factory.django.DjangoModelFactory):
    """A call that rings at the team."""

    class Meta:
        model = Call

    conversation = factory.SubFactory(ConversationFactory)
    started_by = "visitor"
    rings_until = factory.LazyFunction(lambda: timezone.now() + timedelta(seconds=45))


class PixChargeFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PixCharge

    message = factory.SubFactory(MessageFactory)
    conversation = factory.SelfAttribute("message.conversation")
    txid = factory.Sequence(lambda n: f"TX{n:023d}")
    amount_cents = 5890
    brcode = "000201"
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(hours=1))


class ChannelAccountFactory(factory.django.DjangoModelFactory):
    """A Telegram inbox with a bot, connected."""

    class Meta:
        model = ChannelAccount

    inbox = factory.SubFactory(InboxFactory, channel="telegram")
    keys = factory.LazyFunction(lambda: {"token": "123456:test-token", "webhook_secret": "a-secret"})
    state = "connected"


class OutgoingPartFactory(factory.django.DjangoModelFactory):
    """The only part of a message."""

    class Meta:
        model = OutgoingPart

    message = factory.SubFactory(MessageFactory)
    inbox = factory.SelfAttribute("message.conversation.inbox")
    position = 0
    due_at = factory.LazyFunction(timezone.now)


class CampaignFactory(factory.django.DjangoModelFactory):
    """A campaign on the website that runs now and is for everybody."""

    class Meta:
        model = Campaign

    name = factory.Sequence(lambda n: f"Campaign {n}")
    kind = CampaignKind.ONGOING
    state = CampaignState.RUNNING
    inbox = factory.SubFactory(InboxFactory)
    body = "Can we help you choose?"
    after_s = 0
    open_hours_only = False


class CampaignRecipientFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = CampaignRecipient

    campaign = factory.SubFactory(CampaignFactory)
    contact = factory.SubFactory(ContactFactory)
    created_at = factory.LazyFunction(timezone.now)


class ChurnModelFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ChurnModel

    fitted = False
    weights = factory.LazyFunction(dict)
    made_at = factory.LazyFunction(timezone.now)


class ChurnScoreFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ChurnScore

    contact = factory.SubFactory(ContactFactory)
    probability = 0.5
    band = ChurnBand.MEDIUM
    recency_days = 30.0
    frequency = 2
    overdue = 1.0
    trend = 0.0
    unanswered = 0.0
    breaches = 0
    tenure_days = 90.0
    reasons = factory.LazyFunction(dict)
    computed_at = factory.LazyFunction(timezone.now)


class ContactImportFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ContactImport

    name = "customers.csv"
    state = "uploaded"
    encoding, delimiter = "utf-8", ","
    headings = factory.LazyFunction(lambda: ["Nome", "E-mail"])
    file = factory.LazyFunction(
        lambda: default_storage.save("imports/customers.csv", ContentFile(b"Nome,E-mail\nAna,ana@example.com\n"))
    )


class ImportLineFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ImportLine

    transfer = factory.SubFactory(ContactImportFactory)
    number = factory.Sequence(lambda n: n + 2)
    outcome = "refused"
    field = "email"
    reason = "email"
    cells = factory.LazyFunction(lambda: ["Ana", "ana at example"])


class DataExportFactory(factory.django.DjangoModelFactory):
    """A file that is there to be taken away."""

    class Meta:
        model = DataExport

    kind = "contacts"
    state = "done"
    file = factory.LazyFunction(lambda: default_storage.save("exports/contacts.csv", ContentFile(b"name\r\nAna\r\n")))
    bytes = 11
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(hours=24))


class AccountImportFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = AccountImport

    base_url = "https://chat.example"
    account = factory.Sequence(lambda n: str(n + 1))
    token = "a-token"
    name = "Old counter"


class ArticlePictureFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ArticlePicture

    attachment = factory.SubFactory("chat.tests.factories.AttachmentFactory")
    alt = "The counter from outside"
