"""The builder of rules as a page: choosing brings what fits, nothing typed is lost, the keyboard keeps its place."""

import pytest
from django.conf import settings

from chat.models import AutomationRule
from chat.tests.browser.stage import until
from chat.tests.factories import InboxFactory

pytestmark = [pytest.mark.browser, pytest.mark.transactional]


def test_a_rule_is_built_without_leaving_the_page(acme, ana, client_of, stage):
    InboxFactory()
    context = stage.context()
    cookie = client_of(acme, user=ana).cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": stage.address("/")}])
    page = stage.page(context)
    page.goto(stage.address("/settings/chat/automation/add/"))
    page.locator("[data-without-script]").wait_for(state="hidden")
    answered = page.locator("form[aria-busy=true]")
    page.fill("#name", "Invoices")
    page.select_option("[name=trigger]", "message_received")

    page.click("[value=c-add]")
    until(page, lambda: page.evaluate("document.activeElement.name"), "c-0-what")
    page.select_option("[name=c-0-what]", "message")
    answered.wait_for(state="detached")
    page.fill("[name=c-0-value]", "invoice")
    page.select_option("[name=a-0-what]", "set_priority")
    answered.wait_for(state="detached")
    page.select_option("[name=a-0-value]", "urgent")
    assert page.input_value("#name") == "Invoices"
    page.locator("[value=save]").last.click()

    page.wait_for_url("**/settings/chat/automation/")
    rule = AutomationRule.objects.get()
    assert (rule.name, rule.actions) == ("Invoices", [{"do": "set_priority", "priority": "urgent"}])
    assert rule.conditions == [{"field": "message", "op": "contains", "value": "invoice"}]
