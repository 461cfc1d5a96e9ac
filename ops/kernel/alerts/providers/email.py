"""Alerts by e-mail, over the installation's mail server."""

import smtplib

from django.core.mail import EmailMessage
from django.utils.translation import gettext as _

from ops.kernel.alerts.providers.base import Notice, Receipt
from ops.kernel.errors import TemporaryFailure


class EmailChannel:
    """Plain text: it is read on a phone at night."""

    def send(self, notice: Notice, *, recipient: str, reference: str) -> Receipt:
        """Send one message; a refused address is a receipt, a server that does not answer is temporary."""
        subject = _("[%(severity)s] %(title)s") % {"severity": notice.severity.label, "title": notice.title}
        lines = [notice.body] if notice.body else []
        if notice.count > 1:
            lines.append(
                _("Seen %(count)s times since %(first)s.")
                % {"count": notice.count, "first": f"{notice.first_seen_at:%Y-%m-%d %H:%M} UTC"}
            )
        message_id = f"<{reference}@alerts>"
        message = EmailMessage(
            subject=" ".join(subject.splitlines()),
            body="\n\n".join(lines) or notice.title,
            to=[recipient],
            headers={"Message-ID": message_id},
        )
        try:
            message.send()
        except smtplib.SMTPRecipientsRefused as error:
            return Receipt(ok=False, answer=str(error))
        except (smtplib.SMTPException, OSError) as error:
            raise TemporaryFailure(words=str(error)) from error
        return Receipt(ok=True, provider_id=message_id)
