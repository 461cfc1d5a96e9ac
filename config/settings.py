"""Settings: everything comes from the environment through `config.env`; one file for every installation.

Development values are the defaults only while DEBUG is on; without DEBUG a missing secret stops the start.
"""

from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from psycopg.conninfo import conninfo_to_dict

from config import env

BASE_DIR = Path(__file__).resolve().parent.parent

# --- The installation ---------------------------------------------------------------------------
DEBUG = env.boolean("DEBUG", default=False)
DEMO = env.boolean("DEMO", default=DEBUG)
if DEMO and not DEBUG:
    raise ImproperlyConfigured(
        "DEMO is '1': demo accounts have a public password. Example: DEMO=0, or DEBUG=1 on a laptop"
    )
VAR_DIR = Path(env.text("VAR_DIR", default=str(BASE_DIR / "var"), example="/var/lib/balcao")).resolve()
PORT = env.integer("PORT", default=8000, low=1, high=65535)
PLATFORM_NAME = "Balcão"
PLATFORM_DOMAIN = env.text("PLATFORM_DOMAIN", default="localhost", example="balcao.com.br").lower()
SINGLE_TENANT = env.text("SINGLE_TENANT", example="t_padaria")

_DEVELOPMENT_KEY = "development-only-key-that-is-refused-when-debug-is-off-000000000000"
SECRET_KEY = env.text(
    "SECRET_KEY", default=_DEVELOPMENT_KEY if DEBUG else "", example="50 random characters", secret=True
)
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is empty. Example: SECRET_KEY=<output of: python -c 'import secrets; print(secrets.token_urlsafe(50))'>"
    )
# Fernet keys for secrets at rest, newest first; old ones stay until `configuration rotate-keys` has run.
FIELD_KEYS = env.words(
    "FIELD_KEYS",
    default=["YmFsY2FvLWRldmVsb3BtZW50LWZpZWxkLWtleS0wMDE="] if DEBUG else [],
    example="<32 random bytes, url-safe base64>,<the previous key>",
    secret=True,
)
if not FIELD_KEYS:
    raise ImproperlyConfigured(
        "FIELD_KEYS is empty. Example: FIELD_KEYS=<output of: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'>"
    )

# Every host reaches the tenant middleware, which answers only for domains in the database.
ALLOWED_HOSTS = ["*"]
SITE_SCHEME = "http" if DEBUG else "https"
SITE_PORT_SUFFIX = f":{PORT}" if DEBUG else ""

# --- Customers' own domains ---------------------------------------------------------------------
# Where they point: a CNAME to this host, or for a bare domain an A record to these addresses.
EDGE_HOST = env.text("EDGE_HOST", default=PLATFORM_DOMAIN, example="edge.balcao.com.br").lower()
EDGE_ADDRESSES = env.words("EDGE_ADDRESSES", default=[], example="203.0.113.10,2001:db8::10")
# Lets an edge on a public address ask /internal/tls-allowed; one on this machine or network needs none.
EDGE_TOKEN = env.text("EDGE_TOKEN", example="40 random characters", secret=True)

# --- Tenancy ------------------------------------------------------------------------------------
SHARED_APPS = [
    "config",
    "tenants",  # before django_tenants: its `migrate` replays compiled SQL per schema
    "django_tenants",
    "tenants.accounts",
    "ops.kernel.audit",
    "ops.kernel.alerts",
    "ops.kernel.configuration",
    "ops.kernel.idempotency",
    "ops.kernel.outbox",
    "ops.kernel.metering",
    "ops.monitor",
    "ops.backups",
    "billing",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "channels",
    "rest_framework",
    "dj_rest_auth",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "lucide",
    "csp",
]
TENANT_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "tenants.accounts",
    "ops.kernel.audit",
    "ops.kernel.alerts",
    "ops.kernel.configuration",
    "ops.kernel.idempotency",
    "ops.kernel.webhooks",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "chat",
    "media_studio",
    "offers",
    "ops.edge",
    "ops.ml",
    "ops.privacy",
]
INSTALLED_APPS = SHARED_APPS + [app for app in TENANT_APPS if app not in SHARED_APPS]
TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
TENANT_LIMIT_SET_CALLS = True  # one SET search_path a switch, not a query; needs django-tenants >= 4.0.1
PUBLIC_SCHEMA_NAME = "public"
ROOT_URLCONF = "config.urls_tenant"
PUBLIC_SCHEMA_URLCONF = "config.urls_public"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
SHOW_PUBLIC_IF_NO_TENANT_FOUND = False

