"""Contacts: one person under two spellings of a number, merging and separating, notes."""

import hashlib
import hmac
from uuid import uuid4

import pytest
from django.utils import timezone, translation

from chat.errors import ContactNotFound, MergeUndone, NotMergeable
from chat.models import ChatEvent, Contact, ContactMerge, Message, phones
from chat.services import contacts, labels, notes, widget
from chat.tests.factories import (
    ContactFactory,
    ContactInboxFactory,
    ConversationFactory,
    InboxFactory,
    LabelFactory,
    MessageFactory,
)
from ops.kernel.audit.models import AuditEntry
from ops.kernel.errors import Invalid, PermissionRefused


@pytest.mark.parametrize(
    ("typed", "stored", "key"),
    [
        ("(11) 98765-4321", "+5511987654321", "551187654321"),
        ("11 8765-4321", "+551187654321", "551187654321"),
        ("+55 (11) 98765-4321", "+5511987654321", "551187654321"),
        ("+55 31 91234-5678", "+5531912345678", "553112345678"),
        ("(11) 3123-4567", "+551131234567", "+551131234567"),
        ("+55 11 93123-4567", "+5511931234567", "551131234567"),
        ("+351 912 345 678", "+351912345678", "+351912345678"),
    ],
)
def test_a_brazilian_mobile_is_known_with_and_without_the_ninth_digit(acme, typed, stored, key):
    contact = contacts.create(phone_e164=typed)
    contact.refresh_from_db()

    # The column of the database and the function say the same.
    assert (contact.phone_e164, contact.phone_match_key, phones.match_key(stored)) == (stored, key, key)


def test_a_number_without_the_ninth_digit_finds_who_has_it_with_it(acme):
    known = contacts.create(name="Maria", phone_e164="+55 11 98765-4321")
    contacts.create(name="João", phone_e164="(11) 3123-4567")

    assert contacts.known_by_phone("+551187654321") == known
    assert contacts.known_by_phone("+55 11 93123-4567") is None
    assert contacts.known_by_phone("no number") is None


def test_people_of_whom_nothing_is_known_are_told_apart_by_a_number(acme):
    one = Contact(pk="01998f10-0000-7000-8000-0000000022c3")
    other = Contact(pk="01998f10-0000-7000-8000-0000000022c4")

    with translation.override("en"):
        assert (str(one), str(other)) == ("Visitor 9899", "Visitor 9900")
    assert str(Contact(pk=one.pk, email="ana@example.com")) == "ana@example.com"


def test_two_who_are_one_are_merged_and_separated_again(acme, ana):
    site, shop = InboxFactory(), InboxFactory()
    keep = ContactFactory(name="Maria", attrs={"city": "Osasco"})
    gone = ContactFactory(
        name="maria s", email="maria@correio.example", identifier="m-1", attrs={"city": "SP", "size": "M"}
    )
    theirs = MessageFactory(
        conversation=ConversationFactory(contact_inbox=ContactInboxFactory(contact=gone, inbox=shop))
    )
    own = ConversationFactory(contact_inbox=ContactInboxFactory(contact=keep, inbox=site))
    notes.add(contact=gone, body="Likes tea", by=ana)

    done = contacts.merge(keep=keep, gone=gone, by=ana)

    keep.refresh_from_db()
    gone.refresh_from_db()
    assert (keep.name, keep.email, keep.identifier) == ("Maria", "maria@correio.example", "m-1")
    assert keep.attrs == {"city": "Osasco", "size": "M"}
    assert (gone.merged_into, gone.identifier, keep.notes.get().body) == (keep, None, "Likes tea")
    assert {row.pk for row in keep.conversations.all()} == {own.pk, theirs.conversation_id}
    assert Message.objects.get(pk=theirs.pk).author_contact == keep
    assert list(Contact.objects.current()) == [keep]
    told = ChatEvent.objects.get(type="contact.merged")
    assert (told.conversation_id, told.payload["contact"]["id"], told.pub_seq) == (
        theirs.conversation_id,
        str(keep.pk),
        None,
    )

    # What came since through her other browser goes back with it.
    later = ConversationFactory(contact_inbox=theirs.conversation.contact_inbox.__class__.objects.get(inbox=shop))
    contacts.undo_merge(merge=done, by=ana)

    keep.refresh_from_db()
    gone.refresh_from_db()
    assert (keep.email, keep.identifier, keep.attrs) == ("", None, {"city": "Osasco"})
    assert (gone.merged_into, gone.identifier, gone.email) == (None, "m-1", "maria@correio.example")
    assert {row.pk for row in gone.conversations.all()} == {theirs.conversation_id, later.pk}
    assert [row.pk for row in keep.conversations.all()] == [own.pk]
    assert Message.objects.get(pk=theirs.pk).author_contact == gone
    with pytest.raises(MergeUndone):
        contacts.undo_merge(merge=done, by=ana)


def test_what_was_changed_after_a_merge_is_not_taken_back(acme, ana):
    keep, gone = ContactFactory(), ContactFactory(email="old@correio.example", company="Padaria")
    done = contacts.merge(keep=keep, gone=gone, by=ana)
    keep.refresh_from_db()
    contacts.change(contact=keep, by=ana, email="new@correio.example")

    contacts.undo_merge(merge=done, by=ana)

    keep.refresh_from_db()
    assert (keep.email, keep.company) == ("new@correio.example", "")


