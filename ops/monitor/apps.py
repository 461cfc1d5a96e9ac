from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MonitorConfig(AppConfig):
    name = "ops.monitor"
    label = "monitor"
    verbose_name = _("Monitoring")

    def ready(self):
        """Register what every installation depends on."""
        from ops.kernel.registry import HealthCheck, health
        from ops.monitor.services import checks

        health.register("database", HealthCheck(checks.database, order=10))
        health.register("redis", HealthCheck(checks.redis, order=20))
        health.register("migrations", HealthCheck(checks.migrations, timeout_s=5, cache_s=60, order=30))
        health.register("storage", HealthCheck(checks.storage, timeout_s=3, cache_s=30, order=40))
        # Pages still work while these are wrong: they turn the answer to "degraded", not to 503.
        health.register("queue", HealthCheck(checks.queue, critical=False, order=50))
        health.register("outbox", HealthCheck(checks.outbox, critical=False, order=60))
        health.register("disk", HealthCheck(checks.disk, critical=False, cache_s=10, order=70))
