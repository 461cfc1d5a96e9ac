import factory

from ops.kernel.audit.models import AuditEntry, AuditWords
from ops.kernel.ids import uuid7


class AuditEntryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = AuditEntry

    action = "configuration.changed"
    actor_label = "ana@acme.example"
    actor_kind = "user"
    object_type = "configuration.settingversion"
    object_label = factory.Sequence(lambda n: f"chat.widget v{n}")


class AuditWordsFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = AuditWords

    id = factory.LazyFunction(uuid7)
    object_type = "chat.contact"
    object_id = factory.LazyFunction(lambda: str(uuid7()))
    label = "Dona Zélia"
