"""What becomes of the support counter's tables when a tenant is copied, and the secrets a copy gets anew."""

from chat.models import Inbox
from chat.models.inbox import hmac_secret
from tenants.enums import CopyMode
from tenants.models import Tenant
from tenants.services.account_parts import CopyRule, Part, copy_rules, tables
from tenants.services.copying import WITHOUT_TEAM

NEW_WORD = "replace(gen_random_uuid()::text, '-', '')"
OF_ARTICLES = "EXISTS (SELECT FROM {source}.chat_articlepicture p WHERE p.attachment_id = r.id)"


def register() -> None:
    """Speak for every table of the counter."""
    tables(
        CopyRule(Part.SETTINGS),
        "chat_article",
        "chat_articlepicture",
        "chat_articlepicture_articles",
        "chat_articleversion",
        "chat_businesshours",
        "chat_category",
        "chat_holiday",
        "chat_label",
        "chat_slapolicy",
        "chat_team",
    )
    # Two tenants must never answer one number: what is connected to the outside is copied switched off, without keys.
    copy_rules.register(
        "chat_inbox",
        CopyRule(
            Part.SETTINGS,
            {"active": "r.active AND r.channel = 'web'", "website_token": NEW_WORD, "hmac_secret": "''"},
        ),
    )
    copy_rules.register(
        "chat_channelaccount",
        CopyRule(
            Part.SETTINGS,
            {
                "secrets": "''",
                "state": "'new'",
                "problem": "''",
                "cursor": "'{{}}'::jsonb",
                "checked_at": "NULL",
                "synced_at": "NULL",
            },
        ),
    )
    copy_rules.register(
        "chat_automationrule",
        CopyRule(
            Part.SETTINGS,
            {"active": "r.active AND r.actions::text NOT LIKE '%webhook%'", "run_count": "0", "last_run_at": "NULL"},
        ),
    )
    copy_rules.register(
        "chat_bot",
        CopyRule(Part.SETTINGS, {"active": "r.active AND r.webhook_url = ''", "webhook_secret": "''"}),
    )
    # What belongs to one person stays behind without the person.
    shared = "r.scope <> 'person'"
    personal = CopyRule(Part.SETTINGS, where_in=dict.fromkeys(WITHOUT_TEAM, shared))
    tables(personal, "chat_cannedresponse", "chat_savedview")
    copy_rules.register("chat_macro", CopyRule(Part.SETTINGS, where_in=dict.fromkeys(WITHOUT_TEAM, "r.shared")))
    copy_rules.register("chat_attachment", CopyRule(Part.SETTINGS, where_in={CopyMode.SETTINGS: OF_ARTICLES}))
    tables(
        CopyRule(Part.PEOPLE),
        "chat_agentprofile",
        "chat_draft",
        "chat_inboxmember",
        "chat_mention",
        "chat_notification",
        "chat_teammember",
    )
    tables(
        CopyRule(Part.DATA),
        "chat_articlefeedback",
        "chat_automationrun",
        "chat_botanswer",
        "chat_botsession",
        "chat_call",
        "chat_chatevent",
        "chat_churnmodel",
        "chat_churnscore",
        "chat_contact",
        "chat_contact_labels",
        "chat_contactinbox",
        "chat_contactmerge",
        "chat_contactnote",
        "chat_conversation",
        "chat_conversation_labels",
        "chat_csatresponse",
        "chat_hourlystat",
        "chat_leftmessage",
        "chat_message",
        "chat_pixcharge",
        "chat_questiongroup",
        "chat_slaevent",
        "chat_unansweredquestion",
    )
    # Nothing is sent twice: a campaign that goes on does so in the original, and so does a message on its way.
    copy_rules.register(
        "chat_campaign",
        CopyRule(Part.DATA, {"state": "CASE WHEN r.state IN ('scheduled', 'running') THEN 'paused' ELSE r.state END"}),
    )
    copy_rules.register("chat_campaignrecipient", CopyRule(Part.DATA, where="r.state NOT IN ('pending', 'queued')"))
    copy_rules.register("chat_outgoingpart", CopyRule(Part.DATA, where="r.delivery NOT IN ('pending', 'unconfirmed')"))
    tables(CopyRule(Part.NEVER), "chat_contactimport", "chat_dataexport", "chat_importline")
    copy_rules.register("chat_accountimport", CopyRule(Part.NEVER))
    copy_rules.register("chat_pushsubscription", CopyRule(Part.NEVER, exported=False))


def renew_secrets(tenant: Tenant) -> None:
    """Every inbox of a copy signs its visitors with a secret of its own."""
    for row in Inbox.objects.filter(hmac_secret="").order_by("pk"):
        row.hmac_secret = hmac_secret()
        row.save(update_fields=["hmac_secret"])
