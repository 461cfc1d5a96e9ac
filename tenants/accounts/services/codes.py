"""Codes that people type: of an authenticator app (TOTP, RFC 6238) and for recovery. Each is good once."""

from datetime import datetime

from allauth.core.internal.cryptokit import compare_user_code, normalize_user_code
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from django.db import transaction

from ops.kernel.audit import services as audit
from tenants.accounts.enums import Factor
from tenants.accounts.errors import WrongCode
from tenants.accounts.models import User
from tenants.accounts.services import emails

STEP_S = 30
# Telephones' clocks go wrong by a few seconds, and people type slowly: one step before and after counts too.
DRIFT_STEPS = 1


@transaction.atomic
def check(*, user: User, code: str, now: datetime) -> Factor:
    """The kind of factor a typed code is: of the app, or a recovery code. Each is good once. Raises `WrongCode`."""
    rows = {
        row.type: row
        for row in Authenticator.objects.select_for_update(of=("self",))
        .filter(user=user, type__in=(Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES))
        .order_by("pk")
    }
    code = normalize_user_code(code)
    app = rows.get(Authenticator.Type.TOTP)
    if app is not None:
        step = step_of(decrypt(app.data["secret"]), code, now=now, after=app.data.get("step", 0))
        if step is not None:
            app.data["step"] = step
            app.last_used_at = now
            app.save(update_fields=["data", "last_used_at"])
            return Factor.TOTP
    codes = rows.get(Authenticator.Type.RECOVERY_CODES)
    if codes is not None and code and RecoveryCodes(codes).validate_code(code):
        Authenticator.objects.filter(pk=codes.pk).update(last_used_at=now)
        audit.record("accounts.recovery_code_used", by=user, on=user, now=now)
        emails.send("recovery_code_used", user=user)
        return Factor.RECOVERY_CODE
    raise WrongCode(field="code")


def step_of(secret: str, code: str, *, now: datetime, after: int) -> int | None:
    """The step whose code this is. Steps up to `after` were used, and nobody shows a code twice (RFC 6238, 5.2)."""
    current = int(now.timestamp()) // STEP_S
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        if step > after and compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step))):
            return step
    return None
