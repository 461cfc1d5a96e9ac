"""The demo installation: a platform, a reseller, three tenants, their people and believable content.

Built by calling the same services as everybody else, so it also shows that they fit together.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django_tenants.utils import schema_context, tenant_context

from billing.enums import Level, Subject
from billing.services import onboarding, overrides, usage
from chat.services import demo as chat_demo
from config import demo_trade
from tenants.accounts.models import User
from tenants.accounts.services import email_domains, identity_providers, invitations, roles, tokens, users
from tenants.enums import ResellerRole
from tenants.models import Reseller, Tenant
from tenants.services import branding, claims, resellers, team_rules

log = logging.getLogger(__name__)

# Who was asked to come and has not answered: days ago, name, address, role. The last one waited too long.
GUESTS = [
    (1, "Marina Lopes", "marina", "editor"),
    (3, "", "financeiro", "billing"),
    (11, "Otávio Reis", "otavio", "viewer"),
]
PASSWORD = "balcao-demo"  # noqa: S105 - public by design; DEMO is refused when DEBUG is off
PLATFORM_ACCOUNT = "admin@balcao.example"
RESELLER_ACCOUNT = "revenda@redesul.example"
RESELLER_TEAM = (
    ("suporte@redesul.example", "Tiago Nunes", ResellerRole.SUPPORT),
    ("financeiro@redesul.example", "Marina Lopes", ResellerRole.FINANCE),
)
VISITED = "padaria"  # the customer support has been to


@dataclass(frozen=True, slots=True)
class Business:
    """One demo tenant."""

    slug: str
    name: str
    plan: str
    mail_domain: str
    language: str
    currency: str
    primary: str
    secondary: str
    people: dict[str, str]
    resold: bool = True


BUSINESSES = [
    Business(
        slug="padaria",
        name="Padaria Aurora",
        plan="professional",
        mail_domain="padaria.example",
        language="pt-br",
        currency="BRL",
        primary="#b4531a",
        secondary="#f2c14e",
        people={
            "owner": "Aurora Menezes",
            "admin": "Caio Brandão",
            "agent": "Bia Fontes",
            "agent2": "Davi Rocha",
            "editor": "Elisa Prado",
            "viewer": "Vicente Lima",
        },
    ),
    Business(
        slug="livraria",
        name="Livraria Mirante",
        plan="starter",
        mail_domain="livraria.example",
        language="pt-br",
        currency="BRL",
        primary="#2f5d50",
        secondary="#d9a05b",
        people={
            "owner": "Marina Teles",
            "admin": "Otávio Reis",
            "agent": "Lia Campos",
            "agent2": "Nuno Azevedo",
            "editor": "Sílvia Dantas",
            "viewer": "Heitor Pires",
        },
    ),
    Business(
        slug="studio",
        name="Lantern Courses",
        plan="business",
        mail_domain="lantern.example",
        language="en",
        currency="BRL",
        primary="#4338ca",
        secondary="#f59e0b",
        people={
            "owner": "Grace Lantern",
            "admin": "Owen Hart",
            "agent": "Maya Singh",
            "agent2": "Theo Clarke",
            "editor": "Ivy Moore",
            "viewer": "Noah Reed",
        },
        resold=False,
    ),
]
ROLES = {"admin": "admin", "agent": "agent", "agent2": "agent", "editor": "editor", "viewer": "viewer"}


DEMO_ACCESS = {
    False: {
        "role": "Pós-venda",
        "about": "Cuida dos contatos e lê os números, sem responder conversas.",
        "stock": "Sistema de estoque",
        "report": "Painel da loja",
        "script": "Planilha de contatos",
    },
    True: {
        "role": "After sales",
        "about": "Looks after contacts and reads the numbers, without answering.",
        "stock": "Stock system",
        "report": "Wallboard",
        "script": "Contact sheet",
    },
}


def is_empty() -> bool:
    """Whether nobody has used this installation yet."""
    with schema_context(settings.PUBLIC_SCHEMA_NAME):
        return not Tenant.objects.customers().exists() and not Reseller.objects.exists()


def accounts() -> list[tuple[str, str]]:
    """Addresses and accounts to print at the start."""
    port = settings.SITE_PORT_SUFFIX
    lines = [
        (f"http://localhost{port}/admin/", PLATFORM_ACCOUNT),
        (f"http://redesul.localhost{port}/admin/", RESELLER_ACCOUNT),
    ]
    return lines + [(f"http://{one.slug}.localhost{port}/", f"owner@{one.mail_domain}") for one in BUSINESSES]


def build(*, now: datetime, say: Callable[[str], object]) -> None:
    """Make whatever of the demo is missing; a second run changes nothing that is there."""
    with schema_context(settings.PUBLIC_SCHEMA_NAME):
        if not User.objects.filter(email=PLATFORM_ACCOUNT).exists():
            User.objects.create_superuser(PLATFORM_ACCOUNT, PASSWORD, name="Alice Prado", language="pt-br")
        platform = User.objects.get(email=PLATFORM_ACCOUNT)
        reseller = Reseller.objects.filter(slug="redesul").first() or _open_reseller(now)
        seller = User.objects.get(email=RESELLER_ACCOUNT)
    demo_trade.set_prices(reseller=reseller, platform=platform, seller=seller, now=now)
    demo_trade.tell_customers(reseller=reseller, seller=seller, now=now)
    for business in BUSINESSES:
        with schema_context(settings.PUBLIC_SCHEMA_NAME):
            if Tenant.objects.customers().filter(slug=business.slug).exists():
                continue
        say(f"{business.name}: preparing")
        _open_tenant(business, reseller if business.resold else None, now)
        if business.slug == VISITED:
            with schema_context(settings.PUBLIC_SCHEMA_NAME):
                tenant = Tenant.objects.customers().get(slug=business.slug)
            with tenant_context(tenant):
                owner = User.objects.get(email=f"owner@{business.mail_domain}")
            demo_trade.visit(tenant=tenant, person=seller, owner=owner, now=now)


def _open_reseller(now: datetime) -> Reseller:
    reseller = resellers.create(
        name="Rede Sul",
        slug="redesul",
        support_email="suporte@redesul.example",
        owner_email=RESELLER_ACCOUNT,
        owner_name="Renata Vidal",
        owner_password=PASSWORD,
        now=now,
    )
    branding.save(owner=reseller, display_name="Rede Sul", primary_color="#0b6e8a", secondary_color="#f2a541", now=now)
    owner = User.objects.get(email=RESELLER_ACCOUNT)
    for email, name, role in RESELLER_TEAM:
        resellers.add_member(reseller=reseller, email=email, name=name, role=role, password=PASSWORD, by=owner, now=now)
    team_rules.change(reseller=reseller, roles=[ResellerRole.SUPPORT], grace_days=14, trust_days=30, by=owner, now=now)
    return reseller


def _open_tenant(business: Business, reseller: Reseller | None, now: datetime) -> None:
    tenant = onboarding.sign_up(
        name=business.name,
        slug=business.slug,
        plan=business.plan,
        owner_email=f"owner@{business.mail_domain}",
        owner_name=business.people["owner"],
        owner_password=PASSWORD,
        reseller=reseller,
        language=business.language,
        currency=business.currency,
        now=now - timedelta(days=45),
        wait=True,
    )
    branding.save(
        owner=tenant,
        display_name=business.name,
        primary_color=business.primary,
        secondary_color=business.secondary,
        now=now,
    )
    with tenant_context(tenant):
        people = {"owner": User.objects.get(email=f"owner@{business.mail_domain}")}
        for account, role in ROLES.items():
            people[account] = users.create(
                email=f"{account}@{business.mail_domain}",
                role=role,
                name=business.people[account],
                password=PASSWORD,
                by=people["owner"],
                now=now,
            )
        _open_access(business, people, now)
        for days, name, address, role in GUESTS:
            invitations.invite(
                email=f"{address}@{business.mail_domain}",
                name=name,
                role=role,
                by=people["admin"],
                now=now - timedelta(days=days),
            )
        _set_up_company_login(business, people["owner"], now)
        # Otherwise the reseller's list shows yesterday's empty tenant until the first hourly reading.
        usage.read_gauges(tenant=tenant, now=now)
        chat_demo.fill(language=business.language, now=now, people=people)
    _decide_beyond_the_plan(business, tenant, people["owner"], now)


def _decide_beyond_the_plan(business: Business, tenant: Tenant, owner: User, now: datetime) -> None:
    """A domain that waits for its records; and for a reseller's customer a limit and a feature for some weeks."""
    claims.claim(tenant=tenant, host=f"chat.{business.mail_domain}", by=owner, now=now)
    if not business.resold:
        return
    overrides.put(
        level=Level.RESELLER,
        subject=Subject.LIMIT,
        key="chat.inboxes",
        value=8,
        tenant=tenant,
        reason="Combinado na visita: uma caixa por loja.",
        by="Renata Vidal",
        now=now - timedelta(days=12),
    )
    overrides.put(
        level=Level.PLATFORM,
        subject=Subject.FEATURE,
        key="videoCall",
        value=True,
        tenant=tenant,
        reason="Chamadas de vídeo para experimentar.",
        until=now + timedelta(days=21),
        by="Alice Prado",
        now=now - timedelta(days=9),
    )


