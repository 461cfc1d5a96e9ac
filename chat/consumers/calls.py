"""Signalling of calls over the sockets of the counter.

What changes a call goes through `services.calls`; what two browsers tell each other (`offer`, `answer`, `ice`,
`media`) is passed on as it is, from a socket that was let into the call to the other end's pages, and kept nowhere.
"""

import json
from typing import Any

from django.utils import timezone

from chat.consumers.base import ChatConsumer, Handler
from chat.consumers.frames import flag_in, text_in, uuid_in
from chat.enums import CallSide
from chat.errors import CallNotFound
from chat.services import calls, ice
from ops.kernel import errors

SDP_LIMIT = 48_000
CANDIDATE_LIMIT = 2_000
PEER_LIMIT = 36
# Of a candidate only these are passed on (`RTCIceCandidateInit`).
CANDIDATE_FIELDS = ("candidate", "sdpMid", "sdpMLineIndex", "usernameFragment")
FRAMES = (
    "call.accept", "call.join", "call.decline", "call.end", "call.alive",
    "call.offer", "call.answer", "call.ice", "call.media",
)  # fmt: skip
OTHER = {CallSide.AGENT.value: CallSide.VISITOR.value, CallSide.VISITOR.value: CallSide.AGENT.value}


class CallsMixin(ChatConsumer):
    """The `call.*` frames. A subclass says who speaks by `party`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seat: calls.Seat | None = None

    def party(self) -> calls.Party:
        """Who speaks on this socket. Raises when they may not call."""
        raise NotImplementedError

    def handlers(self) -> dict[str, Handler]:
        return {
            **super().handlers(),
            "call.accept": self.on_call_accept,
            "call.join": self.on_call_join,
            "call.decline": self.on_call_decline,
            "call.end": self.on_call_end,
            "call.alive": self.on_call_alive,
            "call.offer": self.on_call_description,
            "call.answer": self.on_call_description,
            "call.ice": self.on_call_candidate,
            "call.media": self.on_call_media,
        }

    def groups_joined(self) -> list[str]:
        return [*super().groups_joined(), *([_group(self.seat, self.seat.side)] if self.seat else [])]

    async def on_call_accept(self, frame: dict[str, Any]) -> None:
        await self._take_seat(calls.accept, frame)

    async def on_call_join(self, frame: dict[str, Any]) -> None:
        await self._take_seat(calls.join, frame)

    async def _take_seat(self, verb: Any, frame: dict[str, Any]) -> None:
        key, peer = uuid_in(frame, "call"), _peer(frame, "peer")
        party = self.party()
        seat = await self.in_tenant(calls.seat, call_id=key, by=party)
        fresh = self.seat is None or self.seat.call_id != key
        if fresh:
            # First listen, then tell: the other end answers what it hears at once.
            await self.join(_group(seat, seat.side))
        try:
            told = await self.in_tenant(verb, call_id=key, by=party, peer=peer)
        except errors.DomainError:
            if fresh:
                await self.part(_group(seat, seat.side))
            raise
        if fresh and self.seat is not None:
            await self.part(_group(self.seat, self.seat.side))
        self.seat = seat
        servers = await self.in_tenant(ice.servers, who=peer, now=timezone.now())
        await self.send_frame({"type": "call.ok", "call": told, "ice_servers": servers})

    async def on_call_decline(self, frame: dict[str, Any]) -> None:
        await self.in_tenant(
            calls.decline, call_id=uuid_in(frame, "call"), by=self.party(), busy=flag_in(frame, "busy")
        )

    async def on_call_end(self, frame: dict[str, Any]) -> None:
        await self.in_tenant(calls.end, call_id=uuid_in(frame, "call"), by=self.party())

    async def on_call_alive(self, frame: dict[str, Any]) -> None:
        await self.in_tenant(calls.still_here, call_id=uuid_in(frame, "call"), by=self.party())

    async def on_call_description(self, frame: dict[str, Any]) -> None:
        """The agent's page offers, the visitor's answers: two offers can never meet."""
        seat = self._seat(frame)
        offers = frame["type"] == "call.offer"
        if offers != (seat.side == CallSide.AGENT):
            raise errors.Invalid(field="type")
        await self._pass_on(seat, frame, sdp=text_in(frame, "sdp", limit=SDP_LIMIT))

    async def on_call_candidate(self, frame: dict[str, Any]) -> None:
        seat = self._seat(frame)
        given = frame.get("candidate")
        if given is not None and (not isinstance(given, dict) or len(json.dumps(given)) > CANDIDATE_LIMIT):
            raise errors.Invalid(field="candidate")
        candidate = None if given is None else {name: given[name] for name in CANDIDATE_FIELDS if name in given}
        await self._pass_on(seat, frame, candidate=candidate)

    async def on_call_media(self, frame: dict[str, Any]) -> None:
        seat = self._seat(frame)
        await self._pass_on(seat, frame, **{name: flag_in(frame, name) for name in ("audio", "video", "screen")})

    def _seat(self, frame: dict[str, Any]) -> calls.Seat:
        """The call this socket was let into. Raises `CallNotFound` for any other."""
        if self.seat is None or self.seat.call_id != uuid_in(frame, "call"):
            raise CallNotFound(field="call")
        return self.seat

    async def _pass_on(self, seat: calls.Seat, frame: dict[str, Any], **what: Any) -> None:
        told = {
            "type": frame["type"],
            "call": str(seat.call_id),
            "conversation": str(seat.conversation_id),
            "from": _peer(frame, "peer"),
            "to": _peer(frame, "to"),
            **what,
        }
        await self.tell(_group(seat, OTHER[seat.side]), told)


def _group(seat: calls.Seat, side: str) -> str:
    return f"call.{seat.call_id}.{side}"


def _peer(frame: dict[str, Any], field: str) -> str:
    value = text_in(frame, field, limit=PEER_LIMIT) or ""
    if len(value) < 8 or not value.isascii() or not value.replace("-", "").isalnum():
        raise errors.Invalid(field=field)
    return value
