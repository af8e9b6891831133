"""Settings, all read from the environment. A secret NAME may also be given as NAME_FILE, the path of a file.

Production must set DATABASE_URL, SECRET_KEY and PUBLIC_URL. The quick start (manage.py, `make run`) sets the first two
for its embedded server; see quickstart/environment.py.
"""

from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict
from whitenoise.compress import Compressor

from observability import single_sign_on_settings as sso
from observability.openapi_settings import OPENAPI
from pull.http.hosts import check_hosts
from pull.secrets import check_keys
from server.logging import (
    REQUEST_REFUSED_LEVEL,
    REQUEST_STARTED_LEVEL,
    configure_structlog,
    log_format,
    logging_config,
)

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.FileAwareEnv()


def _stripped(words: list[str]) -> list[str]:
    """Return the values of a setting with commas between them. A file ends with a line end, and people type spaces."""
    return [word.strip() for word in words if word.strip()]


DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY").strip()
# Former values, with commas between them: what they signed or encrypted is still read.
SECRET_KEY_FALLBACKS = _stripped(env.list("SECRET_KEY_FALLBACKS", default=[]))

# Base URL at which browsers and orchestrators reach the product. Endpoint URLs on pages are built from it; if it is
# empty, from the request's host.
PUBLIC_URL = env.str("PUBLIC_URL", default="").rstrip("/")
# Base URL for commands without PUBLIC_URL: the address of the quick start.
LOCAL_URL = env.str("LOCAL_URL", default="http://127.0.0.1:8000").rstrip("/")
SERVED_OVER_TLS = PUBLIC_URL.startswith("https://")

ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS",
    default=[h for h in (urlsplit(PUBLIC_URL).hostname,) if h] or ["localhost", "127.0.0.1", "[::1]"],
)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []

# --- Applications -----------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "observability.apps.ObservabilityConfig",
    "observability.apps.ObservatoryAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "csp",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "template_partials.apps.SimpleAppConfig",
    "quickstart.apps.QuickstartConfig",
    "web.apps.WebConfig",
    "audit.apps.AuditConfig",
    "connections.apps.ConnectionsConfig",
    "lineage.apps.LineageConfig",
    "pull.apps.PullConfig",
    "people.apps.PeopleConfig",
    "api.apps.ApiConfig",
]

MIDDLEWARE = [
    "server.stack.RoomMiddleware",
    "server.health.middleware.HealthMiddleware",
    "server.metrics.access.MetricsMiddleware",
    "server.lost_sessions.RepeatedReads",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # A random number of bytes in each answer hides its length (BREACH); CSRF tokens differ each time, and an API key is
    # shown once.
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "observability.sessions.LastUseMiddleware",
    "audit.middleware.ActorMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "observability.passwords.BusyMiddleware",
    "web.account.required_factor.RequiredFactorMiddleware",
    "observability.time_zone.ReadersTimeZone",
    "django_htmx.middleware.HtmxMiddleware",
    "server.request_lines.RequestLines",
]

ROOT_URLCONF = "observability.urls"
ASGI_APPLICATION = "server.asgi.application"
# Several clients lose an event silently on a redirect, so no URL redirects to add a slash.
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "observability.context.theme",
                "observability.context.zone",
            ],
            "builtins": ["template_partials.templatetags.partials", "django_htmx.templatetags.django_htmx"],
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
        },
    }
]

# --- Database ---------------------------------------------------------------------------------------------