def _set_up_company_login(business: Business, owner: User, now: datetime) -> None:
    """A login service that is being set up (off: there is nobody at its address), and a domain that waits for its record."""
    proved = email_domains.vouch(name=business.mail_domain, by="demo", now=now)
    email_domains.add(name=f"mail.{business.mail_domain}", by=owner, now=now)
    identity_providers.create(
        kind="oidc",
        name="Microsoft",
        issuer=f"https://login.{business.mail_domain}/v2.0",
        client_id=f"{business.slug}-desk",
        client_secret=PASSWORD,
        domains=[proved.name],
        creates_people=True,
        default_role="viewer",
        group_roles=[{"group": "Desk", "role": "agent"}, {"group": "Editors", "role": "editor"}],
        by=owner,
        now=now,
    )


def _open_access(business: Business, people: dict[str, User], now: datetime) -> None:
    """A role of the company's own, and tokens as companies have them; nobody knows their texts."""
    owner = people["owner"]
    words = DEMO_ACCESS[business.language == "en"]
    roles.create(
        name=words["role"],
        description=words["about"],
        codenames=["chat.view_conversation", "chat.view_contact", "chat.change_contact", "chat.view_report"],
        by=owner,
        now=now - timedelta(days=20),
    )
    common: dict[str, Any] = {"days": 90, "now": now - timedelta(days=20)}
    tokens.create_service(by=owner, name=words["stock"], role="agent", scope_names=["contacts:write"], **common)
    tokens.create_personal(
        user=people["admin"], name=words["report"], scope_names=["reports:read", "conversations:read"], **common
    )
    tokens.create_personal(user=owner, name=words["script"], scope_names=["contacts:read"], days=24, now=common["now"])
