"""From which address a site's letters leave, and what its domain's DNS has to say for that."""

from dataclasses import dataclass
from email.utils import parseaddr

from django.conf import settings
from django.db.models import Q
from django_tenants.utils import schema_context

from ops.kernel import dns
from ops.kernel.fields import Unreadable
from tenants.enums import PUBLIC_SCHEMA, SenderState
from tenants.models import MailSender, Reseller, Tenant

# RFC 7208, 4.6.4: whoever checks a record asks the DNS ten more times and then gives up.
SPF_LOOKUPS = 10


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the DNS to be made by the owner of a domain."""

    host: str
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """An address that may be used, and what letters from it are signed with."""

    address: str
    selector: str
    private_key: str

    @property
    def domain(self) -> str:
        """What stands behind the @."""
        return self.address.rpartition("@")[2]


def chosen(tenant: Tenant | None, reseller: Reseller | None) -> Chosen | None:
    """The tenant's own sender, else its reseller's; nothing when neither is proved. A lost key is no sender either."""
    if tenant is not None and not tenant.is_public:
        reseller = tenant.reseller
    else:
        tenant = None
    if tenant is None and reseller is None:
        return None
    with schema_context(PUBLIC_SCHEMA):
        try:
            rows = list(
                MailSender.objects.filter(
                    Q(tenant=tenant, tenant__isnull=False) | Q(reseller=reseller, reseller__isnull=False),
                    state=SenderState.VERIFIED,
                )
            )
        except Unreadable:
            return None
    row = min(rows, key=lambda one: one.tenant_id is None, default=None)
    return Chosen(row.address, row.selector, row.private_key) if row else None


def dkim_record(sender: MailSender) -> Record:
    """Our public key below the domain (RFC 6376, 3.6.1)."""
    return Record(f"{sender.selector}._domainkey.{sender.domain}", "TXT", f"v=DKIM1; k=rsa; p={sender.public_key}")


def spf_record(sender: MailSender) -> Record:
    """The permission for our mail servers (RFC 7208): the domain's one record grows by one word."""
    return Record(sender.domain, "TXT", f"v=spf1 include:{settings.MAIL_SPF_DOMAIN} ~all")


def leaves_from(tenant: Tenant) -> str:
    """The address a tenant's letters come from as things stand."""
    found = chosen(tenant, None)
    return found.address if found else parseaddr(settings.DEFAULT_FROM_EMAIL)[1]


def has_key(sender: MailSender) -> bool:
    """Whether the domain shows our key. Raises `NameServerSilent`."""
    for text in dns.texts(dkim_record(sender).host):
        tags = dict(part.strip().split("=", 1) for part in text.split(";") if "=" in part)
        if "".join(tags.get("p", "").split()) == sender.public_key:
            return True
    return False


def lets_us_send(sender: MailSender) -> bool:
    """Whether the domain's SPF record, or one it includes, names our mail servers. Raises `NameServerSilent`."""
    wanted = settings.MAIL_SPF_DOMAIN.lower()
    waiting, seen = [sender.domain], set[str]()
    while waiting and len(seen) <= SPF_LOOKUPS:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        records = [text for text in dns.texts(name) if text.lower().split(" ")[0] == "v=spf1"]
        # Two records are an error that makes receivers ignore both (RFC 7208, 3.2).
        for word in records[0].lower().split() if len(records) == 1 else ():
            kind, _, target = word.lstrip("+").replace("redirect=", "include:", 1).partition(":")
            if kind == "include" and target:
                if target == wanted:
                    return True
                waiting.append(target)
    return False


def policy(sender: MailSender) -> str:
    """What the domain asks receivers to do with letters that fail: `none`, `quarantine`, `reject`, or nothing (RFC 7489)."""
    for text in dns.texts(f"_dmarc.{sender.domain}"):
        tags = dict(part.strip().split("=", 1) for part in text.split(";") if "=" in part)
        if tags.get("v", "").upper() == "DMARC1":
            return tags.get("p", "").strip().lower()[:20]
    return ""
