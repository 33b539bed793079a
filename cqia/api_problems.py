"""The codes of all errors that the API answers, each with its status and what it means. They are stable: scripts ask for them.

Those that come of a family (why a URL is not fetched, why a row cannot be kept) are listed by the family's own module.
"""

from collections.abc import Mapping

from django.utils import translation

from sources.dry_wording import NOT_POSSIBLE
from sources.fetch_wording import CODES as NOT_FETCHED

EVERYWHERE: Mapping[str, tuple[int, str]] = {
    "parse_error": (400, "The body cannot be read: no JSON, no UTF-8, nested too deep, or a character that cannot be stored."),
    "invalid": (400, "Some fields are not right; `errors` says which and why."),
    "bad_request": (400, "The request as a whole makes no sense, e.g. too many fields in a form."),
    "not_authenticated": (401, "No token was sent."),
    "bad_token": (401, "The token is unknown, revoked or expired, or its person is disabled."),
    "permission_denied": (403, "The role of this person is not enough, or a session came without its CSRF token."),
    "read_only_token": (403, "The token is for reading."),
    "narrow_token": (403, "The token is for less than that; a session or a token for everything may."),
    "second_factor_needed": (403, "This person signs in with a second factor, which a token does not give: only a session may do that."),
    "not_found": (404, "There is no such thing, or it is not for this person to see."),
    "method_not_allowed": (405, "This address does not know the method; `Allow` says which it knows."),
    "not_acceptable": (406, "The API answers JSON."),
    "too_large": (413, "The body is larger than what is taken here."),
    "unsupported_media_type": (415, "The body is of a content type that is not understood here."),
    "throttled": (429, "Too many requests of this token; `Retry-After` says when to come back."),
    "too_many_bad_tokens": (429, "Too many unknown tokens came from this address; `Retry-After` says when to come back."),
    "server_error": (500, "Something broke on our side."),
    "database_down": (503, "The database does not answer; nothing was done. Come back after `Retry-After`."),
}

