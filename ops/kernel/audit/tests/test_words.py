"""Names of people outside stand beside the chain: they can be erased, and the chain stays whole."""

from ops.kernel.audit import services as audit
from ops.kernel.audit.models import AuditEntry, AuditWords
from ops.kernel.audit.tests.factories import AuditEntryFactory

ACTION = "configuration.changed"


class Outsider(AuditEntry):
    """Something that is named after a person outside."""

    audit_personal = True

    class Meta:
        proxy = True
        app_label = "audit"

    def __str__(self):
        return "Dona Zélia"


def test_a_personal_label_is_read_and_searched_but_stands_outside_the_chain(acme):
    thing = Outsider(pk=AuditEntryFactory().pk)

    entry = audit.record(ACTION, by="robot", on=thing, detail={"n": 1}, private={"gone": "Seu Zé", "token": "x"})

    assert entry.object_label == ""
    shown = AuditEntry.objects.with_words().get(pk=entry.pk)
    assert shown.words_label == "Dona Zélia"
    assert (shown.detail, shown.words_detail) == ({"n": 1}, {"gone": "Seu Zé", "token": "********"})
    assert list(AuditEntry.objects.search("zélia")) == [entry]
    assert audit.verify().ok


def test_what_is_forgotten_is_gone_and_the_log_still_proves_itself(acme):
    thing, other = Outsider(pk=AuditEntryFactory().pk), Outsider(pk=AuditEntryFactory().pk)
    for one in (thing, thing, other):
        audit.record(ACTION, by="robot", on=one)
    before = audit.verify()

    assert audit.forget(Outsider, [thing.pk]) == 2

    assert AuditWords.objects.get().object_id == str(other.pk)
    assert (
        AuditEntry.objects.with_words().filter(object_id=str(thing.pk)).values_list("words_label", flat=True)[0] == ""
    )
    assert audit.verify() == before
    assert before.ok
