"""The widget's own API. Its callers are visitors: the website token names the inbox, a visitor token the person."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import authentication, exceptions, status
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.api import numbers
from chat.api.cross_origin import CrossOriginMixin
from chat.api.flow_serializers import (
    CsatAnsweredSerializer,
    CsatAnswerSerializer,
    LeaveSerializer,
    LeftSerializer,
)
from chat.api.serializers import EventsSerializer, MessageSerializer, ReadSerializer
from chat.api.streaming import WAIT_S
from chat.api.widget_serializers import (
    KnownContactSerializer,
    SessionCreateSerializer,
    SessionSerializer,
    VisitorContactSerializer,
    VisitorConversationCreateSerializer,
    VisitorConversationSerializer,
    VisitorMessageCreateSerializer,
    VisitorPageSerializer,
    WidgetConfigSerializer,
)
from chat.errors import ConversationNotFound, TooManyMessages, VisitorTokenRefused
from chat.models import Contact, Conversation, Inbox, LeftMessage
from chat.queries import opening, thread, wire
from chat.services import contacts, conversations, csat, invitations, left, messages, pre_chat, presence, quota, widget
from chat.services.conversations import Visitor
from ops.kernel import context, ratelimit
from ops.kernel.api import IdempotentMixin, RateThrottle

SOCKET = "/ws/widget/"
ORIGINS = OpenApiParameter(
    "X-Widget-Token", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True, description="The inbox's website token."
)
CONVERSATION = OpenApiParameter("conversation_id", OpenApiTypes.UUID, OpenApiParameter.PATH)
MOST_SHOWN = 50


class VisitorPrincipal:
    """The visitor as the request's user: known, and nobody of the team."""

    is_authenticated = True
    is_active = True

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.pk = visitor.contact_inbox_id

    def has_perm(self, permission: str, obj: Any = None) -> bool:
        """Visitors hold no permission of the team."""
        return False


class VisitorAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer <jwt of POST session/>`."""

    def authenticate(self, request: Request) -> tuple[VisitorPrincipal, str] | None:
        """The visitor, or nothing without a token. Raises `AuthenticationFailed` for a bad one."""
        parts = authentication.get_authorization_header(request).split()
        if len(parts) != 2 or parts[0].lower() != b"bearer":
            return None
        try:
            token = parts[1].decode("ascii")
            return VisitorPrincipal(widget.visitor_behind(token)), token
        except (UnicodeError, VisitorTokenRefused) as error:
            raise exceptions.AuthenticationFailed(str(VisitorTokenRefused.message)) from error

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return 'Bearer realm="widget"'


class VisitorScheme(OpenApiAuthenticationExtension):
    """How the schema document describes the visitor's token."""

    target_class = "chat.api.widget.VisitorAuthentication"
    name = "visitor"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """HTTP bearer."""
        return {"type": "http", "scheme": "bearer", "description": "The `jwt` of `POST /api/widget/v1/session/`."}


class IsVisitor(BasePermission):
    """Only a visitor with a session."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the visitor is known."""
        return isinstance(request.user, VisitorPrincipal)


class StrangerThrottle(RateThrottle):
    """By network address, for what needs no session yet."""

    def rule(self, request: Request, view: Any) -> tuple[str, int, int]:
        """Sixty a minute: a company's whole office may share one address."""
        return f"widget:ip:{request.META.get('REMOTE_ADDR', '')}", 60, 60


class VisitorThrottle(RateThrottle):
    """By visitor; messages have their own, tighter limit in the service."""

    def rule(self, request: Request, view: Any) -> tuple[str, int, int]:
        """Two a second."""
        return f"widget:visitor:{request.user.pk}", 120, 60


class StrangerView(CrossOriginMixin, APIView):
    """Asked before there is a session."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (StrangerThrottle,)

    def inbox(self, request: Request) -> Inbox:
        """The inbox of the website token, for pages that may use it."""
        origin = request.headers.get("Origin", "")
        own = origin.partition("://")[2] == request.get_host()
        return widget.inbox_for(website_token=request.headers.get("X-Widget-Token", ""), origin="" if own else origin)


class VisitorView(CrossOriginMixin, IdempotentMixin, APIView):
    """Asked by a visitor with a session."""

    authentication_classes = (VisitorAuthentication,)
    permission_classes = (IsVisitor,)
    throttle_classes = (VisitorThrottle,)

    @property
    def visitor(self) -> Visitor:
        """Who asks."""
        principal: Any = self.request.user
        return principal.visitor

    def own(self, conversation_id: UUID) -> UUID:
        """The conversation, when it is the visitor's. Raises `ConversationNotFound`."""
        if not Conversation.objects.of_visitor(self.visitor.contact_inbox_id).filter(pk=conversation_id).exists():
            raise ConversationNotFound
        return conversation_id

    def told(self, conversation_id: UUID) -> dict[str, Any]:
        """A conversation as its visitor sees it."""
        return wire.visitor_conversation(thread.for_visitor(self.visitor.contact_inbox_id).get(pk=conversation_id))


class ConfigView(StrangerView):
    """What the widget shows at first."""

    @extend_schema(operation_id="widget_config", parameters=[ORIGINS], responses={200: WidgetConfigSerializer}, auth=[])
    def get(self, request: Request) -> Response:
        """Texts and features of the inbox, and whether somebody is there."""
        inbox = self.inbox(request)
        now = timezone.now()
        calendar = opening.of(inbox)
        is_open = calendar.is_open(now)
        return Response(
            {
                "mode": "chat" if quota.has_room(now=now) else "form",
                "open": is_open,
                "opens_at": None if is_open else wire.instant(calendar.next_opening(now)),
                "name": inbox.name,
                "greeting": inbox.greeting,
                "offline_text": inbox.offline_text,
                "reply_time": inbox.reply_time,
                "locale": inbox.locale,
                "features": inbox.features,
                "pre_chat_fields": inbox.pre_chat_fields,
                "consent": wire.consent(inbox),
                "online": presence.anybody_there(),
                "socket": SOCKET,
            }
        )


class SessionView(StrangerView):
    """Come to the counter."""

    @extend_schema(
        operation_id="widget_session",
        parameters=[ORIGINS],
        request=SessionCreateSerializer,
        responses={200: SessionSerializer},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Open or renew the session of the browser that keeps this `visitor_id`; the same secret is the same visitor."""
        inbox = self.inbox(request)
        sent = SessionCreateSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        asked = sent.validated_data
        visitor, token = widget.open_session(
            inbox=inbox,
            visitor_id=asked["visitor_id"],
            identifier=asked["identifier"],
            identifier_hash=asked["identifier_hash"],
            now=timezone.now(),
        )
        said = {name: asked.get(name) for name in ("name", "email", "phone")}
        if any(said.values()):
            contact = contacts.introduce(contact_id=visitor.contact_id, **said)
        else:
            contact = Contact.objects.get(pk=visitor.contact_id)
        shown = thread.for_visitor(visitor.contact_inbox_id)[:MOST_SHOWN]
        return Response(
            {
                "jwt": token,
                "ws_url": SOCKET,
                "contact": _known(contact),
                "online": presence.anybody_there(),
                "conversations": [wire.visitor_conversation(row) for row in shown],
            },
            headers={"Cache-Control": "no-store"},
        )


class ContactView(VisitorView):
    """What the visitor says about themselves."""

    @extend_schema(
        operation_id="widget_contact", request=VisitorContactSerializer, responses={200: KnownContactSerializer}
    )
    def patch(self, request: Request) -> Response:
        """Leave a name, an e-mail, a phone, attributes, or consent; empty values of the first three change nothing."""
        sent = VisitorContactSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        said = dict(sent.validated_data)
        version = said.pop("consent_version", "")
        if version:
            inbox = Inbox.objects.get(pk=self.visitor.inbox_id)
            pre_chat.agree(contact_id=self.visitor.contact_id, inbox=inbox, version=version, now=timezone.now())
        return Response(_known(contacts.introduce(contact_id=self.visitor.contact_id, **said)))


class ConversationsView(VisitorView):
    """The visitor's threads."""

    @extend_schema(operation_id="widget_conversations_list", responses={200: VisitorConversationSerializer(many=True)})
    def get(self, request: Request) -> Response:
        """The newest fifty, newest first."""
        rows = thread.for_visitor(self.visitor.contact_inbox_id)[:MOST_SHOWN]
        return Response([wire.visitor_conversation(row) for row in rows])

    @extend_schema(
        operation_id="widget_conversations_create",
        request=VisitorConversationCreateSerializer,
        responses={201: VisitorConversationSerializer, 202: LeftSerializer},
    )
    def post(self, request: Request) -> Response:
        """Begin a thread with its first message. The same client ids again answer the same thread.

        202 far beyond the plan: the message is kept, and `POST left/` with the same `client_id` adds an e-mail to it.
        `pre_chat` carries the answers to what the inbox asks first, and the version of the consent text.
        """
        sent = VisitorConversationCreateSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        asked = sent.validated_data
        now = timezone.now()
        rate = ratelimit.hit(f"chat.start.{self.visitor.contact_inbox_id}", limit=10, window_s=60)
        if not rate.allowed:
            raise TooManyMessages(retry_after=rate.wait_s)
        if left.takes_its_place(visitor=self.visitor, client_id=asked["client_id"], now=now):
            return _left(
                left.keep(
                    visitor=self.visitor,
                    client_id=asked["first_message"]["client_id"],
                    body=asked["first_message"].get("body", ""),
                    page_url=asked["page_url"],
                    now=now,
                ),
                code=status.HTTP_202_ACCEPTED,
            )
        # A thread whose first message is refused is not begun.
        with transaction.atomic():
            pre_chat.answer(
                visitor=self.visitor,
                inbox=Inbox.objects.get(pk=self.visitor.inbox_id),
                now=now,
                **asked.get("pre_chat", {"answers": {}}),
            )
            conversation = conversations.start(
                visitor=self.visitor,
                client_id=asked["client_id"],
                first=asked["first_message"]["client_id"],
                origin=conversations.Origin(
                    page_url=asked["page_url"],
                    referrer=asked["referrer"],
                    user_agent=request.headers.get("User-Agent", ""),
                    ip_masked=context.mask_ip(request.META.get("REMOTE_ADDR", "")),
                ),
                now=now,
            )
            if "campaign" in asked:
                invitations.begin(
                    campaign_id=asked["campaign"]["id"],
                    key=asked["campaign"]["key"],
                    visitor=self.visitor,
                    conversation=conversation,
                    now=now,
                )
            stored = messages.send_from_visitor(
                conversation_id=conversation.pk, visitor=self.visitor, now=now, **asked["first_message"]
            )
        return Response(self.told(stored.conversation_id), status=status.HTTP_201_CREATED)


class EventsView(VisitorView):
    """Catching up."""

    @extend_schema(
        operation_id="widget_conversations_events",
        parameters=[
            CONVERSATION,
            OpenApiParameter("after", OpenApiTypes.INT64, description="The last place known; 0 for everything."),
            OpenApiParameter(
                "wait", OpenApiTypes.INT64, description="Seconds, up to 25, to wait for news before an empty answer."
            ),
        ],
        responses={200: EventsSerializer},
    )
    def get(self, request: Request, conversation_id: UUID) -> Response:
        """What happened after a place, in the visitor's numbers."""
        after = numbers.query(request, "after") or 0
        # Waiting itself is done around this view; here only its number is judged.
        numbers.query(request, "wait", high=WAIT_S)
        found = thread.events_after(self.own(conversation_id), after=after, visitor=True, limit=thread.EVENTS_PAGE + 1)
        return Response({"events": found[: thread.EVENTS_PAGE], "has_more": len(found) > thread.EVENTS_PAGE})


class MessagesView(VisitorView):
    """Writing."""

    @extend_schema(
        operation_id="widget_conversations_messages_create",
        parameters=[CONVERSATION],
        request=VisitorMessageCreateSerializer,
        responses={201: MessageSerializer, 200: MessageSerializer},
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Send a message. 200 with the stored one when this `client_id` was sent before.

        A message to a thread that was resolved too long ago begins a new one: `conversation` says which.
        """
        sent = VisitorMessageCreateSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        stored = messages.send_from_visitor(
            conversation_id=conversation_id, visitor=self.visitor, now=timezone.now(), **sent.validated_data
        )
        return Response(stored.wire, status=status.HTTP_201_CREATED if stored.created else status.HTTP_200_OK)


class ReadView(VisitorView):
    """Reading."""

    @extend_schema(
        operation_id="widget_conversations_read",
        parameters=[CONVERSATION],
        request=ReadSerializer,
        responses={204: None},
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Everything up to `seq` was seen."""
        sent = ReadSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        conversations.mark_read_by_visitor(
            conversation_id=conversation_id,
            visitor=self.visitor,
            pub_seq=sent.validated_data["seq"],
            now=timezone.now(),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class EndView(VisitorView):
    """Leaving."""

    @extend_schema(
        operation_id="widget_conversations_end",
        parameters=[CONVERSATION],
        request=None,
        responses={200: VisitorConversationSerializer},
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """End a conversation: the visitor needs no answer any more. Writing again opens it again."""
        conversations.end_by_visitor(
            conversation_id=self.own(conversation_id), visitor=self.visitor, now=timezone.now()
        )
        return Response(self.told(conversation_id))


class PageView(VisitorView):
    """Walking through the shop."""

    @extend_schema(operation_id="widget_page", request=VisitorPageSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Say which page the visitor is on."""
        sent = VisitorPageSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        contacts.see(contact_id=self.visitor.contact_id, now=timezone.now(), page=sent.validated_data)
        presence.visitor_on_page(contact_id=self.visitor.contact_id, page=sent.validated_data)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _known(contact: Contact) -> dict[str, Any]:
    return {"id": str(contact.pk), "name": contact.name, "email": contact.email, "phone": contact.phone_e164}


class LeaveView(VisitorView):
    """The form in the chat's place."""

    @extend_schema(operation_id="widget_left", request=LeaveSerializer, responses={201: LeftSerializer})
    def post(self, request: Request) -> Response:
        """Leave a message with an e-mail; the same `client_id` again adds what was missing."""
        sent = LeaveSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        return _left(
            left.keep(visitor=self.visitor, now=timezone.now(), **sent.validated_data), code=status.HTTP_201_CREATED
        )


def _left(row: LeftMessage, *, code: int) -> Response:
    return Response({"id": str(row.pk), "client_id": str(row.client_id)}, status=code)


class CsatView(VisitorView):
    """Answering the survey."""

    @extend_schema(
        operation_id="widget_conversations_csat",
        parameters=[CONVERSATION],
        request=CsatAnswerSerializer,
        responses={200: CsatAnsweredSerializer},
    )
    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Say how it was; the answer may be changed, and the comment may come later. 404 while nobody asked."""
        sent = CsatAnswerSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        asked = csat.of_visitor(conversation_id=conversation_id, contact_inbox_id=self.visitor.contact_inbox_id)
        kept = csat.answer(asked=asked, now=timezone.now(), **sent.validated_data)
        return Response({"rating": kept.rating, "comment": kept.comment})
