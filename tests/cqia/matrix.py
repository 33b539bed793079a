"""Who may do what: for each address and method the least role. The only list of it; tests/cqia/test_permissions.py walks it.

`anyone` needs no account. What is not named is not there (405). Everybody below gets 403, strangers and the disabled the sign-in
page, or 401 of the API. `*`: somebody's own, and for others with the role it does not exist (404). What of sources and datasets
a person may see at all is another matter: `Source.reviewers`, `Dataset.readers`.
"""

# What an address needs to have something to show.
QUERIES = {
    "/sources/<slug>/at/": {"stage": "accepted"},
    "/drafting/prompts/compare/": {"a": "{prompt}", "b": "{prompt}"},
}
MATRIX = """
GET:anyone                        /
GET:anyone                        /healthz
GET:anyone                        /readyz
GET:anyone                        /metrics
POST:anyone                       /i18n/setlang/
GET:anyone POST:anyone            /accounts/login/
POST:anyone                       /accounts/logout/
GET:viewer POST:viewer            /accounts/password/
GET:anyone POST:anyone            /accounts/code/
GET:anyone POST:anyone            /accounts/enrol/
GET:anyone                        /accounts/sso/
GET:anyone                        /accounts/sso/back/
GET:anyone POST:anyone            /accounts/forgotten/
GET:anyone POST:anyone            /accounts/link/
GET:anyone                        /accounts/link/<secret>/
GET:viewer                        /accounts/me/
POST:viewer                       /accounts/me/tokens/
POST:viewer*                      /accounts/me/tokens/<pk>/revoke/
POST:viewer                       /accounts/me/sessions/end/
GET:viewer POST:viewer            /accounts/me/factor/
GET:anyone                        /accounts/me/factor/picture.svg
POST:viewer                       /accounts/me/factor/off/
GET:admin                         /accounts/people/
POST:admin                        /accounts/people/invite/
POST:admin                        /accounts/people/invitations/<pk>/withdraw/
POST:admin                        /accounts/people/tokens/<pk>/revoke/
GET:admin                         /accounts/people/<pk>/
POST:admin                        /accounts/people/<pk>/<act>/
GET:admin                         /accounts/audit/
GET:lead                          /sources/
GET:admin POST:admin              /sources/new/
POST:admin                        /sources/new/preview/
GET:admin POST:admin              /sources/import/
POST:admin                        /sources/import/fetch/
GET:admin                         /sources/fetches/<pk>/
GET:admin                         /sources/fetches/<pk>/progress/
GET:lead                          /sources/imports/<pk>/
GET:lead                          /sources/imports/<pk>/progress/
POST:admin                        /sources/imports/<pk>/cancel/
POST:admin                        /sources/imports/<pk>/resume/
POST:admin                        /sources/imports/<pk>/roll-back/
GET:lead                          /sources/imports/<pk>/rejected.<kind>
POST:admin                        /sources/fetches/<pk>/cancel/
GET:admin                         /sources/dry-runs/<pk>/
GET:admin                         /sources/dry-runs/<pk>/progress/
POST:admin                        /sources/dry-runs/<pk>/again/
POST:admin                        /sources/dry-runs/<pk>/import/
POST:admin                        /sources/dry-runs/<pk>/discard/
GET:admin                         /sources/dry-runs/<pk>/rows.<kind>
POST:admin                        /sources/dry-runs/<pk>/rows/<row>/keep/
POST:admin                        /sources/dry-runs/<pk>/<act>/
POST:admin                        /sources/rescues/<pk>/undo/
GET:admin                         /sources/previews/<pk>/
GET:admin                         /sources/previews/<pk>/progress/
POST:admin                        /sources/previews/<pk>/cancel/
POST:admin                        /sources/previews/<pk>/apply/
GET:admin POST:admin              /sources/lists/
POST:admin                        /sources/lists/<pk>/remove/
GET:lead                          /sources/<slug>/
GET:admin POST:admin              /sources/<slug>/edit/
POST:admin                        /sources/<slug>/edit/preview/
POST:admin                        /sources/<slug>/edit/forget-mapping/
GET:admin POST:admin              /sources/<slug>/screens/
POST:admin                        /sources/<slug>/preview/
GET:lead                          /sources/<slug>/rejected/
GET:lead                          /sources/<slug>/clusters/
POST:admin                        /sources/<slug>/clusters/decide/
GET:lead                          /sources/<slug>/posts/
POST:admin                        /sources/<slug>/posts/rescue/
GET:admin POST:admin              /sources/<slug>/import/
POST:admin                        /sources/<slug>/import/fetch/
GET:reviewer                      /review/
POST:reviewer                     /review/decide/
POST:reviewer                     /review/skip/
POST:reviewer                     /review/undo/
POST:reviewer                     /review/renew/
POST:reviewer                     /review/ahead/
POST:reviewer                     /review/autosave/
POST:reviewer                     /review/diff/
POST:reviewer                     /review/keys/
GET:reviewer                      /review/items/
GET:reviewer                      /review/me/
POST:reviewer                     /review/me/goal/
GET:lead                          /team/
GET:lead                          /team/<name>.csv
GET:lead                          /api/v1/team/
GET:reviewer                      /review/find/
POST:lead                         /review/items/decide/
POST:lead                         /review/items/undo/
POST:reviewer                     /review/comment/
DELETE:admin                      /api/v1/lists/<pk>/
GET:reviewer                      /api/v1/mentions/
GET:reviewer POST:reviewer        /api/v1/pairs/<pk>/comments/
GET:reviewer                      /api/v1/pairs/<pk>/history/
POST:reviewer                     /api/v1/pairs/<pk>/redraft/
GET:reviewer PUT:reviewer         /api/v1/pairs/<pk>/autosave/
POST:lead                         /api/v1/pairs/decide-many/
POST:lead                         /api/v1/pairs/undo-many/
POST:admin                        /api/v1/previews/<pk>/cancel/
POST:admin                        /api/v1/previews/<pk>/apply/
GET:admin                         /datasets/<slug>/freeze/offer/
GET:lead                          /api/v1/agreement/
POST:lead                         /api/v1/pairs/<pk>/adjudication/
POST:lead                         /api/v1/pairs/<pk>/assign/
GET:lead                          /api/v1/pairs/<pk>/dispute/
POST:lead                         /api/v1/pairs/<pk>/release/
POST:lead                         /api/v1/pairs/<pk>/reopen/
POST:lead                         /api/v1/reviews/<pk>/close/
POST:reviewer*                    /api/v1/reviews/<pk>/return/
GET:lead                          /review/agreement/
GET:reviewer* POST:reviewer*      /review/decisions/<pk>/send-back/
GET:lead                          /review/disputed/
GET:lead* POST:lead*              /review/disputed/<pk>/
POST:lead                         /review/disputed/undo/
POST:lead                         /review/items/close/
POST:lead                         /review/items/steer/
GET:reviewer                      /review/mentions/
GET:reviewer                      /review/items/<pk>/history/
GET:reviewer* POST:reviewer       /review/items/<pk>/redraft/
GET:admin                         /drafting/
GET:admin POST:admin              /drafting/order/
GET:admin                         /drafting/<pk>/
POST:admin                        /drafting/<pk>/<name>/
GET:admin                         /drafting/calls/
POST:admin                        /drafting/calls/release/
POST:admin                        /drafting/calls/<pk>/release/
GET:admin                         /drafting/prompts/
GET:admin POST:admin              /drafting/prompts/new/
GET:admin                         /drafting/prompts/compare/
GET:admin                         /drafting/prompts/<pk>/
GET:admin                         /drafting/models/
GET:admin                         /drafting/models/offered/
GET:admin POST:admin              /drafting/models/one/
POST:admin                        /drafting/caps/
GET:admin                         /drafting/costs/
GET:admin POST:admin              /drafting/scores/
GET:admin                         /drafting/scorecard/
GET:lead                          /sources/<slug>/at/
GET:viewer                        /datasets/
GET:admin POST:admin              /datasets/new/
GET:admin                         /datasets/takedowns/
POST:admin                        /datasets/takedowns/<pk>/lift/
GET:viewer                        /datasets/<slug>/
GET:admin POST:admin              /datasets/<slug>/recipe/
POST:admin                        /datasets/<slug>/freeze/
GET:viewer                        /datasets/<slug>/versions/<number>/
GET:viewer                        /datasets/<slug>/versions/<number>/progress/
POST:admin                        /datasets/<slug>/versions/<number>/cancel/
POST:admin                        /datasets/<slug>/versions/<number>/release/
POST:admin                        /datasets/<slug>/versions/<number>/withdraw/
GET:viewer                        /datasets/<slug>/versions/<number>/changes/
GET:viewer                        /datasets/<slug>/versions/<number>/files/<name>
GET:viewer                        /datasets/<slug>/versions/<number>/exports/
POST:viewer                       /datasets/<slug>/versions/<number>/exports/order/
POST:viewer*                       /datasets/<slug>/versions/<number>/exports/<pk>/cancel/
POST:admin                        /datasets/<slug>/versions/<number>/records/<position>/takedown/
GET:anyone                        /api/v1/schema/
GET:anyone                        /api/v1/docs/
GET:viewer                        /api/v1/me/
GET:viewer POST:viewer            /api/v1/me/tokens/
DELETE:viewer*                    /api/v1/me/tokens/<pk>/
GET:viewer                        /api/v1/me/sessions/
POST:viewer                       /api/v1/me/sessions/end/
GET:reviewer                      /api/v1/me/days/
PUT:reviewer                      /api/v1/me/goal/
GET:admin                         /api/v1/people/
GET:admin                         /api/v1/people/<pk>/
POST:admin                        /api/v1/people/<pk>/role/
POST:admin                        /api/v1/people/<pk>/disable/
POST:admin                        /api/v1/people/<pk>/enable/
POST:admin                        /api/v1/people/<pk>/factor-off/
POST:admin                        /api/v1/people/<pk>/password-link/
GET:admin                         /api/v1/people/<pk>/sessions/
POST:admin                        /api/v1/people/<pk>/sessions/end/
GET:admin                         /api/v1/people/<pk>/tokens/
DELETE:admin                      /api/v1/tokens/<pk>/
GET:admin POST:admin              /api/v1/invitations/
DELETE:admin                      /api/v1/invitations/<pk>/
GET:admin                         /api/v1/audit/
GET:lead POST:admin               /api/v1/sources/
GET:lead PATCH:admin              /api/v1/sources/<slug>/
POST:admin                        /api/v1/sources/<slug>/imports/
POST:admin                        /api/v1/sources/<slug>/rescreen/
POST:admin                        /api/v1/sources/<slug>/forget-mapping/
GET:lead                          /api/v1/imports/<pk>/
GET:lead                          /api/v1/imports/<pk>/rejected/
POST:admin                        /api/v1/imports/<pk>/cancel/
POST:admin                        /api/v1/imports/<pk>/resume/
POST:admin                        /api/v1/imports/<pk>/roll-back/
GET:admin                         /api/v1/fetches/<pk>/
POST:admin                        /api/v1/fetches/<pk>/cancel/
GET:admin DELETE:admin            /api/v1/dry-runs/<pk>/
GET:admin                         /api/v1/dry-runs/<pk>/rows/
POST:admin                        /api/v1/dry-runs/<pk>/rows/<row>/keep/
POST:admin                        /api/v1/dry-runs/<pk>/pause/
POST:admin                        /api/v1/dry-runs/<pk>/resume/
POST:admin                        /api/v1/dry-runs/<pk>/stop/
POST:admin                        /api/v1/dry-runs/<pk>/again/
POST:admin                        /api/v1/dry-runs/<pk>/import/
GET:lead                          /api/v1/posts/
GET:lead                          /api/v1/posts/index/
POST:admin                        /api/v1/sources/<slug>/rescues/
POST:admin                        /api/v1/rescues/<pk>/undo/
GET:lead POST:admin               /api/v1/sources/<slug>/clusters/
POST:admin                        /api/v1/sources/<slug>/previews/
GET:admin                         /api/v1/previews/<pk>/
GET:admin POST:admin              /api/v1/lists/
POST:admin                        /api/v1/posts/<pk>/rescue/
GET:reviewer                      /api/v1/pairs/
GET:lead                          /api/v1/pairs/index/
GET:reviewer                      /api/v1/pairs/<pk>/
POST:reviewer                     /api/v1/pairs/<pk>/reviews/
POST:reviewer                     /api/v1/assignments/
DELETE:reviewer*                  /api/v1/assignments/<pk>/
POST:reviewer                     /api/v1/assignments/<pk>/renew/
POST:reviewer*                    /api/v1/reviews/<pk>/undo/
POST:admin                        /api/v1/sources/<slug>/draft-runs/
POST:admin                        /api/v1/sources/<slug>/score-runs/
GET:admin                         /api/v1/draft-runs/
GET:admin                         /api/v1/draft-runs/<pk>/
POST:admin                        /api/v1/draft-runs/<pk>/<act>/
GET:admin                         /api/v1/model-calls/
POST:admin                        /api/v1/model-calls/<pk>/release/
POST:admin                        /api/v1/model-calls/release/
GET:admin POST:admin              /api/v1/prompts/
GET:admin                         /api/v1/prompts/<name>/
GET:admin                         /api/v1/prompts/<name>/diff/<other>/
GET:admin                         /api/v1/providers/
GET:admin                         /api/v1/providers/models/
GET:admin POST:admin              /api/v1/prices/
GET:admin PUT:admin               /api/v1/rate-limits/
GET:admin PUT:admin               /api/v1/caps/
GET:admin                         /api/v1/costs/
GET:admin                         /api/v1/scorecard/
GET:lead                          /api/v1/sources/<slug>/funnel/
GET:viewer POST:admin             /api/v1/datasets/
GET:viewer PATCH:admin            /api/v1/datasets/<slug>/
GET:admin                         /api/v1/datasets/<slug>/preview/
GET:viewer POST:admin             /api/v1/datasets/<slug>/versions/
GET:viewer                        /api/v1/datasets/<slug>/versions/<number>/
POST:admin                        /api/v1/datasets/<slug>/versions/<number>/release/
POST:admin                        /api/v1/datasets/<slug>/versions/<number>/withdraw/
POST:admin                        /api/v1/datasets/<slug>/versions/<number>/cancel/
GET:viewer                        /api/v1/datasets/<slug>/versions/<number>/changes/
GET:viewer                        /api/v1/datasets/<slug>/versions/<number>/records/
GET:viewer POST:viewer            /api/v1/datasets/<slug>/versions/<number>/files/
GET:viewer                        /api/v1/datasets/<slug>/versions/<number>/files/<name>
GET:viewer DELETE:viewer*          /api/v1/datasets/<slug>/versions/<number>/exports/<pk>/
GET:admin POST:admin              /api/v1/takedowns/
DELETE:admin                      /api/v1/takedowns/<pk>/
GET:lead                          /api/v1/checks/
GET:lead                          /review/checks/
POST:reviewer                     /review/mend/
"""
ROWS: dict[str, dict[str, str]] = {
    line.split()[-1]: dict(word.split(":", 1) for word in line.split()[:-1]) for line in MATRIX.strip().splitlines()
}  # fmt: skip
