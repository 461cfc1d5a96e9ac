"""What becomes of the tables of people and of the kernel when a tenant is copied. Other apps register their own."""

from tenants.enums import CopyMode
from tenants.services.account_parts import CopyRule, Part, copy_rules, tables

# A passkey works at its own address only. Who has nothing else beside the password comes in by a new password, sent by
# letter: a copy must never open to less than the original asks for.
HASH = """CASE WHEN EXISTS (SELECT FROM {source}.mfa_authenticator m WHERE m.user_id = r.id AND m.type = 'webauthn')
 AND NOT EXISTS (SELECT FROM {source}.mfa_authenticator m WHERE m.user_id = r.id AND m.type = 'totp')
 THEN '!' || md5(random()::text) ELSE r.password END"""


def register() -> None:
    """Speak for the tables of this app and of the kernel."""
    given = CopyRule(Part.GIVEN, exported=False)
    tables(given, "django_migrations", "django_content_type", "auth_permission")
    tables(
        CopyRule(Part.SETTINGS),
        "accounts_role",
        "accounts_role_permissions",
        "auth_group",
        "auth_group_permissions",
        "alerts_alertrule",
    )
    tables(CopyRule(Part.PEOPLE), "accounts_user_groups", "accounts_user_user_permissions", "account_emailaddress")
    copy_rules.register(
        "accounts_user",
        CopyRule(Part.PEOPLE, {"password": HASH}, where="r.support_person_id IS NULL", hidden=frozenset({"password"})),
    )
    copy_rules.register("mfa_authenticator", CopyRule(Part.PEOPLE, where="r.type = 'totp'", exported=False))
    # Keys of outside services are spent by one tenant only; its copy enters its own.
    copy_rules.register(
        "configuration_settingversion",
        CopyRule(Part.SETTINGS, where="r.active AND r.secrets = '{{}}'::jsonb", hidden=frozenset({"secrets"})),
    )
    # Logins, tokens and proofs belong to one address; what is under way arrives once.
    secret = CopyRule(Part.NEVER, exported=False)
    tables(
        secret,
        "account_emailconfirmation",
        "accounts_apisession",
        "accounts_apitoken",
        "accounts_brake",
        "accounts_signin",
        "accounts_spentassertion",
        "django_session",
        "idempotency_idempotencyrecord",
        "socialaccount_socialaccount",
        "socialaccount_socialapp",
        "socialaccount_socialtoken",
    )
    tables(
        CopyRule(Part.NEVER),
        "accounts_emaildomain",
        "accounts_externalidentity",
        "accounts_identityprovider",
        "accounts_identityprovider_domains",
        "accounts_invitation",
        "alerts_alert",
        "alerts_alertdelivery",
        "alerts_alertevent",
        "alerts_alertreading",
        "audit_auditentry",
        "audit_auditwords",
        "webhooks_webhookdelivery",
        "webhooks_webhookendpoint",
    )
    copy_rules.register("accounts_login", CopyRule(Part.NEVER, hidden=frozenset({"session_key"})))


WITHOUT_TEAM = (CopyMode.WITHOUT_PEOPLE, CopyMode.SETTINGS)