OF_ACTS: Mapping[str, tuple[int, str]] = {
    # keys of idempotency
    "idempotency_key_missing": (400, "This act needs a UUID in the header Idempotency-Key."),
    "idempotency_key_invalid": (400, "The Idempotency-Key is not a UUID."),
    "being_done": (409, "The same request is being worked on. Come back in a moment."),
    "keys_unavailable": (503, "Idempotency keys cannot be kept at this moment; nothing was done."),
    "same_key_other_body": (422, "The key was used for something else."),
    "shown_once": (409, "The same request was done before, and its secret was shown then; it is not kept."),
    # people
    "outlives_token": (403, "The new token would live longer than the one that asks for it."),
    "last_admin": (409, "Somebody must stay admin."),
    "link_over": (409, "The link was used, or its time is over."),
    # reviewing
    "decided": (409, "This person has decided about the pair already: there is nothing to keep."),
    "lost_seat": (409, "The seat has expired, or somebody else has it."),
    "stale": (409, "The pair has changed since it was shown."),
    "not_yours": (409, "Only one's own decisions can be undone."),
    "already_undone": (409, "The decision was taken back already."),
    "not_reopened": (409, "The entry of the history did not open the pair again."),
    "decided_since": (409, "Somebody has decided on top of it since."),
    "too_long_ago": (409, "Only the last decisions can be undone."),
    "version_unknown": (400, "There is no such version of the disputed pair."),
    "not_waiting": (409, "The pair does not wait for review."),
    "may_not_review": (409, "This person does not review the source."),
    "has_decided": (409, "This person has decided about the pair already."),
    "full": (409, "As many as are wanted have decided about the pair."),
    "no_seat": (409, "Nobody holds a seat at the pair."),
    "nothing_decided": (409, "Nobody has decided about the pair."),
    "own": (409, "One's own decision is not sent back but undone."),
    "not_allowed": (409, "Only leads send pairs of this source back."),
    "author_gone": (409, "The author of the decision does not review the source any more."),
    "no_reason": (409, "What goes back to its author needs a reason."),
    "verdict_unknown": (400, "There is no such verdict."),
    "draft_unknown": (400, "The draft belongs to another pair."),
    "bad_labels": (400, "Task type or domain is not a list of short labels."),
    "empty": (400, "Instruction and response must not be empty; neither must a comment."),
    "changed": (400, "Accepted, but the texts are not those of the draft: that is an edit. (409 of clusters: they have changed.)"),
    "unchanged": (400, "Edited, but nothing was changed."),
    "reason_unknown": (400, "There is no such reason."),
    "reasons_missing": (400, "A rejection needs a reason."),
    "comment_missing": (400, "The reason `other` needs a comment."),
    "check_failed": (400, "A check does not let this pass; `findings` says what it found."),
    "bad_text": (400, "The text holds characters that cannot be stored."),
    "too_long": (400, "The text is too long."),
    # sources and posts
    "slug_taken": (409, "There is something of this name already."),
    "bad_screen": (400, "No screen of ours, or settings that it does not know. (409: those of the source itself.)"),
    "bad_screens": (400, "No screens of ours, or settings that they do not know."),
    "in_use": (409, "A screen of a source names the list."),
    "bad_list": (400, "The file is no list in UTF-8, or too large a one."),
    "not_resumable": (409, "The import is over, or the same file was imported by another one."),
    "being_screened": (409, "The posts are being screened at this moment."),
    "undone": (409, "This was undone already."),
    # drafting
    "bad_order": (400, "Too many models or candidates, or a limit below 1."),
    "bad_params": (400, "A parameter that is not sent to models, or no number."),
    "bad_price": (400, "No price, or no budget above what is spent."),
    "bad_model": (400, "A model's name has 1 to 128 characters."),
    "bad_limit": (400, "A limit is a number of 1 or more."),
    "bad_cap": (400, "A cap is an amount a day or in all, in a currency of three letters."),
    "bad_note": (400, "Say in a few words what should be different."),
    "bad_prompt": (400, "The text is empty, too long, or a prompt for something else already."),
    "price_unknown": (400, "A budget needs the price of its models."),
    "currencies_differ": (400, "A budget needs one currency."),
    "unknown_prompt": (404, "There is no prompt of this name. (400 where it was named in an order.)"),
    "unknown_provider": (400, "There is no provider of this name."),
    "no_provider": (409, "No model is set up on the server."),
    "own_answers": (409, "The source answers for itself: its pairs need no drafts."),
    "nothing_to_draft": (409, "No kept post waits for a draft, or exactly this was asked before."),
    "nothing_to_score": (409, "No post waits for a score, or exactly this was asked before."),
    "model_not_offered": (409, "The provider does not list the model."),
    "no_key": (409, "The provider has no key on this server."),
    "bad_key": (409, "The provider does not take its key."),
    "forbidden": (409, "The provider refuses this account."),
    "unreachable": (409, "The provider does not answer."),
    "bad_settings": (409, "The provider's key or address on this server cannot be right."),
    "budget_reached": (409, "The budget of the run is used up: give a higher one."),
    # datasets
    "nothing_to_compare": (409, "Two frozen versions are needed."),
    "wrong_state": (409, "A run, a call or a version is not in the state for that (any more)."),
    "unknown_licence": (409, "The version holds records of unknown licence: say that you know."),
    "reason_missing": (400, "Say why."),
    "unknown_layout": (422, "There is no such schema or format, or they do not go together."),
    "not_ready": (409, "The version is not frozen, or withdrawn."),
    "no_rows": (409, "The version holds no row for this schema."),
    "file_missing": (503, "The bytes are not on this server; `manage.py export` writes them again."),
}

with translation.override("en"):  # the description is in English, whoever starts the process
    OF_FAMILIES = {
        **{code: (409, str(text)) for code, text in NOT_POSSIBLE.items()},
        **{code: (403 if code == "fetching_off" else 400, str(text)) for code, text in NOT_FETCHED.items() if code not in EVERYWHERE},
    }
PROBLEMS: dict[str, tuple[int, str]] = {**EVERYWHERE, **OF_ACTS, **OF_FAMILIES}
