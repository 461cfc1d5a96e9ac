"""What can go wrong at the counter."""

from django.utils.translation import gettext_lazy as _

from ops.kernel.errors import Conflict, DomainError, Invalid, LimitReached, NotFound, PermissionRefused, RateLimited


class ConversationNotFound(NotFound):
    """No such conversation, or it belongs to somebody else."""

    code = "conversation_not_found"
    message = _("This conversation does not exist, or it is not yours to see.")


class ClientIdReused(Conflict):
    """The same client id came with another content."""

    code = "client_id_reused"
    message = _("Another message was already sent with this id. Send it again with a new one.")


class MessageNotFound(NotFound):
    """No such message, or it is in a conversation of somebody else."""

    code = "message_not_found"
    message = _("This message does not exist, or it is not yours to see.")


class NotYourMessage(PermissionRefused):
    """Only who wrote it may change it."""

    code = "not_your_message"
    message = _("Only the person who wrote a message can change it.")


class NotChangeable(Conflict):
    """What happened, what a visitor or another program said, what has left by another channel, or what was deleted."""

    code = "not_changeable"
    message = _("This message can no longer be changed.")


class NothingToRetry(Conflict):
    """The message did not fail."""

    code = "nothing_to_retry"
    message = _("This message did not fail, so it is not sent again.")


class ChangedSince(DomainError):
    """`If-Match` named an older state."""

    code = "changed_since"
    status = 412
    message = _("The conversation changed in the meantime. Look at it again.")


class AlreadyAssigned(Conflict):
    """Somebody else was first."""

    code = "already_assigned"
    message = _("%(name)s already has this conversation.")


class IllegalStatus(Conflict):
    """The conversation cannot go there from where it is."""

    code = "illegal_status"
    message = _("The conversation is %(current)s and cannot become %(wanted)s.")


class NotAnAgent(Invalid):
    """The person cannot answer conversations."""

    code = "not_an_agent"
    message = _("This person does not answer conversations.")


class EmptyMessage(Invalid):
    """Nothing but white space."""

    code = "empty"
    message = _("Write something first.")


class MessageTooLong(Invalid):
    """Longer than a message may be."""

    code = "too_long"
    message = _("A message may have up to %(limit)s characters.")


class TooManyMessages(RateLimited):
    """A visitor writes faster than people do."""

    code = "rate_limited"
    message = _("You are writing very fast. Wait %(retry_after)s seconds.")


class VisitorTokenRefused(DomainError):
    """Unsigned, of another tenant, too old, or its person is gone: one answer for all."""

    code = "visitor_token_refused"
    status = 401
    message = _("This chat session has ended. Reload the page.")


class WidgetTokenRefused(NotFound):
    """No active inbox has this website token."""

    code = "unknown_widget"
    message = _("This chat is not set up. Check the widget's code on the website.")


class OriginRefused(PermissionRefused):
    """The website is not on the inbox's list."""

    code = "origin_refused"
    message = _("This website may not use this chat. Add its address to the inbox.")


class IdentityRefused(PermissionRefused):
    """An identifier without the right signature of the website's server."""

    code = "identity_refused"
    message = _("The visitor's identity is not signed correctly.")


class ContactBlocked(PermissionRefused):
    """The team does not want to hear from this person."""

    code = "contact_blocked"
    message = _("This chat is closed for you.")


class CursorUnknown(DomainError):
    """The cursor is of another epoch or older than what is kept: load everything again."""

    code = "resync_required"
    status = 410
    message = _("Too much happened since. Load the list again.")


class ArticleChanged(Conflict):
    """Somebody else saved the article since it was opened."""

    code = "article_changed"
    message = _("Somebody else changed this article meanwhile. Copy your words, reload, and put them in again.")


class ArticleEmpty(Invalid):
    """There is nothing to read yet."""

    code = "article_empty"
    message = _("Write the text before you publish it.")


class AlreadyTranslated(Conflict):
    """The other language is there."""

    code = "already_translated"
    message = _("This exists in that language already.")


class AttachmentNotFound(NotFound):
    """No such file, or it is somebody else's."""

    code = "attachment_not_found"
    message = _("This file does not exist, or it is not yours to see.")


class FeatureNotIncluded(LimitReached):
    """The plan leaves this feature out."""

    code = "feature_not_included"
    message = _("Your plan does not include this. Change the plan to use it.")


