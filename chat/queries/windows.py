"""Until when a channel takes free words: WhatsApp does for 24 hours after the person last wrote."""

from datetime import datetime, timedelta

from chat.enums import Channel

SERVICE_WINDOW = timedelta(hours=24)


def ends_at(*, channel: str, last_contact_message_at: datetime | None) -> datetime | None:
    """The end of the window; nothing for channels that know none, and for people who never wrote (it is closed)."""
    if channel != Channel.WHATSAPP or last_contact_message_at is None:
        return None
    return last_contact_message_at + SERVICE_WINDOW


def is_open(*, channel: str, last_contact_message_at: datetime | None, now: datetime) -> bool:
    """Whether free words may be sent at `now`."""
    end = ends_at(channel=channel, last_contact_message_at=last_contact_message_at)
    return channel != Channel.WHATSAPP or (end is not None and now < end)