_database = conninfo_to_dict(env.str("DATABASE_URL").strip())
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database.pop("dbname", ""),
        "USER": _database.pop("user", ""),
        "PASSWORD": _database.pop("password", ""),
        "HOST": _database.pop("host", ""),
        "PORT": _database.pop("port", ""),
        "OPTIONS": {
            # Limits for a database server that vanished, so that senders get a response in time.
            "connect_timeout": 2,
            "tcp_user_timeout": 4000,
            "keepalives_idle": 10,
            # Statements are short, and compiling them would take longer than running them. So would planning intake's
            # statements again for each array of keys: they find rows by keys, for any number of keys.
            "options": f"-c jit=off -c plan_cache_mode=force_generic_plan {_database.pop('options', '')}".rstrip(),
            **_database,
            # Intake and pages repeat a few dozen statements, and a session plans each of them once. See
            # docs/decisions/0025-prepared-statements-of-pages.md.
            "prepare_threshold": 1,
            # Under ASGI a pool is needed: persistent connections belong to threads, which come and go. The pool stops
            # connecting at the first failure, and each new request makes it try again. So the product works as soon as
            # PostgreSQL does; the pool's own retries would wait for minutes.
            "pool": {
                "min_size": 1,
                "max_size": env.int("DATABASE_POOL_SIZE", default=16),
                # Senders give up after 5 s. While PostgreSQL is unavailable they get a response well before.
                "timeout": 1,
                "reconnect_timeout": 0,
            },
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People -----------------------------------------------------------------------------------------------

# For permissions; observability.accounts checks passwords.
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["observability.passwords.BoundedArgon2"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# Seconds for which the link works by which an added person sets their password.
PASSWORD_RESET_TIMEOUT = 3 * 24 * 60 * 60
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_ADAPTER = "observability.accounts.ClosedAccountAdapter"
# Instead of allauth's limits: observability/throttle.py.
ACCOUNT_RATE_LIMITS = False
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
# Hours after its last request, and days after signing in, at which a session ends.
SESSION_IDLE_HOURS = env.int("SESSION_IDLE_HOURS", default=12)
SESSION_MAX_DAYS = env.int("SESSION_MAX_DAYS", default=30)
if not (1 <= SESSION_IDLE_HOURS <= 24 * 366 and 1 <= SESSION_MAX_DAYS <= 366):
    raise ImproperlyConfigured("SESSION_IDLE_HOURS and SESSION_MAX_DAYS are whole numbers from 1 up to a year.")
# Of the cookie, in seconds. The row in the database ends earlier: see observability/sessions.py.
SESSION_COOKIE_AGE = SESSION_MAX_DAYS * 24 * 60 * 60

# --- Second step of signing in ------------------------------------------------------------------------------

# Who must have a factor besides the password: off (nobody), administrators, all.
MFA_REQUIRED = env.str("MFA_REQUIRED", default="off")
if MFA_REQUIRED not in {"off", "administrators", "all"}:
    raise ImproperlyConfigured("MFA_REQUIRED is one of off, administrators, all.")
MFA_ADAPTER = "observability.second_step.FactorAdapter"
MFA_FORMS = {
    "add_webauthn": "observability.second_step.AddSecurityKeyForm",
    "authenticate": "observability.second_step.CodeForm",
    "authenticate_webauthn": "observability.second_step.SecurityKeyForm",
    "reauthenticate": "observability.second_step.ConfirmingCodeForm",
    "reauthenticate_webauthn": "observability.second_step.ConfirmingSecurityKeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Observatory"
# Clocks of telephones go wrong by half a minute.
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
# Only administrators set e-mail addresses, and nobody verifies them.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# Instead of allauth's: web/components/confirmation.py.
MFA_REAUTHENTICATION_REQUIRED = False

# --- Single sign-on -------------------------------------------------------------------------------------------

# Identity provider, by OpenID Connect: URL of its issuer. Empty: people sign in by password alone.
OIDC_ISSUER = env.str("OIDC_ISSUER", default="").strip()
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", default="").strip()
# Its name on the button: Sign in with …
OIDC_NAME = env.str("OIDC_NAME", default="single sign-on")
# Claim that holds a person's groups or role, with dots into nested ones, and group=role,…; `*` is everybody.
OIDC_ROLE_CLAIM = env.str("OIDC_ROLE_CLAIM", default="").strip()
OIDC_ROLE_MAP = sso.read_role_map(_stripped(env.list("OIDC_ROLE_MAP", default=[])))
OIDC_ALLOWED_DOMAINS = [domain.lower() for domain in _stripped(env.list("OIDC_ALLOWED_DOMAINS", default=[]))]
# Off: of passwords only that of BREAK_GLASS_ADMINISTRATOR counts.
LOCAL_LOGIN = env.bool("LOCAL_LOGIN", default=True)
BREAK_GLASS_ADMINISTRATOR = env.str("BREAK_GLASS_ADMINISTRATOR", default="").strip()
sso.check(
    issuer=OIDC_ISSUER,
    client_id=OIDC_CLIENT_ID,
    role_claim=OIDC_ROLE_CLAIM,
    role_map=OIDC_ROLE_MAP,
    domains=OIDC_ALLOWED_DOMAINS,
    local_login=LOCAL_LOGIN,
    break_glass=BREAK_GLASS_ADMINISTRATOR,
)
SOCIALACCOUNT_PROVIDERS = sso.providers(
    OIDC_ISSUER, OIDC_CLIENT_ID, env.str("OIDC_CLIENT_SECRET", default="").strip(), OIDC_NAME
)
SOCIALACCOUNT_ADAPTER = "web.account.single_sign_on.SingleSignOnAdapter"

# --- Security ---------------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
# No SECURE_PROXY_SSL_HEADER: Django would believe X-Forwarded-Proto from anybody. The server knows the scheme, from
# proxies that FORWARDED_ALLOW_IPS names.
SECURE_HSTS_SECONDS = 31_536_000 if SERVED_OVER_TLS else 0
# W005, W021: the owner of a domain decides whether all of it is TLS only, not one service on it.
# W008: a redirect to TLS would lose events silently (clients follow it with an empty GET).
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SERVED_OVER_TLS
SESSION_ENGINE = "observability.sessions"
SESSION_COOKIE_NAME = "__Host-session" if SERVED_OVER_TLS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SERVED_OVER_TLS else "csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "observability.errors.csrf_failure"

# --- Intake -----------------------------------------------------------------------------------------------

# Largest body of one request, in bytes, both as received and decompressed.
INTAKE_MAX_BODY_BYTES = env.int("INTAKE_MAX_BODY_BYTES", default=16 * 1024 * 1024)

# --- Fetching ---------------------------------------------------------------------------------------------

# Keys that encrypt passwords and tokens of orchestrators, with commas between them: the first encrypts, all decrypt.
SECRETS_KEY = check_keys(_stripped(env.list("SECRETS_KEY", default=[])))
# Private hosts that may be fetched from: names, addresses and networks, with commas between them.
PULL_ALLOWED_HOSTS = check_hosts(_stripped(env.list("PULL_ALLOWED_HOSTS", default=[])))
# Directory below which files may be fetched. Empty: none.
PULL_LOCAL_ROOT = env.str("PULL_LOCAL_ROOT", default="").strip()

# --- Retention --------------------------------------------------------------------------------------------

# Days for which events are kept after they were received; 0: for ever.
EVENT_RETENTION_DAYS = env.int("EVENT_RETENTION_DAYS", default=90)
if not 0 <= EVENT_RETENTION_DAYS <= 36_500:
    raise ImproperlyConfigured("EVENT_RETENTION_DAYS is a number of days up to 36500, or 0 to keep events for ever.")

# Days for which the audit is kept; 0: for ever. The database refuses to delete younger entries than of 400 days.
AUDIT_RETENTION_DAYS = env.int("AUDIT_RETENTION_DAYS", default=400)
if AUDIT_RETENTION_DAYS != 0 and not 400 <= AUDIT_RETENTION_DAYS <= 36_500:
    raise ImproperlyConfigured("AUDIT_RETENTION_DAYS is a number of days from 400 to 36500, or 0 to keep it for ever.")

# --- Lineage ----------------------------------------------------------------------------------------------

# Draw what senders state in the experimental facet `lineage` in place of what is derived from inputs and outputs.
EXPLICIT_LINEAGE = env.bool("EXPLICIT_LINEAGE", default=True)

# --- API --------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "api.errors.handle_exception",
    # No `?format=`: the Accept header decides.
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = OPENAPI

# --- Static files, language, time ---------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "observability.static_files.StaticFiles"},
}
# Source maps are only for a browser's debugger, and compressing them takes as long as all other files.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = [*Compressor.SKIP_COMPRESS_EXTENSIONS, "map"]
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# --- Metrics ----------------------------------------------------------------------------------------------

# Bearer token for scrapers of /metrics. Empty: only administrators can read it, when they are signed in.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="").strip()
if 0 < len(METRICS_TOKEN) < 20:
    raise ImproperlyConfigured("METRICS_TOKEN is too short to be secret: use 20 characters or more.")

# --- Logs -------------------------------------------------------------------------------------------------

# LOG_FORMAT: json (the default), or console.
LOGGING = logging_config(log_format())
configure_structlog()
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = REQUEST_STARTED_LEVEL
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = REQUEST_REFUSED_LEVEL