def test_who_is_part_of_another_cannot_be_merged_nor_separated_out_of_turn(acme, ana):
    one, two, three = ContactFactory(), ContactFactory(), ContactFactory()
    first = contacts.merge(keep=two, gone=one, by=ana)

    with pytest.raises(NotMergeable):
        contacts.merge(keep=three, gone=one, by=ana)
    with pytest.raises(NotMergeable):
        contacts.merge(keep=two, gone=two, by=ana)
    second = contacts.merge(keep=three, gone=two, by=ana)
    with pytest.raises(MergeUndone):
        contacts.undo_merge(merge=first, by=ana)
    contacts.undo_merge(merge=second, by=ana)
    contacts.undo_merge(merge=first, by=ana)
    assert Contact.objects.current().count() == 3


def test_a_channel_joins_who_has_the_same_number_unless_they_contradict(acme):
    known = contacts.create(name="Maria", phone_e164="+5511987654321", email="maria@correio.example")
    came = contacts.create(name="~maria", phone_e164="+551187654321")
    boss = contacts.create(name="Chefe", phone_e164="+5511987654321", email="chefe@padaria.example")

    assert contacts.merge_same_phone(contact=came) == known
    assert contacts.merge_same_phone(contact=boss) == boss
    assert ContactMerge.objects.get().reason == "phone"


def test_the_website_s_own_visitor_is_who_they_turned_out_to_be(acme, ana):
    inbox = InboxFactory()
    gone, keep = ContactFactory(identifier="m-1"), ContactFactory(identifier="m-2")
    contacts.merge(keep=keep, gone=gone, by=ana)
    signature = hmac.new(inbox.hmac_secret.encode(), b"m-1", hashlib.sha256).hexdigest()

    visitor, _ = widget.open_session(
        inbox=inbox, visitor_id=uuid4(), identifier="m-1", identifier_hash=signature, now=keep.created_at
    )

    assert visitor.contact_id == keep.pk


def test_a_note_belongs_to_who_wrote_it(acme, ana, bia):
    note = notes.add(contact=ContactFactory(), body="  Prefers the phone ", by=bia)

    assert note.body == "Prefers the phone"
    with pytest.raises(PermissionRefused):
        notes.change(note=note, body="x", by=ana)
    with pytest.raises(Invalid):
        notes.change(note=note, body=" ", by=bia)
    notes.delete(note=note, by=ana)  # she sets up inboxes
    assert not note.__class__.objects.exists()


def test_a_person_is_sorted_by_labels(acme, ana):
    contact, tea, coffee = ContactFactory(), LabelFactory(name="tea"), LabelFactory(name="coffee")

    labels.set_on_contact(contact_id=contact.pk, labels=[tea, str(coffee.pk)], by=ana)
    labels.change_on_contact(contact_id=contact.pk, add=[coffee], remove=[tea.pk], by=ana)
    labels.change_on_contact(contact_id=contact.pk, add=[coffee.pk], by=ana)

    assert list(contact.labels.all()) == [coffee]
    # What is worn already is no change.
    told = AuditEntry.objects.filter(action="chat.contact_labels_changed").order_by("pk")
    assert [entry.detail for entry in told] == [
        {"added": ["coffee", "tea"], "removed": []},
        {"added": [], "removed": ["tea"]},
    ]


def test_only_somebody_who_is_there_gets_labels_that_are_there(acme, ana):
    contact, gone, tea = ContactFactory(), ContactFactory(), LabelFactory(name="tea")
    contacts.merge(keep=contact, gone=gone, by=ana)

    with pytest.raises(Invalid):
        labels.change_on_contact(contact_id=contact.pk, add=[uuid4()], by=ana)
    with pytest.raises(Invalid):
        labels.change_on_contact(contact_id=contact.pk, add=["tea"], by=ana)
    with pytest.raises(ContactNotFound):
        labels.change_on_contact(contact_id=gone.pk, add=[tea], by=ana)


def test_who_is_merged_brings_labels_and_takes_them_back(acme, ana):
    keep, gone = ContactFactory(), ContactFactory()
    tea, coffee = LabelFactory(name="tea"), LabelFactory(name="coffee")
    keep.labels.add(tea)
    gone.labels.add(tea, coffee)

    done = contacts.merge(keep=keep, gone=gone, by=ana)
    assert set(keep.labels.all()) == {tea, coffee}

    contacts.undo_merge(merge=done, by=ana)
    assert (list(keep.labels.all()), set(gone.labels.all())) == ([tea], {tea, coffee})


def test_the_way_a_visitor_came_is_remembered_for_five_pages(acme):
    contact = ContactFactory()
    for name in ("home", "bread", "cakes", "bread", "a", "b", "c", "d", "d"):
        contacts.see(contact_id=contact.pk, now=timezone.now(), page={"url": f"https://shop.example/{name}"})

    contact.refresh_from_db()

    assert contact.last_page["url"] == "https://shop.example/d"
    assert [page["url"].rpartition("/")[2] for page in contact.last_page["before"]] == ["c", "b", "a", "bread", "cakes"]
