"""The URLs of the pages, without trailing slashes."""

from allauth.account import views as allauth
from django.urls import URLPattern, URLResolver, path

from web.account import (
    account,
    factors,
    password,
    password_link,
    second_step,
    sign_in,
    single_sign_on,
    theme,
    time_zone,
)
from web.administration import audit, people
from web.components import favicon
from web.connections import (
    access,
    add,
    api_keys,
    check,
    connections_list,
    fetching,
    overview,
    privacy,
    remove,
    rename,
    routes,
    settings,
    workspace_keys,
)
from web.datasets import dataset, datasets
from web.jobs import job, jobs
from web.lineage import page
from web.now import page as now
from web.runs import run, runs
from web.search import search

urlpatterns: list[URLPattern | URLResolver] = [
    path("", now.now_page, name="home"),
    path("sign-in", sign_in.sign_in, name="account_login"),
    path("sign-in/inactive", allauth.account_inactive, name="account_inactive"),
    path("sign-in/sso", single_sign_on.start, name="sso"),
    # The name and its argument are allauth's.
    path(
        "sign-in/sso/callback",
        single_sign_on.callback,
        {"provider_id": single_sign_on.PROVIDER_ID},
        name="openid_connect_callback",
    ),
    path("sign-in/second-step", second_step.second_step, name="mfa_authenticate"),
    path("sign-out", allauth.logout, name="account_logout"),
    path("account", account.account, name="account"),
    path("account/password", password.change_password, name="password_change"),
    path("account/factors", factors.factors, name="factors"),
    path("account/factors/app", factors.add_app, name="mfa_activate_totp"),
    path("account/factors/key", factors.add_key, name="mfa_add_webauthn"),
    path("account/factors/<int:factor_id>/remove", factors.remove, name="factor_remove"),
    path("account/recovery-codes", factors.codes, name="mfa_view_recovery_codes"),
    path("account/recovery-codes/make", factors.make_codes, name="mfa_generate_recovery_codes"),
    path("account/sessions/end", account.end_sessions, name="sessions_end"),
    path("account/tokens/create", account.create_token, name="token_create"),
    path("account/tokens/<uuid:token_id>/delete", account.delete_token, name="token_delete"),
    path("workspace-keys", workspace_keys.workspace_keys, name="workspace_keys"),
    path("workspace-keys/add", workspace_keys.add, name="workspace_key_add"),
    path("workspace-keys/<uuid:workspace_key_id>/delete", workspace_keys.delete, name="workspace_key_delete"),
    path("account/password/<str:uidb64>/<str:token>", password_link.password_link, name="password_link"),
    path("people", people.people, name="people"),
    path("people/add", people.add, name="person_add"),
    path("people/<int:person_id>/role", people.role, name="person_role"),
    path("people/<int:person_id>/link", people.link, name="person_link"),
    path("people/<int:person_id>/factors/remove", people.remove_person_factors, name="person_factors_remove"),
    path("people/<int:person_id>/deactivate", people.deactivate_person, name="person_deactivate"),
    path("people/<int:person_id>/reactivate", people.reactivate_person, name="person_reactivate"),
    path("audit", audit.audit, name="audit"),
    path("audit.csv", audit.audit_csv, name="audit_csv"),
    path("favicon.ico", favicon.favicon, name="favicon"),
    path("theme", theme.choose_theme, name="theme"),
    path("time-zone", time_zone.time_zone, name="time_zone"),
    path("jobs", jobs.jobs, name="jobs"),
    path("runs", runs.runs, name="runs"),
    path("datasets", datasets.datasets, name="datasets"),
    path("datasets/<uuid:dataset_id>", dataset.dataset, name="dataset"),
    path("search", search.search, name="search"),
    path("lineage", page.lineage, name="lineage"),
    path("connections", connections_list.connections, name="connections"),
    path("connections/add", add.add_connection, name="connection_add"),
    path("connections/<uuid:connection_id>/rename", rename.rename, name="connection_rename"),
    path("connections/<uuid:connection_id>/privacy", privacy.privacy, name="connection_privacy"),
    path("connections/<uuid:connection_id>/remove", remove.remove, name="connection_remove"),
    path("connections/<uuid:connection_id>", overview.connection_overview, name="connection_overview"),
    path("connections/<uuid:connection_id>/jobs/<uuid:job_id>", job.job, name="job"),
    path("connections/<uuid:connection_id>/settings", settings.connection_settings, name="connection_settings"),
    path("connections/<uuid:connection_id>/access/visibility", access.visibility, name="access_visibility"),
    path("connections/<uuid:connection_id>/access/add", access.add_member, name="access_add"),
    path("connections/<uuid:connection_id>/access/<int:access_id>/remove", access.remove_member, name="access_remove"),
    path("connections/<uuid:connection_id>/runs/<uuid:run_id>", run.run, name="run"),
    path("connections/<uuid:connection_id>/runs/<uuid:run_id>/events/<uuid:event_id>", run.run_event, name="run_event"),
    path(
        "connections/<uuid:connection_id>/runs/<uuid:run_id>/events/<uuid:event_id>.json",
        run.run_event_json,
        name="run_event_json",
    ),
    path("connections/<uuid:connection_id>/routes/add", routes.add, name="route_add"),
    path("connections/<uuid:connection_id>/routes/<int:route_id>/remove", routes.remove, name="route_remove"),
    path("connections/<uuid:connection_id>/fetching", fetching.fetching, name="fetching"),
    path("connections/<uuid:connection_id>/fetching/test", fetching.test_fetching, name="fetching_test"),
    path("connections/<uuid:connection_id>/fetching/check", check.check_fetching, name="fetching_check"),
    path("connections/<uuid:connection_id>/fetching/remove", fetching.remove, name="fetching_remove"),
    path("connections/<uuid:connection_id>/fetching/sync", fetching.sync_now, name="fetching_sync"),
    path("connections/<uuid:connection_id>/fetching/pause", fetching.pause_fetching, name="fetching_pause"),
    path("connections/<uuid:connection_id>/fetching/resume", fetching.resume_fetching, name="fetching_resume"),
    path("connections/<uuid:connection_id>/keys/generate", api_keys.generate, name="api_key_generate"),
    path("connections/<uuid:connection_id>/keys/<uuid:key_id>/delete", api_keys.delete, name="api_key_delete"),
]
