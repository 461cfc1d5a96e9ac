"""Screens of the console: customers, the reseller's own company, the platform's ledgers."""

from tenants.admin import (
    announcements,
    company,
    credentials,
    dashboard,
    domain,
    ledgers,
    log,
    mail,
    support,
    team_rules,
)
from tenants.admin.tenants import TenantAdmin

__all__ = [
    "TenantAdmin",
    "announcements",
    "company",
    "credentials",
    "dashboard",
    "domain",
    "ledgers",
    "log",
    "mail",
    "support",
    "team_rules",
]
