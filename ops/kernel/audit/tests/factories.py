import factory

from ops.kernel.audit.models import AuditEntry


class AuditEntryFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = AuditEntry

    action = "configuration.changed"
    actor_label = "ana@acme.example"
    actor_kind = "user"
    object_type = "configuration.settingversion"
    object_label = factory.Sequence(lambda n: f"chat.widget v{n}")
