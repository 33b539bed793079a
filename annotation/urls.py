"""Pages of annotation."""

from django.urls import path, re_path

from . import call_views, cost_views, draft_views, list_views, model_views, prompt_views, stats_views, talk_views, team_views, views

app_name = "annotation"
urlpatterns = [
    path("review/", views.review, name="review"),
    path("review/decide/", views.decide, name="decide"),
    path("review/skip/", views.skip, name="skip"),
    path("review/undo/", views.undo, name="undo"),
    path("review/renew/", views.renew, name="renew"),
    path("review/ahead/", views.ahead, name="ahead"),
    path("review/autosave/", views.autosave, name="autosave"),
    path("review/diff/", views.diff, name="diff"),
    path("review/keys/", views.keys, name="keys"),
    path("review/items/", list_views.items, name="items"),
    path("review/find/", list_views.find, name="find"),
    path("review/items/decide/", list_views.bulk, name="bulk"),
    path("review/items/undo/", list_views.undo_bulk, name="undo_bulk"),
    path("review/comment/", talk_views.comment, name="comment"),
    path("review/mentions/", talk_views.mentions, name="mentions"),
    re_path(r"^review/items/(?P<pk>[0-9]{1,18})/history/$", talk_views.history, name="history"),
    re_path(r"^review/items/(?P<pk>[0-9]{1,18})/redraft/$", talk_views.redraft, name="redraft"),
    path("drafting/", draft_views.runs, name="draft_runs"),
    path("drafting/order/", draft_views.order, name="draft_order"),
    path("drafting/<int:pk>/", draft_views.run_page, name="draft_run"),
    re_path(r"^drafting/(?P<pk>[0-9]{1,18})/(?P<name>pause|resume|stop)/$", draft_views.act, name="draft_act"),
    path("drafting/calls/", call_views.calls, name="draft_calls"),
    path("drafting/calls/release/", call_views.release_many, name="draft_release_many"),
    path("drafting/calls/<int:pk>/release/", call_views.release, name="draft_release"),
    path("drafting/prompts/", prompt_views.prompts, name="prompts"),
    path("drafting/prompts/new/", prompt_views.new_prompt, name="prompt_new"),
    path("drafting/prompts/compare/", prompt_views.compare, name="prompt_compare"),
    path("drafting/prompts/<int:pk>/", prompt_views.prompt_page, name="prompt"),
    path("drafting/models/", model_views.models, name="draft_models"),
    path("drafting/models/offered/", model_views.offered_models, name="draft_offered"),
    path("drafting/models/one/", model_views.model_page, name="draft_model"),
    path("drafting/caps/", model_views.set_cap, name="draft_cap"),
    path("drafting/costs/", cost_views.cost_page, name="draft_costs"),
    path("drafting/scorecard/", cost_views.scorecard_page, name="draft_scorecard"),
    path("team/", team_views.team_page, name="team"),
    path("team/<slug:name>.csv", team_views.team_file, name="team_file"),
    path("sources/<slug:slug>/at/", stats_views.posts_at, name="posts_at"),
]