class FilesNotTaken(LimitReached):
    """What a visitor is told when the team's storage is full or its plan takes no files."""

    code = "files_not_taken"
    message = _("Files cannot be received here right now. You can go on writing.")


class FilesOff(PermissionRefused):
    """The inbox takes no such files from its visitors."""

    code = "files_off"
    message = _("This chat does not take files of this kind.")


class FileTypeRefused(DomainError):
    """The bytes are of a kind nobody should open from a chat, or of none we know."""

    code = "file_type_refused"
    status = 415
    message = _("This kind of file cannot be sent. Images, audio, video, PDF, office documents and text can.")


class FileTooLarge(DomainError):
    """Above the limit of its kind."""

    code = "file_too_large"
    status = 413
    message = _("This file is too large: up to %(limit)s MB can be sent.")


class FileBroken(Invalid):
    """It says it is an image, and cannot be read as one."""

    code = "file_broken"
    message = _("This file is damaged and cannot be read.")


class UploadMismatch(Conflict):
    """The piece does not continue what is here; `received` in the state of the upload says where to go on."""

    code = "upload_offset"
    message = _("The upload continues at byte %(received)s.")


class TooManyFiles(Invalid):
    """More than a message carries."""

    code = "too_many_files"
    message = _("A message may have up to %(limit)s files.")


class FileNotReady(Invalid):
    """Not all of it is here, it was rejected, or it belongs to another message."""

    code = "file_not_ready"
    message = _("One of the files was not uploaded completely or was refused. Add it again.")


class EmptyFile(Invalid):
    """Not a single byte."""

    code = "empty_file"
    message = _("This file is empty.")


class TooManyUploads(RateLimited):
    """More files a minute than people choose."""

    code = "rate_limited"
    message = _("That is a lot of files at once. Wait %(retry_after)s seconds.")


class BadContentRange(Invalid):
    """The header does not fit the bytes that came with it."""

    code = "bad_content_range"
    message = _("Content-Range and the body do not fit together. Write bytes first-last/all.")


class BadPeriod(Invalid):
    """Days that make no period."""

    code = "bad_period"
    message = _("Choose a first and a last day, in this order and at most 400 days apart.")


class ReportsNotIncluded(LimitReached):
    """The plan has no reports."""

    code = "reports_not_included"
    message = _("Your plan does not include reports. A larger plan does.")


class ReportNotFound(NotFound):
    """No report of that name."""

    code = "report_not_found"
    message = _("There is no such report.")


class CallNotFound(NotFound):
    """No such call, it is over, or it is somebody else's."""

    code = "call_not_found"
    message = _("This call is over.")


class CallTaken(Conflict):
    """Another agent answered first."""

    code = "call_taken"
    message = _("Somebody of the team has answered already.")


class InAnotherCall(Conflict):
    """One call at a time."""

    code = "in_another_call"
    message = _("You are in another call. End it first.")


class VisitorBusy(Conflict):
    """The visitor talks in another conversation."""

    code = "visitor_busy"
    message = _("The visitor is in another call.")


class VisitorAway(Conflict):
    """Nobody would hear it ring."""

    code = "visitor_away"
    message = _("The visitor does not have the chat open right now.")


class NobodyToCall(Conflict):
    """No agent is online."""

    code = "nobody_to_call"
    message = _("Nobody can take a call right now. Leave a message instead.")


class CallsOff(PermissionRefused):
    """The inbox takes no calls from visitors."""

    code = "calls_off"
    message = _("This chat does not take calls.")


class PixNotSetUp(Conflict):
    """The tenant has not said to whom Pix goes."""

    code = "pix_not_set_up"
    message = _("Pix is not set up yet. Somebody who may change settings enters the key once.")


class PixRefused(Invalid):
    """A code with these values would not be read."""

    code = "pix_refused"
    message = _("This value cannot be part of a Pix code.")


class PixChargeNotFound(NotFound):
    """No such charge."""

    code = "pix_charge_not_found"
    message = _("This Pix charge does not exist.")


class PixChargeSettled(Conflict):
    """It is paid, expired or cancelled already."""

    code = "pix_charge_settled"
    message = _("This Pix charge is no longer open.")