# --- PostgreSQL and Redis -----------------------------------------------------------------------
_run = VAR_DIR / "run"
DATABASE_URL = env.url(
    "DATABASE_URL",
    schemes={"postgres", "postgresql"},
    default=f"postgres://app@/app?host={_run}",
    example="postgres://user:password@db.example:5432/balcao",
    secret=True,
)
DATABASE_REPLICA_URL = env.url(
    "DATABASE_REPLICA_URL",
    schemes={"postgres", "postgresql"},
    example="postgres://user:password@replica.example:5432/balcao",
    secret=True,
)
DATABASE_POOL_SIZE = env.integer("DATABASE_POOL_SIZE", default=16, low=1, high=500)
# Schemas the worker keeps formed for the next customers.
READY_SCHEMAS = env.integer("READY_SCHEMAS", default=2, low=0, high=50)


def _database(address: str) -> dict[str, object]:
    parts = conninfo_to_dict(address)
    known = {"dbname", "user", "password", "host", "port"}
    return {
        "ENGINE": "django_tenants.postgresql_backend",
        "NAME": parts.get("dbname", "app"),
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": str(parts.get("port", "") or ""),
        "CONN_MAX_AGE": 0,  # the pool keeps connections; a second keeper would hold them twice
        "CONN_HEALTH_CHECKS": True,  # one round trip a checkout; else each connection fails once after a restart
        "OPTIONS": {
            **{name: value for name, value in parts.items() if name not in known},
            "pool": {"min_size": 1, "max_size": DATABASE_POOL_SIZE, "timeout": 10, "max_idle": 120},
        },
    }


DATABASES = {"default": _database(DATABASE_URL)}
if DATABASE_REPLICA_URL:
    DATABASES["replica"] = _database(DATABASE_REPLICA_URL)

REDIS_URL = env.url(
    "REDIS_URL",
    schemes={"redis", "rediss", "unix"},
    default=f"unix://{_run / 'redis.sock'}?db=0",
    example="redis://:password@redis.example:6379/0",
    secret=True,
)


def _redis_number(address: str) -> str:
    """Number of the Redis database: Redis delivers published messages across all of them, so names must carry it."""
    parts = urlsplit(address)
    return parse_qs(parts.query).get("db", [parts.path.lstrip("/") if parts.scheme != "unix" else ""])[0] or "0"


def broker_url(address: str) -> str:
    """Celery spells a Unix socket `redis+socket://path?virtual_host=db`."""
    if not address.startswith("unix:"):
        return address
    parts = urlsplit(address)
    return f"redis+socket://{parts.path}?virtual_host={parse_qs(parts.query).get('db', ['0'])[0]}"


CACHES = {
    "default": {
        "BACKEND": "ops.kernel.caching.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
        "KEY_FUNCTION": "django_tenants.cache.make_key",
        "REVERSE_KEY_FUNCTION": "django_tenants.cache.reverse_key",
        "TIMEOUT": 300,
        # No page waits for a cache that does not answer.
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 1},
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "ops.kernel.layer.LocalFirstLayer",
        # redis-py caps the pool at 100 connections, far below the sockets of one process.
        "CONFIG": {
            "hosts": [{"address": REDIS_URL, "max_connections": 5000}],
            "prefix": f"live{_redis_number(REDIS_URL)}",
        },
    }
}

