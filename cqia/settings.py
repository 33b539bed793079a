"""All settings, once. What differs between a laptop and a server is an environment variable; the names are in the README."""

import os
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from cqia import sentry
from cqia.api_tags import API_TAGS
from cqia.provider_presets import providers
from cqia.strictness import read_secret_files, weaknesses

read_secret_files(os.environ)
env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(env.str("CQIA_VAR", default=str(BASE_DIR / "var"))).resolve()
PROCESS = env.str("CQIA_PROCESS", default="command")  # web | worker | command: who is asking decides how long it may wait

SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is not set. `manage.py` makes one under var/; a server is given its own.")
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])  # earlier keys: what they signed and sealed stays good
HTTPS = env.bool("CQIA_HTTPS", default=False)  # behind a proxy that speaks TLS
PUBLIC_URL = env.str("CQIA_URL", default="").rstrip("/")  # under which people reach it: for links that commands print
TRUSTED_PROXIES = env.list("CQIA_TRUSTED_PROXIES", default=[])  # addresses, networks or `unix`, whose X-Forwarded-For is believed
if wrong := weaknesses(key=SECRET_KEY, debug=DEBUG, https=HTTPS, hosts=ALLOWED_HOSTS, origins=CSRF_TRUSTED_ORIGINS):
    raise ImproperlyConfigured(". ".join(wrong))

INSTALLED_APPS = [
    "cqia",
    "accounts",
    "sources",
    "annotation",
    "datasets",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "cqia.watching.Watching",
    "cqia.middleware.ContentSecurityPolicy",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "cqia.middleware.DatabaseDown",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.SecondFactorDemanded",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.idempotency.IdempotencyKeys",
]
ROOT_URLCONF = "cqia.urls"
WSGI_APPLICATION = "cqia.wsgi.application"
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
                "cqia.context.shell",
            ]
        },
    }
]

# --- data -------------------------------------------------------------------------------------------------------------
DATABASES = {"default": env.db_url_config(env.str("DATABASE_URL", default="postgresql:///zhumo"))}
DATABASES["default"]["CONN_MAX_AGE"] = 600 if PROCESS == "web" else 0  # cqia.connections sees to those that have ended
# A machine that is cut off says no farewell: the database looks for itself, and frees what it held, within half a minute.
_limits = {"idle_in_transaction_session_timeout": 30_000, "tcp_user_timeout": 30_000}
_limits |= {"tcp_keepalives_idle": 10, "tcp_keepalives_interval": 5, "tcp_keepalives_count": 3}
if PROCESS == "web":  # nobody waits longer for a page; migrations and bulk work may
    _limits |= {"statement_timeout": 15_000, "lock_timeout": 3_000}
if PROCESS == "worker":  # work in the background gives way (cqia.tuning), and what it would start in the database would not
    _limits |= {"max_parallel_workers_per_gather": 0}
DATABASES["default"].setdefault("OPTIONS", {})
_wait = 2 if PROCESS == "web" else 4  # once for a connection that is gone, once for a new one: 503 within 5 s
DATABASES["default"]["OPTIONS"] |= {"connect_timeout": _wait}
# Statements are prepared where the code asks for it (accounts.rows), however seldom they come. Without a number psycopg prepares none.
DATABASES["default"]["OPTIONS"] |= {"prepare_threshold": 1_000_000}
DATABASES["default"]["OPTIONS"] |= {"tcp_user_timeout": _wait * 1000, "keepalives_idle": 20, "keepalives_interval": 5}
DATABASES["default"]["OPTIONS"] |= {"options": " ".join(f"-c {k}={v}" for k, v in _limits.items())}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- background work: rows are the queue, messages are hints ----------------------------------------------------------
REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "work"
CELERY_TASK_ROUTES = {"annotation.tasks.draft*": {"queue": "draft"}}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
_patience = 5 if PROCESS == "worker" else 1  # a request does not hang because the broker does
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": _patience, "socket_connect_timeout": _patience}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2}
CELERY_BEAT_SCHEDULE = {
    name: {"task": name, "schedule": 5.0}
    for name in (
        "sources.tasks.resend_hints",
        "annotation.tasks.draft_resend_hints",
        "datasets.tasks.resend_hints",
    )
}