class NameTaken(Conflict):
    """Another one of the same kind has this name."""

    code = "name_taken"
    message = _("This name is taken. Choose another one.")


class NotMergeable(Conflict):
    """The two do not belong together, or one of them is part of the other already."""

    code = "not_mergeable"
    message = _("These two cannot be merged.")


class MergeUndone(Conflict):
    """There is no merge to take back, or what came after it does not allow it."""

    code = "merge_cannot_be_undone"
    message = _("This merge cannot be taken back any more.")


class InboxInUse(Conflict):
    """Conversations came in through it."""

    code = "inbox_in_use"
    message = _("Conversations came in through this inbox. Switch it off instead.")


class BadAddress(Invalid):
    """No e-mail address."""

    code = "bad_address"
    message = _("Give an e-mail address such as ana@shop.example.")


class TooManyTranscripts(RateLimited):
    """This conversation was sent often enough today."""

    code = "too_many_transcripts"
    message = _("This conversation was sent several times today. Try again tomorrow.")


class ContactNotFound(NotFound):
    """No such contact."""

    code = "contact_not_found"
    message = _("This contact does not exist.")


class WindowClosed(Conflict):
    """WhatsApp takes free words only for a day after the person last wrote."""

    code = "window_closed"
    message = _(
        "More than 24 hours have passed since this person last wrote on WhatsApp. Send an approved template; "
        "their answer opens the conversation again."
    )


class ChannelNotConnected(Conflict):
    """The inbox has no account at its provider."""

    code = "channel_not_connected"
    message = _("This inbox is not connected. Connect it in the settings of the inbox.")


class ChannelRefused(Invalid):
    """The provider did not accept what was entered; its words are the detail."""

    code = "channel_refused"
    message = _("The provider answered: %(words)s")


class ChannelUnreachable(Conflict):
    """The provider did not answer."""

    code = "channel_unreachable"
    message = _("The provider cannot be reached right now: %(words)s")


class ChannelUnknown(NotFound):
    """No such inbox of that channel answers here."""

    code = "unknown_channel"
    message = _("No inbox answers at this address.")


class ChannelSignatureRefused(PermissionRefused):
    """The webhook is not signed by whom it says."""

    code = "signature_refused"
    message = _("The signature of this webhook is not right.")


class TemplateUnknown(Invalid):
    """No approved template of that name and language."""

    code = "unknown_template"
    message = _("This template does not exist, is not approved, or does not fit these values.")


class NoAddress(Invalid):
    """The contact cannot be reached through that channel."""

    code = "no_address"
    message = _("This person cannot be written to first through this inbox: the address or number is missing.")


class CampaignMoved(Conflict):
    """The campaign is not where this step begins."""

    code = "campaign_moved"
    message = _("This campaign is “%(state)s” now, so that cannot be done.")


class CampaignUnknown(NotFound):
    """No such campaign is shown here."""

    code = "unknown_campaign"
    message = _("This campaign does not exist, or it is over.")


class OptOutUnknown(NotFound):
    """The link is not ours, or whom it names is gone."""

    code = "unknown_opt_out"
    message = _("This link is not complete, or it is no longer needed.")


class ImportNotFound(NotFound):
    """No such import or export."""

    code = "import_not_found"
    message = _("This import or export does not exist.")


class NotNow(Conflict):
    """The import is at another step."""

    code = "not_now"
    message = _("This is not possible at this step. Look at the page again: somebody may have been quicker.")


class SpreadsheetTooLarge(Invalid):
    """More bytes than are taken."""

    code = "spreadsheet_too_large"
    message = _("The file may have up to %(limit)s MB. Cut it into several files.")


class SpreadsheetUnreadable(Invalid):
    """Not a file of lines and columns."""

    code = "spreadsheet_unreadable"
    message = _("This file cannot be read as a table.")


class TooManyTransfers(RateLimited):
    """The same people keep asking for exports."""

    code = "too_many_exports"
    message = _("An export of this kind is on its way already. Wait for it.")


class CounterUnreachable(DomainError):
    """The other counter did not answer."""

    code = "counter_unreachable"
    status = 502
    message = _("Nothing answers at this address as a Chatwoot should: %(words)s")


class CounterRefused(Invalid):
    """The other counter does not let us in."""

    code = "counter_refused"
    message = _("The other counter refuses this token or account: %(words)s")