# --- Celery -------------------------------------------------------------------------------------
CELERY_BROKER_URL = broker_url(REDIS_URL)
CELERY_RESULT_BACKEND = CELERY_BROKER_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {"global_keyprefix": "celery:", "visibility_timeout": 3600}
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"global_keyprefix": "celery:"}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_EXPIRES = 3600
CELERY_TASK_SOFT_TIME_LIMIT = 600
CELERY_TASK_TIME_LIMIT = 660
CELERY_TIMEZONE = "America/Sao_Paulo"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# --- Web ----------------------------------------------------------------------------------------
ASGI_APPLICATION = "config.asgi.application"
WSGI_APPLICATION = "config.wsgi.application"
MIDDLEWARE = [
    "ops.kernel.context.RequestIdMiddleware",
    "ops.monitor.middleware.HealthMiddleware",  # answers on every host, before the tenant is looked up
    "tenants.middleware.EdgeMiddleware",  # the edge asks at any address whether a certificate may be had
    "tenants.middleware.TenantMiddleware",
    "billing.middleware.ApiRateMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "tenants.middleware.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "tenants.middleware.CsrfMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tenants.accounts.middleware.LoginMiddleware",
    "tenants.middleware.SupportMiddleware",
    "tenants.middleware.StatusGateMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "ops.kernel.errors.DomainErrorMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tenants.context_processors.brand",
                "tenants.context_processors.shell",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static", "lucide.templatetags.lucide"],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
APPEND_SLASH = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Who may come in ----------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["tenants.accounts.backends.RoleBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "tenants.accounts.services.passwords.GuessableValidator"},
]
LOGIN_URL = reverse_lazy("accounts:login")
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = LOGIN_URL
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_NAME = "session"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = False  # our own modules read it for fetch()
CSRF_FAILURE_VIEW = "config.views.csrf_failure"

ACCOUNT_ADAPTER = "tenants.accounts.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
# allauth's HMAC keys sign only a number and so work in every tenant; rows of the tenant's own schema do not.
ACCOUNT_EMAIL_CONFIRMATION_HMAC = False
MFA_ADAPTER = "tenants.accounts.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]

REST_AUTH = {
    "USE_JWT": True,
    "TOKEN_MODEL": None,
    "SESSION_LOGIN": False,
    "JWT_AUTH_HTTPONLY": False,
    "USER_DETAILS_SERIALIZER": "tenants.accounts.api.serializers.UserSerializer",
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "SIGNING_KEY": SECRET_KEY,
    "USER_ID_FIELD": "id",
    "USER_ID_CLAIM": "sub",
    "UPDATE_LAST_LOGIN": False,
}

# --- API ----------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tenants.accounts.authentication.SchemaJWTAuthentication",
        "tenants.accounts.authentication.TokenAuthentication",
        "tenants.accounts.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["ops.kernel.api.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "ops.kernel.pagination.CursorPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_THROTTLE_CLASSES": ["billing.api.throttling.PlanThrottle"],
    "DEFAULT_SCHEMA_CLASS": "ops.kernel.openapi.AutoSchema",
    # The OpenAPI document describes the API; DRF's own answer to OPTIONS asks views for rows they do not have.
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "ops.kernel.api.exception_handler",
    "PAGE_SIZE": 50,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "API",
    "VERSION": "1.0.0",
    "DESCRIPTION": "REST API of one tenant. The tenant is the host the request is sent to.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "TransferStateEnum": "chat.enums.TransferState",
        "ExportKindEnum": "chat.enums.ExportKind",
        "AssignmentModeEnum": "chat.enums.AssignmentMode",
        "ConversationStatusEnum": "chat.enums.Status",
        "DirectionEnum": "chat.enums.Direction",
        "MessageKindEnum": "chat.enums.Kind",
        "AttachmentKindEnum": "chat.enums.AttachmentKind",
        "AttachmentStateEnum": "chat.enums.AttachmentState",
        "AgentStateEnum": "chat.enums.Availability",
        "NotificationKindEnum": "chat.enums.NotificationKind",
        "TokenKindEnum": "tenants.accounts.enums.TokenKind",
        "CampaignKindEnum": "chat.enums.CampaignKind",
        "CampaignStateEnum": "chat.enums.CampaignState",
        "RecipientStateEnum": "chat.enums.RecipientState",
        "ChurnBandEnum": "chat.enums.ChurnBand",
        "IdentityProviderKindEnum": "tenants.accounts.enums.IdentityProviderKind",
        "LanguageCodeEnum": ["pt-br", "en"],
        "LanguageEnum": "config.settings.LANGUAGES",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "ops.kernel.openapi.describe_the_house",
    ],
}

