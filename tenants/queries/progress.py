"""How far the preparation of a customer is, for the pages that wait for it."""

from dataclasses import dataclass
from typing import Any

from tenants.enums import JobKind, JobState, JobStep, TenantStatus
from tenants.models import Tenant, TenantJob

# Reserving the address is done before there is anything to wait for, but people like to see it done.
STEPS = (JobStep.ADDRESS, JobStep.SCHEMA, JobStep.OWNER, JobStep.DEFAULTS, JobStep.READY)
CLONE_STEPS = (
    JobStep.ADDRESS,
    JobStep.SCHEMA,
    JobStep.COPY,
    JobStep.SETTLE,
    JobStep.OWNER,
    JobStep.FILES,
    JobStep.DEFAULTS,
    JobStep.READY,
)


@dataclass(frozen=True, slots=True)
class Progress:
    """A preparation: its steps as `{label, state}` and how it ended, if it did."""

    steps: list[dict[str, Any]]
    is_ready: bool
    is_failed: bool
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """What a waiting page asks for every second."""
        return {"ready": self.is_ready, "failed": self.is_failed, "steps": [step["state"] for step in self.steps]}


def of(tenant: Tenant) -> Progress:
    """The state of a customer's preparation."""
    job = TenantJob.objects.birth_of(tenant)
    failed = job is not None and job.state == JobState.FAILED
    return Progress(
        steps=steps_of(job),
        is_ready=tenant.status != TenantStatus.PROVISIONING,
        is_failed=failed,
        error=job.error if job is not None and failed else "",
    )


def nothing_yet() -> Progress:
    """A preparation that has not begun."""
    return Progress(steps=steps_of(None), is_ready=False, is_failed=False)


def steps_of(job: TenantJob | None) -> list[dict[str, Any]]:
    """The steps of a preparation for the steps component; without a job all of them wait."""
    steps = CLONE_STEPS if job is not None and job.kind == JobKind.CLONE else STEPS
    at = steps.index(JobStep(job.step)) if job is not None and job.step else 0
    return [{"label": step.label, "state": _state(job, number, at)} for number, step in enumerate(steps)]


def _state(job: TenantJob | None, number: int, at: int) -> str:
    if job is None:
        return "current" if number == 0 else "waiting"
    if job.state == JobState.DONE or number < at:
        return "done"
    if number > at:
        return "waiting"
    return "failed" if job.state == JobState.FAILED else "current"
