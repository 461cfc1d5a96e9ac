"""Single sign-on in a real browser, against real login services: oidc-provider and samlify, run on the loopback.

Their packages are installed by `.ci/run`; elsewhere: `npm ci --prefix config/tests/identity` (Node 20 or newer).
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django_tenants.utils import tenant_context
from playwright.sync_api import expect

from config.tests.browser import Stage
from tenants.accounts.models import ExternalIdentity, IdentityProvider, Login, Role, User
from tenants.accounts.providers import saml
from tenants.accounts.services import identity_providers
from tenants.accounts.tests.factories import EmailDomainFactory

pytestmark = [pytest.mark.browser, pytest.mark.transactional]

FOLDER = Path(settings.BASE_DIR) / "config/tests/identity"
NODE = os.environ.get("NODE") or shutil.which("node")


class LoginServices:
    """The process with both of them."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        at = json.loads(self._line())
        self.oidc, self.saml = at["oidc"], at["saml"]
        self.certificate, self.key = saml.own_keys("Loopback", datetime.now(tz=UTC))

    def begin(self, *, oidc: dict[str, Any], metadata: str) -> None:
        """Tell them who may use them, and wait until they answer."""
        said = {"oidc": oidc, "saml": {"key": self.key, "certificate": self.certificate, "metadata": metadata}}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(said) + "\n")
        self.process.stdin.flush()
        assert self._line().strip() == "ready"

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@pytest.fixture
def services(tmp_path: Path) -> Iterator[LoginServices]:
    """Both login services; skipped where Node or its packages are not there."""
    if not NODE:
        pytest.skip("No Node on this machine: .ci/run installs it for the login services")
    if not (FOLDER / "node_modules").is_dir():
        pytest.skip("The login services are not installed: npm ci --prefix config/tests/identity")
    log = (tmp_path / "services.log").open("w", encoding="utf-8")
    process = subprocess.Popen(
        [NODE, "serve.mjs"],
        cwd=FOLDER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    try:
        yield LoginServices(process)
    finally:
        process.kill()
        process.communicate()
        log.close()


@pytest.fixture
def providers(acme: Any, ana: User, stage: Stage, services: LoginServices) -> dict[str, IdentityProvider]:
    """Both, set up by the product's own service, and told about us."""
    now = datetime.now(tz=UTC)
    agent = Role.objects.get(slug="agent")
    domain = EmailDomainFactory(name="acme.example")
    made = {}
    for kind, values in (
        ("oidc", {"issuer": services.oidc, "client_id": "balcao", "client_secret": "s" * 40}),
        ("saml", {"entity_id": f"{services.saml}/metadata", "sso_url": f"{services.saml}/sso",
                  "slo_url": f"{services.saml}/slo", "certificate": services.certificate}),
    ):  # fmt: skip
        made[kind] = identity_providers.create(
            kind=kind, name=f"Acme {kind.upper()}", by=ana, now=now, domains=[domain.name], creates_people=True,
            default_role="viewer", group_roles=[{"group": "sellers", "role": agent.slug}], enabled=True, **values,
        )  # fmt: skip
    base = stage.address("")
    services.begin(
        oidc={
            "client_id": "balcao",
            "client_secret": "s" * 40,
            "redirect_uris": [f"{base}/sso/{made['oidc'].pk}/callback/"],
            "post_logout_redirect_uris": [f"{base}/logout/done/"],
        },
        metadata=identity_providers.metadata(made["saml"], base).decode(),
    )
    return made


def log_out(page: Any) -> None:
    """Out here, by the person's own menu."""
    page.locator("button[popovertarget=me-menu]").click()
    page.locator("#me-menu form[action='/logout/'] button").click()
    page.wait_for_url(re.compile(r"/logout/done/"))


def test_somebody_comes_in_and_goes_out_by_openid_and_by_saml(acme, ana, stage, services, providers):
    page = stage.page(stage.context())

    # OpenID Connect: in, and out over there as well.
    page.goto(stage.address("/login/"))
    page.get_by_role("link", name="Acme OIDC").click()
    page.locator("input[name=login]").fill("dora")
    page.locator("input[name=password]").fill("anything")
    page.get_by_role("button").click()
    page.wait_for_url(re.compile(r"/interaction/"))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(stage.address("/"))
    with tenant_context(acme):
        dora = User.objects.select_related("role").get(email="dora@acme.example")
        assert (dora.name, dora.role.slug) == ("Dora", "agent")
        assert ExternalIdentity.objects.get(user=dora).provider == providers["oidc"]
    log_out(page)
    page.get_by_role("link", name=re.compile("Acme OIDC")).click()
    page.locator("button[name=logout]").click()
    page.wait_for_url(re.compile(r"/logout/done/\?state="))

    # SAML: the answer is posted from another site, and the browser is known one step on.
    page.goto(stage.address("/login/?next=/settings/profile/"))
    page.get_by_role("link", name="Acme SAML").click()
    page.get_by_label("person").fill("elis")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(stage.address("/settings/profile/"))
    with tenant_context(acme):
        elis = User.objects.get(email="elis@acme.example")
        assert list(Login.objects.filter(user=elis).values_list("method", flat=True)) == ["sso"]
    log_out(page)
    page.get_by_role("link", name=re.compile("Acme SAML")).click()
    expect(page.locator("header p")).to_contain_text("Acme SAML")
    page.wait_for_url(re.compile(r"/logout/done/$"))


def test_an_owner_tries_the_connection_and_makes_it_the_only_way_in(acme, ana, client_of, stage, services, providers):
    context = stage.context()
    cookie = client_of(acme, user=ana).cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": stage.address("/")}])
    page = stage.page(context)
    provider = providers["saml"]

    page.goto(stage.address(f"/settings/sso/{provider.pk}/"))
    page.locator(f"a[href='/sso/{provider.pk}/test/']").click()
    page.get_by_label("person").fill("elis")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile(rf"/settings/sso/{provider.pk}/tested/"))
    expect(page.locator("main")).to_contain_text("elis@acme.example")
    expect(page.locator(".banner-success")).to_be_visible()
    with tenant_context(acme):
        assert not User.objects.filter(email="elis@acme.example").exists()

    page.goto(stage.address(f"/settings/sso/{provider.pk}/"))
    page.locator("#id_enforced").check()
    page.locator("#switch button[type=submit]").click()
    expect(page.locator(".page-head .badge-blue, h1 .badge-blue").first).to_be_visible()

    stranger = stage.page(stage.context())
    stranger.goto(stage.address("/login/"))
    stranger.locator("#id_email").fill("elis@acme.example")
    stranger.locator("#id_password").fill("balcao-demo")
    stranger.locator("form[action='/login/'] button[type=submit]").click()
    stranger.get_by_role("link", name="Acme SAML").click()
    stranger.get_by_label("person").fill("elis")
    stranger.get_by_role("button", name="Sign in").click()
    stranger.wait_for_url(stage.address("/"))
