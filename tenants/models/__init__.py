"""Tables of tenancy; all of them live in the public schema."""

from tenants.models.announcement import Announcement, AnnouncementDismissal
from tenants.models.branding import Branding
from tenants.models.claim import DomainClaim
from tenants.models.domain import Domain
from tenants.models.job import TenantJob
from tenants.models.mail import LetterText, MailSender
from tenants.models.reseller import Reseller, ResellerMember, TeamRule
from tenants.models.script import TemplateScript
from tenants.models.support import ImpersonationGrant, SupportAccess
from tenants.models.tenant import Tenant

__all__ = [
    "Announcement",
    "AnnouncementDismissal",
    "Branding",
    "Domain",
    "DomainClaim",
    "ImpersonationGrant",
    "LetterText",
    "MailSender",
    "Reseller",
    "ResellerMember",
    "SupportAccess",
    "TeamRule",
    "TemplateScript",
    "Tenant",
    "TenantJob",
]
