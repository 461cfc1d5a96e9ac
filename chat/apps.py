"""The support counter."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


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
        from chat import letters, permissions
        from chat.models import Conversation, Inbox
        from chat.queries import attachments
        from chat.services import channels, copying, helpcentre, ice, inboxes, leaving, pix, privacy, questions, widget
        from chat.services.bots import assistant
        from chat.views import home
        from ops.kernel.audit import actions
        from ops.kernel.configuration.registry import Definition, Field, accounts, credentials, declare
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

        letters.register()
        permissions.register()
        declare(helpcentre.DEFINITION)
        declare(pix.DEFINITION)
        declare(assistant.DEFINITION)
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
        settings_pages.register(
            "chat.bots",
            SettingsPage(
                _("Bots"),
                "bot",
                "chat:settings-bots",
                "chat.manage_bot",
                62,
                _("What answers before a person does, and when it calls one."),
            ),
        )
        settings_pages.register(
            "chat.help",
            SettingsPage(
                _("Help centre"),
                "life-buoy",
                "chat:settings-help",
                "chat.manage_article",
                66,
                _("Its own words, and whether it is open."),
            ),
        )
        settings_pages.register(
            "chat.widget",
            SettingsPage(
                _("Website chat"),
                "message-circle",
                "chat:settings-widget",
                "chat.manage_inbox",
                50,
                _("Its words, its websites, and the line that brings it to a page."),
            ),
        )
        for order, key, label, sign, permission, hint in (
            (
                52,
                "hours",
                _("Hours and holidays"),
                "calendar-clock",
                "chat.manage_inbox",
                _("When each inbox is staffed, and what it says when it is not."),
            ),
            (
                53,
                "routing",
                _("Routing"),
                "shuffle",
                "chat.manage_inbox",
                _("Who gets a new conversation, and how many an agent may have."),
            ),
            (
                61,
                "sla",
                _("Service levels"),
                "timer",
                "chat.manage_flow",
                _("Times you promise, with a warning before one is missed."),
            ),
            (
                60,
                "automation",
                _("Automation"),
                "workflow",
                "chat.manage_flow",
                _("What happens by itself when something happens."),
            ),
            (
                57,
                "macros",
                _("Macros"),
                "list-checks",
                "chat.reply_conversation",
                _("Several steps in a conversation by one click."),
            ),
            (
                67,
                "csat",
                _("Satisfaction survey"),
                "smile",
                "chat.manage_inbox",
                _("Ask visitors how it was, in your words."),
            ),
        ):
            settings_pages.register(
                f"chat.{key}", SettingsPage(label, sign, f"chat:settings-{key}", permission, order, hint)
            )
        settings_pages.register(
            "chat.media",
            SettingsPage(
                _("Files and calls"),
                "paperclip",
                "chat:settings-media",
                "chat.manage_inbox",
                59,
                _("How large files may be, the room that is left, and the servers of calls."),
            ),
        )
        settings_pages.register(
            "chat.answers",
            SettingsPage(
                _("Answers of the survey"),
                "star",
                "chat:csat-answers",
                "chat.view_csat",
                68,
                _("What visitors said about their conversations."),
            ),
        )
        settings_pages.register(
            "chat.left",
            SettingsPage(
                _("Left messages"),
                "mail-question-mark",
                "chat:left-messages",
                "chat.view_conversation",
                59,
                _("Written while the plan had no room for another conversation."),
            ),
        )
        settings_pages.register(
            "chat.account_imports",
            SettingsPage(
                _("Move from Chatwoot"),
                "truck",
                "chat:account-imports",
                "chat.transfer_data",
                85,
                _("Contacts, conversations, files and articles of a Chatwoot account."),
            ),
        )
        settings_pages.register(
            "chat.exports",
            SettingsPage(
                _("Export"),
                "download",
                "chat:exports",
                "chat.transfer_data",
                86,
                _("Your contacts, conversations and messages as files to take away."),
            ),
        )
        settings_pages.register(
            "chat.pix",
            SettingsPage(
                _("Pix in conversations"),
                "qr-code",
                "chat:settings-pix",
                "chat.manage_pix",
                83,
                _("Who gets the money agents ask for."),
            ),
        )
        for order, key, label, sign, address, permission, hint in (
            (
                51,
                "inboxes",
                _("Inboxes"),
                "inbox",
                "chat:inboxes",
                "chat.manage_inbox",
                _("The ways conversations come in, and who gets them."),
            ),
            (
                54,
                "agents",
                _("Agents"),
                "headset",
                "chat:agents",
                "chat.manage_team",
                _("Who is there, and how many conversations each may have."),
            ),
            (
                55,
                "teams",
                _("Teams"),
                "users-round",
                "chat:settings-teams",
                "chat.manage_team",
                _("Groups of agents that conversations can be given to."),
            ),
            (
                56,
                "labels",
                _("Labels"),
                "tags",
                "chat:settings-labels",
                "chat.manage_label",
                _("Words with a colour that sort conversations."),
            ),
            (
                57,
                "canned",
                _("Canned replies"),
                "message-square-quote",
                "chat:settings-canned",
                "chat.reply_conversation",
                _("Ready answers, a few keys away while writing."),
            ),
            (
                58,
                "views",
                _("Saved views"),
                "list-filter",
                "chat:settings-views",
                "chat.view_conversation",
                _("Lists of conversations with their filters, one click away."),
            ),
            (
                12,
                "me",
                _("My work"),
                "bell",
                "chat:my-work",
                "chat.reply_conversation",
                _("Whether you take conversations, how you sign, and of what you are told."),
            ),
        ):
            settings_pages.register(f"chat.{key}", SettingsPage(label, sign, address, permission, order, hint))
        handovers.register(
            "chat.widget",
            Handover(
                _("Chat for the website"),
                _("Paste it before the closing body tag of every page."),
                widget.first_snippet,
                10,
            ),
        )
        declare(
            Definition(
                "chat.files",
                _("Files in conversations"),
                (
                    Field("image_mb", _("Largest image, in MB"), int, 15, min_value=1, max_value=50),
                    Field("document_mb", _("Largest document, in MB"), int, 25, min_value=1, max_value=100),
                    Field("audio_mb", _("Largest audio file, in MB"), int, 16, min_value=1, max_value=50),
                    Field("video_mb", _("Largest video, in MB"), int, 64, min_value=1, max_value=200),
                ),
            )
        )
        declare(
            Definition(
                "chat.calls",
                _("Calls"),
                (
                    Field("ring_s", _("Seconds a call rings"), int, 45, min_value=15, max_value=50),
                    Field("stun_urls", _("STUN servers"), list, [], setting="STUN_URLS", validate=ice.check_urls),
                    Field("turn_urls", _("TURN servers"), list, [], setting="TURN_URLS", validate=ice.check_urls),
                    Field("turn_secret", _("TURN shared secret"), secret=True, setting="TURN_SECRET"),
                ),
                together=("turn_urls", "turn_secret"),
            )
        )
        declare(
            Definition(
                "chat.webpush",
                _("Notifications to browsers"),
                (
                    Field(
                        "private_key",
                        _("Private key"),
                        secret=True,
                        hint=_("Made by itself. With another one every browser must be allowed again."),
                    ),
                ),
            )
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
        for action, label in (
            ("chat.campaign_created", _("Campaign written")),
            ("chat.campaign_changed", _("Campaign changed")),
            ("chat.campaign_started", _("Campaign started")),
            ("chat.campaign_listed", _("Audience of a campaign fixed")),
            ("chat.campaign_paused", _("Campaign paused")),
            ("chat.campaign_stopped", _("Campaign stopped")),
            ("chat.campaign_done", _("Campaign finished")),
            ("chat.campaign_deleted", _("Campaign removed")),
            ("chat.contact_opted_out", _("Contact wants no campaigns")),
            ("chat.contact_opted_in", _("Contact wants campaigns again")),
            ("chat.contact_import_started", _("Import of contacts started")),
            ("chat.contacts_imported", _("Contacts imported")),
            ("chat.contact_import_stopped", _("Import of contacts stopped")),
            ("chat.export_asked", _("Export asked for")),
            ("chat.export_taken", _("Export downloaded")),
            ("chat.account_import_started", _("Import of a Chatwoot account started")),
            ("chat.account_imported", _("Chatwoot account imported")),
            ("chat.account_import_stopped", _("Import of a Chatwoot account stopped")),
            ("chat.contact_exported", _("Personal data handed over")),
            ("chat.contact_erased", _("Personal data erased")),
            ("chat.conversations_expired", _("Old conversations deleted")),
            ("chat.transcript_sent", _("Transcript sent")),
            ("chat.pix_settled", _("Pix charge settled")),
            ("chat.inbox_created", _("Inbox added")),
            ("chat.inbox_changed", _("Inbox changed")),
            ("chat.contact_created", _("Contact added")),
            ("chat.contact_changed", _("Contact changed")),
            ("chat.contact_labels_changed", _("Labels of a contact changed")),
            ("chat.message_deleted", _("Message deleted")),
            ("chat.conversation_assigned", _("Conversation assigned")),
            ("chat.conversation_unassigned", _("Conversation put back into the queue")),
            ("chat.conversation_status_changed", _("Conversation moved")),
            ("chat.hours_changed", _("Business hours changed")),
            ("chat.holiday_added", _("Holiday added")),
            ("chat.holiday_removed", _("Holiday removed")),
            ("chat.routing_changed", _("Routing changed")),
            ("chat.sla_created", _("Service level added")),
            ("chat.sla_changed", _("Service level changed")),
            ("chat.sla_deleted", _("Service level removed")),
            ("chat.rule_created", _("Rule added")),
            ("chat.rule_changed", _("Rule changed")),
            ("chat.rule_deleted", _("Rule removed")),
            ("chat.macro_created", _("Macro added")),
            ("chat.macro_changed", _("Macro changed")),
            ("chat.macro_deleted", _("Macro removed")),
            ("chat.csat_changed", _("Satisfaction survey changed")),
            ("chat.left_message_taken_up", _("Left message taken up")),
            ("chat.left_message_dismissed", _("Left message put away")),
            ("chat.conversation_given_to_team", _("Conversation given to a team")),
            ("chat.conversation_marked_spam", _("Conversation marked as spam")),
            ("chat.conversation_marked_no_spam", _("Conversation taken out of spam")),
            ("chat.conversations_merged", _("Conversations merged")),
            ("chat.conversations_changed_together", _("Several conversations changed")),
            ("chat.contacts_merged", _("Contacts merged")),
            ("chat.contacts_separated", _("Merged contacts separated")),
            ("chat.contact_note_added", _("Note about a contact added")),
            ("chat.contact_note_changed", _("Note about a contact changed")),
            ("chat.contact_note_deleted", _("Note about a contact deleted")),
            ("chat.inbox_deleted", _("Inbox removed")),
            ("chat.inbox_members_changed", _("People of an inbox changed")),
            ("chat.team_created", _("Team added")),
            ("chat.team_changed", _("Team changed")),
            ("chat.team_deleted", _("Team removed")),
            ("chat.agent_changed", _("How an agent works changed")),
            ("chat.label_created", _("Label added")),
            ("chat.label_changed", _("Label changed")),
            ("chat.label_deleted", _("Label removed")),
            ("chat.canned_created", _("Canned reply added")),
            ("chat.canned_changed", _("Canned reply changed")),
            ("chat.canned_deleted", _("Canned reply removed")),
            ("chat.view_created", _("Saved view added")),
            ("chat.view_changed", _("Saved view changed")),
            ("chat.view_deleted", _("Saved view removed")),
            ("chat.article_created", _("Article begun")),
            ("chat.article_changed", _("Article changed")),
            ("chat.article_published", _("Article published")),
            ("chat.article_withdrawn", _("Article made a draft again")),
            ("chat.article_deleted", _("Article deleted")),
            ("chat.article_restored", _("Earlier version of an article restored")),
            ("chat.article_category_created", _("Category of articles added")),
            ("chat.article_category_changed", _("Category of articles changed")),
            ("chat.article_category_deleted", _("Category of articles deleted")),
            ("chat.question_drafted", _("Article begun from unanswered questions")),
            ("chat.bot_created", _("Bot added")),
            ("chat.bot_changed", _("Bot changed")),
            ("chat.bot_deleted", _("Bot deleted")),
            ("chat.bot_placed", _("Bot put at inboxes")),
            ("chat.bot_secret_replaced", _("Secret of a bot replaced")),
            ("chat.question_moved", _("Unanswered questions sorted")),
            ("chat.call_ended", _("Call ended")),
            ("chat.channel_changed", _("Channel of an inbox changed")),
            ("chat.channel_connected", _("Inbox connected to its channel")),
            ("chat.channel_disconnected", _("Inbox disconnected from its channel")),
            ("chat.file_refused", _("File refused by the virus scanner")),
        ):
            actions.register(action, label)
