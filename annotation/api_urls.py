"""API of annotation."""

from django.urls import URLPattern, path, re_path

from . import api, draft_api, figures_api, model_api, prompt_api, stats_api, talk_api, team_api

urlpatterns: list[URLPattern] = [
    path("pairs/", api.Pairs.as_view(), name="api_pairs"),
    path("pairs/index/", api.PairIndex.as_view(), name="api_pair_index"),
    path("pairs/decide-many/", talk_api.DecideMany.as_view(), name="api_decide_many"),
    path("pairs/undo-many/", talk_api.UndoMany.as_view(), name="api_undo_many"),
    path("pairs/<int:pk>/comments/", talk_api.Comments.as_view(), name="api_comments"),
    path("pairs/<int:pk>/history/", talk_api.History.as_view(), name="api_history"),
    path("pairs/<int:pk>/redraft/", talk_api.Redraft.as_view(), name="api_redraft"),
    path("mentions/", talk_api.Mentions.as_view(), name="api_mentions"),
    path("pairs/<int:pk>/", api.PairDetail.as_view(), name="api_pair"),
    path("pairs/<int:pk>/reviews/", api.Reviews.as_view(), name="api_reviews"),
    path("assignments/", api.Assignments.as_view(), name="api_assignments"),
    path("assignments/<int:pk>/", api.AssignmentDetail.as_view(), name="api_assignment"),
    path("assignments/<int:pk>/renew/", api.Renewal.as_view(), name="api_renewal"),
    path("reviews/<int:pk>/undo/", api.Undo.as_view(), name="api_undo"),
    path("sources/<slug:slug>/draft-runs/", draft_api.DraftRuns.as_view(), name="api_order_drafts"),
    path("sources/<slug:slug>/score-runs/", draft_api.ScoreRuns.as_view(), name="api_order_scores"),
    path("draft-runs/", draft_api.DraftRunList.as_view(), name="api_draft_runs"),
    path("draft-runs/<int:pk>/", draft_api.DraftRunView.as_view(), name="api_draft_run"),
    re_path(r"^draft-runs/(?P<pk>[0-9]{1,18})/(?P<act>pause|resume|stop)/$", draft_api.DraftRunAct.as_view(), name="api_draft_run_act"),
    path("model-calls/", figures_api.ModelCalls.as_view(), name="api_model_calls"),
    path("model-calls/<int:pk>/release/", draft_api.ReleaseCall.as_view(), name="api_release_call"),
    path("prompts/", prompt_api.Prompts.as_view(), name="api_prompts"),
    path("prompts/<str:name>/", prompt_api.Prompt.as_view(), name="api_prompt"),
    path("prompts/<str:name>/diff/<str:other>/", prompt_api.PromptDiff.as_view(), name="api_prompt_diff"),
    path("providers/", model_api.Providers.as_view(), name="api_providers"),
    path("providers/models/", model_api.Offered.as_view(), name="api_offered"),
    path("prices/", model_api.Prices.as_view(), name="api_prices"),
    path("rate-limits/", model_api.RateLimits.as_view(), name="api_rate_limits"),
    path("caps/", model_api.Caps.as_view(), name="api_caps"),
    path("costs/", figures_api.Costs.as_view(), name="api_costs"),
    path("scorecard/", figures_api.Scorecard.as_view(), name="api_scorecard"),
    path("team/", team_api.Team.as_view(), name="api_team"),
    path("sources/<slug:slug>/funnel/", stats_api.Funnel.as_view(), name="api_funnel"),
]
