"""Tasks that only the tests of tasks know. Each leaves its mark in the schema it ran in."""

from celery import shared_task
from django.db import connection

from ops.kernel import context
from ops.kernel.audit.models import AuditEntry
from ops.kernel.audit.tests.factories import AuditEntryFactory
from ops.kernel.tasks import enqueue


@shared_task(name="tests.mark")
def mark(*args, label="marked", **kwargs):
    """Leave a mark; says in which schema and for which request."""
    AuditEntryFactory(actor_label=label)
    return [*(args[0] if args else []), connection.schema_name, context.request_id.get()]


@shared_task(name="tests.count")
def count(results):
    """End of a chord: the schemas of its steps and how many marks stand in this one."""
    return {
        "steps": sorted(result[0] for result in results),
        "here": connection.schema_name,
        "marks": AuditEntry.objects.count(),
    }


@shared_task(name="tests.retry", bind=True, max_retries=3)
def retry(self):
    """Fail twice, then leave a mark."""
    if self.request.retries < 2:
        raise self.retry(countdown=0)
    AuditEntryFactory(actor_label="retried")
    return connection.schema_name


@shared_task(name="tests.fail")
def fail():
    """Fail for good."""
    raise RuntimeError("broken")


@shared_task(name="tests.nested")
def nested():
    """Enqueue another task from within one."""
    enqueue("tests.mark", label="nested")
    return connection.schema_name