# --- people -----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.LimitedPasswords"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL, LOGIN_REDIRECT_URL, LOGOUT_REDIRECT_URL = "login", "home", "login"
SESSION_ENGINE, SESSION_COOKIE_AGE = "accounts.sessions", 14 * 24 * 3600
REQUIRE_TOTP = env.bool("CQIA_REQUIRE_TOTP", default=False)  # of admins
OIDC_ISSUER = env.str("OIDC_ISSUER", default="")  # single sign-on, where one is named
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", default="")
OIDC_NAME = env.str("OIDC_NAME", default="SSO")  # as the button says
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="dummymail://")
vars().update(EMAIL_CONFIG)  # EMAIL_HOST and its like, as Django wants them
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("EMAIL_FROM", default="zhumo@localhost")
EMAIL_TIMEOUT = 10

# --- over HTTP --------------------------------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
if HTTPS:  # a browser takes such a cookie only from this very host, over TLS
    SESSION_COOKIE_NAME = "__Host-session"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY, LANGUAGE_COOKIE_HTTPONLY = True, True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "cqia.views.csrf_failure"
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
FILE_UPLOAD_TEMP_DIR = None
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000

# Requests a minute through the API, of each token, by the role of its person. CQIA_API_RATE multiplies them; 0: no limit.
API_RATES = {
    role: round(number * env.float("CQIA_API_RATE", default=1.0))
    for role, number in {"viewer": 1_200, "reviewer": 3_000, "lead": 3_000, "admin": 6_000}.items()
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.parsing.Json"],
    "DEFAULT_SCHEMA_CLASS": "accounts.schema.ApiSchema",
    "DEFAULT_PAGINATION_CLASS": "accounts.api.Cursor",
    "DEFAULT_THROTTLE_CLASSES": ["accounts.throttling.PerToken"],
    "EXCEPTION_HANDLER": "accounts.api.problem",
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Zhumo",
    "DESCRIPTION": "Posts come in, pairs are drafted, people decide, datasets go out.",
    "VERSION": "1",
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "cqia.openapi.finish"],
    "TAGS": [{"name": name, "description": text} for name, text in API_TAGS.items()],
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "ENUM_NAME_OVERRIDES": {
        "ListKind": "sources.models.TextList.Kind",
        "PreviewStatus": "sources.models.Preview.State",
        "EntryVerdict": "annotation.models.Review.Verdict",
    },
}

# --- what people read -------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("zh-hant", "繁體中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
USE_TZ, TIME_ZONE = True, env.str("TIME_ZONE", default="Asia/Shanghai")
USE_THOUSAND_SEPARATOR = False
PRODUCT_NAME = _("Zhumo")

# --- files ------------------------------------------------------------------------------------------------------------
STATIC_URL, STATIC_ROOT, STATICFILES_DIRS = "/static/", VAR / "static", [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "cqia.static_files.HashedFiles"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = False
UPLOADS, DATASET_FILES = VAR / "uploads", VAR / "datasets"
AUDIT_ANCHORS = VAR / "audit"  # where the audit log's chain stood: not in the database, so that nobody changes both
DATASET_BUCKET = env.str("CQIA_BUCKET", default="")  # files of datasets go to this S3-compatible bucket; keys as boto3 finds them
DATASET_BUCKET_ENDPOINT = env.str("CQIA_BUCKET_ENDPOINT", default="")  # empty: Amazon's
DATASET_BUCKET_PREFIX = env.str("CQIA_BUCKET_PREFIX", default="")
FETCH = env.bool("CQIA_FETCH", default=True)  # whether an admin may name a file by its URL: see docs/adr/0007

# --- the models that draft --------------------------------------------------------------------------------------------
OPENAI_MODEL = env.str("OPENAI_MODEL", default="")  # meant where no model is named; may be `provider:model`
OPENAI_BASE_URL = env.str("OPENAI_BASE_URL", default="")
LLM_PROVIDERS = providers(env, env.list("CQIA_PROVIDERS", default=["openai"]))
DRAFT_IN_FLIGHT = max(1, env.int("CQIA_DRAFT_IN_FLIGHT", default=64))  # calls at once, of each worker process
LLM_TIMEOUT = env.float("LLM_TIMEOUT", default=60.0)  # seconds for a whole call; the key stays in the environment

# --- what those who run it see ----------------------------------------------------------------------------------------
METRICS_TOKEN = env.str("CQIA_METRICS_TOKEN", default="")  # without one, /metrics answers on this machine alone
LOG_FORMAT = env.str("CQIA_LOG", default="line")  # line | json
if SENTRY_DSN := env.str("SENTRY_DSN", default=""):
    sentry.start(SENTRY_DSN, env.str("SENTRY_ENVIRONMENT", default="production"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "cqia.logs.Formatter"}, "json": {"()": "cqia.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "cqia.access": {"level": "INFO" if LOG_FORMAT == "json" else "WARNING"},
        "httpx": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        # One line for each hint, every few seconds: the rows tell what was done.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}