# --- Security headers ---------------------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if not DEBUG:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = env.boolean("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^health", r"^metrics"]
    SECURE_HSTS_SECONDS = 31_536_000
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "media-src": [SELF, "blob:"],
        "worker-src": [SELF],
        "frame-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- Languages ----------------------------------------------------------------------------------
LANGUAGE_CODE = "pt-br"
LANGUAGES = [("pt-br", _("Portuguese (Brazil)")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["config.formats"]
TIME_ZONE = "America/Sao_Paulo"
USE_I18N = True
USE_TZ = True

# --- Files --------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = VAR_DIR / "media"
MEDIA_URL = "/media/"
MULTITENANT_RELATIVE_MEDIA_ROOT = "tenants/%s"
STORAGE_URL = env.url(
    "STORAGE_URL",
    schemes={"file", "s3"},
    default=f"file://{MEDIA_ROOT}",
    example="s3://bucket?endpoint=https://s3.example",
    secret=True,
)
STORAGES = {
    "default": {"BACKEND": "config.storages.MediaStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "config.storages.HashedStaticStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG

# The virus scanner that looks at uploads: ClamAV's daemon by TCP or by its socket. Empty: files are not scanned.
CLAMD_URL = env.url("CLAMD_URL", schemes={"tcp", "unix"}, example="tcp://clamav.example:3310")

# --- Calls --------------------------------------------------------------------------------------
# What browsers find each other by; without any, calls work inside one network only.
STUN_URLS = env.words("STUN_URLS", default=[], example="stun:stun.example:3478")
TURN_URLS = env.words("TURN_URLS", default=[], example="turn:turn.example:3478,turns:turn.example:5349")
TURN_SECRET = env.text("TURN_SECRET", example="coturn's static-auth-secret", secret=True)

# --- Mail ---------------------------------------------------------------------------------------
EMAIL_URL = env.url(
    "EMAIL_URL",
    schemes={"smtp", "smtps", "console", "file"},
    example="smtp://user:password@mail.example:587",
    secret=True,
)
DEFAULT_FROM_EMAIL = env.text(
    "DEFAULT_FROM_EMAIL",
    default=f"{PLATFORM_NAME} <no-reply@{PLATFORM_DOMAIN}>",
    example="Balcão <no-reply@balcao.com.br>",
)
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# What customers who send from their own domain include in its SPF record: it lists our mail servers.
MAIL_SPF_DOMAIN = env.text("MAIL_SPF_DOMAIN", default=f"spf.{PLATFORM_DOMAIN}", example="spf.balcao.com.br")
EMAIL_TIMEOUT = 10
EMAIL_FILE_PATH = VAR_DIR / "mail"
_mail = urlsplit(EMAIL_URL)
if _mail.scheme in {"smtp", "smtps"}:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = _mail.hostname or "localhost", _mail.port or (465 if _mail.scheme == "smtps" else 587)
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.username or "", _mail.password or ""
    EMAIL_USE_SSL, EMAIL_USE_TLS = _mail.scheme == "smtps", _mail.scheme == "smtp" and bool(_mail.username)
elif _mail.scheme == "console":
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"

# --- Outside services: the platform's own credentials, for tenants that entered none ----------------
OPENAI_API_KEY = env.text("OPENAI_API_KEY", example="sk-…", secret=True)
# Signing in with Google: a client of the platform; without both, nobody is offered it.
GOOGLE_CLIENT_ID = env.text("GOOGLE_CLIENT_ID", example="1234-abcd.apps.googleusercontent.com")
GOOGLE_CLIENT_SECRET = env.text("GOOGLE_CLIENT_SECRET", example="GOCSPX-…", secret=True)

# --- Outside services: where each one answers ---------------------------------------------------
BASE_URLS = {
    service: env.url(f"{service.upper()}_BASE_URL", schemes={"http", "https"}, default=default, example=default)
    for service, default in {
        "openai": "https://api.openai.com/v1",
        "elevenlabs": "https://api.elevenlabs.io",
        "azure_speech": "https://brazilsouth.tts.speech.microsoft.com",
        "google_tts": "https://texttospeech.googleapis.com",
        "google_accounts": "https://accounts.google.com",
        "did": "https://api.d-id.com",
        "stripe": "https://api.stripe.com",
        "paypal": "https://api-m.paypal.com",
        "efi": "https://cobrancas.api.efipay.com.br",
        "telegram": "https://api.telegram.org",
        "whatsapp": "https://graph.facebook.com",
        "twilio": "https://api.twilio.com",
        "amazon": "https://webservices.amazon.com.br",
        "awin": "https://api.awin.com",
        "shopee": "https://open-api.affiliate.shopee.com.br",
        "aliexpress": "https://api-sg.aliexpress.com",
        "mercadolivre": "https://api.mercadolibre.com",
    }.items()
}
# Every browser names its own push service; this sends them all somewhere else, such as a proxy.
BASE_URLS["webpush"] = env.url(
    "WEBPUSH_BASE_URL", schemes={"http", "https"}, default="", example="http://proxy.internal:3128"
)
# Webhooks of customers go to public addresses only, except where they are developed.
WEBHOOK_PRIVATE_ADDRESSES = DEBUG
# Services whose addresses people enter (a language model of one's own, a mail server) too.
SERVICE_PRIVATE_ADDRESSES = env.boolean("SERVICE_PRIVATE_ADDRESSES", default=DEBUG)
# Identity providers too, unless this is a house whose own provider stands in its own network.
SSO_PRIVATE_ADDRESSES = env.boolean("SSO_PRIVATE_ADDRESSES", default=DEBUG)
# Name servers that prove domains; the machine's own when empty.
DNS_SERVERS = env.words("DNS_SERVERS", default=[], example="1.1.1.1,9.9.9.9")

# --- Logs and errors ----------------------------------------------------------------------------
METRICS_TOKEN = env.text("METRICS_TOKEN", example="40 random characters", secret=True)
LOG_LEVEL = env.choice("LOG_LEVEL", options={"DEBUG", "INFO", "WARNING", "ERROR"}, default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "ops.kernel.logging.JsonFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django.db.backends": {"level": "INFO"},
        "daphne": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
    },
}
SENTRY_DSN = env.url("SENTRY_DSN", schemes={"http", "https"}, example="https://key@sentry.example/1", secret=True)
if SENTRY_DSN:
    import sentry_sdk

    sentry_sdk.init(dsn=SENTRY_DSN, send_default_pii=False, traces_sample_rate=0.0)

UNFOLD = {
    "SITE_TITLE": "tenants.console.site_title",
    "SITE_HEADER": "tenants.console.site_title",
    "SITE_SYMBOL": "storefront",
    "SHOW_HISTORY": False,  # what happened to a customer stands on its page, as the audit tells it
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "LANGUAGES": {"action": reverse_lazy("tenants:language")},
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "show_all_applications": False,
        "navigation": "tenants.console.navigation",
    },
}
