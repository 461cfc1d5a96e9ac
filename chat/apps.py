"""The support counter."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

# Pages of the settings menu: key, name, icon, address, who may, place, what it is for.
SETTINGS = (
    (
        "chat.me",
        _("My work"),
        "bell",
        "chat:my-work",
        "chat.reply_conversation",
        12,
        _("Whether you take conversations, how you sign, and of what you are told."),
    ),
    (
        "chat.widget",
        _("Website chat"),
        "message-circle",
        "chat:settings-widget",
        "chat.manage_inbox",
        50,
        _("Its words, its websites, and the line that brings it to a page."),
    ),
    (
        "chat.inboxes",
        _("Inboxes"),
        "inbox",
        "chat:inboxes",
        "chat.manage_inbox",
        51,
        _("The ways conversations come in, and who gets them."),
    ),
    (
        "chat.hours",
        _("Hours and holidays"),
        "calendar-clock",
        "chat:settings-hours",
        "chat.manage_inbox",
        52,
        _("When each inbox is staffed, and what it says when it is not."),
    ),
    (
        "chat.routing",
        _("Routing"),
        "shuffle",
        "chat:settings-routing",
        "chat.manage_inbox",
        53,
        _("Who gets a new conversation, and how many an agent may have."),
    ),
    (
        "chat.agents",
        _("Agents"),
        "headset",
        "chat:agents",
        "chat.manage_team",
        54,
        _("Who is there, and how many conversations each may have."),
    ),
    (
        "chat.teams",
        _("Teams"),
        "users-round",
        "chat:settings-teams",
        "chat.manage_team",
        55,
        _("Groups of agents that conversations can be given to."),
    ),
    (
        "chat.labels",
        _("Labels"),
        "tags",
        "chat:settings-labels",
        "chat.manage_label",
        56,
        _("Words with a colour that sort conversations."),
    ),
    (
        "chat.canned",
        _("Canned replies"),
        "message-square-quote",
        "chat:settings-canned",
        "chat.reply_conversation",
        57,
        _("Ready answers, a few keys away while writing."),
    ),
    (
        "chat.macros",
        _("Macros"),
        "list-checks",
        "chat:settings-macros",
        "chat.reply_conversation",
        57,
        _("Several steps in a conversation by one click."),
    ),
    (
        "chat.views",
        _("Saved views"),
        "list-filter",
        "chat:settings-views",
        "chat.view_conversation",
        58,
        _("Lists of conversations with their filters, one click away."),
    ),
    (
        "chat.media",
        _("Files and calls"),
        "paperclip",
        "chat:settings-media",
        "chat.manage_inbox",
        59,
        _("How large files may be, the room that is left, and the servers of calls."),
    ),
    (
        "chat.left",
        _("Left messages"),
        "mail-question-mark",
        "chat:left-messages",
        "chat.view_conversation",
        59,
        _("Written while the plan had no room for another conversation."),
    ),
    (
        "chat.automation",
        _("Automation"),
        "workflow",
        "chat:settings-automation",
        "chat.manage_flow",
        60,
        _("What happens by itself when something happens."),
    ),
    (
        "chat.sla",
        _("Service levels"),
        "timer",
        "chat:settings-sla",
        "chat.manage_flow",
        61,
        _("Times you promise, with a warning before one is missed."),
    ),
    (
        "chat.bots",
        _("Bots"),
        "bot",
        "chat:settings-bots",
        "chat.manage_bot",
        62,
        _("What answers before a person does, and when it calls one."),
    ),
    (
        "chat.help",
        _("Help centre"),
        "life-buoy",
        "chat:settings-help",
        "chat.manage_article",
        66,
        _("Its own words, and whether it is open."),
    ),
    (
        "chat.csat",
        _("Satisfaction survey"),
        "smile",
        "chat:settings-csat",
        "chat.manage_inbox",
        67,
        _("Ask visitors how it was, in your words."),
    ),
    (
        "chat.answers",
        _("Answers of the survey"),
        "star",
        "chat:csat-answers",
        "chat.view_csat",
        68,
        _("What visitors said about their conversations."),
    ),
    (
        "chat.pix",
        _("Pix in conversations"),
        "qr-code",
        "chat:settings-pix",
        "chat.manage_pix",
        83,
        _("Who gets the money agents ask for."),
    ),
    (
        "chat.account_imports",
        _("Move from Chatwoot"),
        "truck",
        "chat:account-imports",
        "chat.transfer_data",
        85,
        _("Contacts, conversations, files and articles of a Chatwoot account."),
    ),
    (
        "chat.exports",
        _("Export"),
        "download",
        "chat:exports",
        "chat.transfer_data",
        86,
        _("Your contacts, conversations and messages as files to take away."),
    ),
)


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = _("Support counter")
    schedule = {
        "chat.wake_snoozed": 60.0,
        "chat.count_hours": 60.0,
        "chat.expire_pix": 60.0,
        "chat.retain": 21_600.0,
        "chat.tend_counter": 30.0,
        "chat.sweep_calls": 30.0,
        "chat.sweep_attachments": 900.0,
        "chat.tidy_counter": 86_400.0,
        "chat.forget_notifications": 86_400.0,
        "chat.forget_events": 86_400.0,
        "chat.sweep_bots": 60.0,
        "chat.sweep_outgoing": 60.0,
        "chat.poll_mailboxes": 60.0,
        "chat.run_campaigns": 20.0,
        "chat.estimate_churn": 86_400.0,
        "chat.sweep_transfers": 60.0,
    }

    def ready(self) -> None:
        from chat import actions, letters, permissions
        from chat.models import Conversation, Inbox
        from chat.queries import attachments
        from chat.services import attachments as chat_files
        from chat.services import (
            channels,
            copying,
            helpcentre,
            ice,
            inboxes,
            leaving,
            pix,
            privacy,
            push,
            questions,
            widget,
        )
        from chat.services.bots import assistant
        from chat.views import home
        from ops.kernel.configuration.registry import accounts, credentials, declare
        from ops.kernel.registry import (
            Gauge,
            Handover,
            Meter,
            NavItem,
            OpenWork,
            PaletteSource,
            Panel,
            PersonalData,
            SettingsPage,
            SettingsSection,
            gauges,
            handovers,
            meters,
            nav,
            open_work,
            palette,
            panels,
            personal_data,
            settings_pages,
            settings_sections,
        )
        from ops.kernel.webhooks.registry import WebhookEvent
        from ops.kernel.webhooks.registry import events as webhook_events
        from tenants.services.account_parts import LeavingNote, leaving_notes
        from tenants.services.provisioning import on_copied, on_ready

        actions.register()
        letters.register()
        permissions.register()
        declare(helpcentre.DEFINITION)
        declare(pix.DEFINITION)
        declare(assistant.DEFINITION)
        declare(chat_files.DEFINITION)
        declare(ice.DEFINITION)
        declare(push.DEFINITION)
        credentials.register("chat.language_model", assistant.CREDENTIAL)
        credentials.register("chat.relay", ice.CREDENTIAL)
        accounts.register("chat.channels", channels.accounts)
        copying.register()
        leaving_notes.register(
            "chat.conversations",
            LeavingNote(
                "message-circle",
                _("Conversations"),
                _("With contacts, files and notes they are in the export, and deleted with everything else."),
                lambda: Conversation.objects.count(),
                20,
            ),
        )
        leaving_notes.register(
            "chat.channels",
            LeavingNote(
                "inbox",
                _("Inboxes"),
                _(
                    "The chat disappears from your website and messages to connected numbers and mailboxes are no longer taken in. Take the snippet out of your pages, and tell your customers where to write."
                ),
                lambda: Inbox.objects.active().count(),
                30,
            ),
        )
        on_copied.register("chat.renew_secrets", copying.renew_secrets)
        on_ready.register("chat.first_inbox", inboxes.lay_out)
        open_work.register(
            "chat.conversations",
            OpenWork(_("Open conversations"), leaving.count, leaving.choices, leaving.hand_over, 10),
        )
        see = "chat.view_conversation"
        nav.register("chat", NavItem(_("Conversations"), "messages-square", "chat:console", see, 10, home.queue_badge))
        nav.register("chat.visitors", NavItem(_("Visitors"), "radar", "chat:visitors", see, 11, parent="chat"))
        nav.register(
            "chat.contacts", NavItem(_("Contacts"), "users", "chat:contacts", "chat.view_contact", 12, parent="chat")
        )
        panels.register("chat.numbers", Panel("chat/_panel_numbers.html", home.numbers, see, 10, 12, kept=True))
        panels.register("chat.waiting", Panel("chat/_panel_waiting.html", home.waiting, see, 20, 6, kept=True))
        palette.register("chat.conversations", PaletteSource(_("Conversation"), home.find_conversations, see, 10))
        palette.register("chat.contacts", PaletteSource(_("Contact"), home.find_contacts, "chat.view_contact", 20))
        nav.register(
            "chat.reports", NavItem(_("Reports"), "chart-column", "chat:reports", "chat.view_report", 14, parent="chat")
        )
        nav.register(
            "chat.campaigns",
            NavItem(_("Campaigns"), "megaphone", "chat:campaigns", "chat.view_campaign", 15, parent="chat"),
        )
        nav.register(
            "chat.articles", NavItem(_("Articles"), "book-open", "chat:writing", "chat.view_article", 13, parent="chat")
        )
        settings_sections.register("chat", SettingsSection(_("Support counter"), 50))
        settings_sections.register("chat.quality", SettingsSection(_("Automation and quality"), 60))
        for key, label, sign, address, permission, order, hint in SETTINGS:
            settings_pages.register(key, SettingsPage(label, sign, address, permission, order, hint))
        handovers.register(
            "chat.widget",
            Handover(
                _("Chat for the website"),
                _("Paste it before the closing body tag of every page."),
                widget.first_snippet,
                10,
            ),
        )
        gauges.register("storage.bytes:chat", Gauge(_("Files of conversations"), attachments.stored_bytes))
        gauges.register("chat.inboxes", Gauge(_("Inboxes"), lambda: Inbox.objects.active().count()))
        meters.register("chat.conversations", Meter(_("Conversations"), _("conversations"), 10))
        meters.register(assistant.TOKENS_IN, Meter(_("Language model, read"), _("tokens"), 60))
        meters.register(assistant.TOKENS_OUT, Meter(_("Language model, written"), _("tokens"), 61))
        meters.register("chat.messages", Meter(_("Messages"), _("messages"), 20))
        personal_data.register(
            "chat.contacts",
            PersonalData(_("Contacts and conversations"), privacy.held_about, privacy.erase_address),
        )
        personal_data.register(
            "chat.questions",
            PersonalData(
                _("Questions without an answer"), questions.asked_by, lambda email: questions.forget(email=email)
            ),
        )
        for order, (event, label) in enumerate(
            (
                ("message.created", _("A message was written")),
                ("conversation.created", _("A conversation began")),
                ("conversation.status", _("A conversation was resolved, snoozed or opened again")),
                ("conversation.assigned", _("A conversation got another assignee")),
                ("channel.message", _("A message is to be delivered through your own channel")),
            )
        ):
            webhook_events.register(event, WebhookEvent(label, 10 + order))
