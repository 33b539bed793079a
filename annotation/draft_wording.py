"""What a person can do about a call that left no draft, by what happened to it."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise
LOOK: Text = _("Read what the provider said below, mend it, and order these pairs once more.")
ADVICE: Mapping[str, Text] = {
    # answered, and no good
    "truncated": _("Order them again with a higher max_tokens, or with a prompt that asks for less."),
    "refused": _("Read the posts: what no model should answer is rejected or dropped. Otherwise order with another model or prompt."),
    "filtered": _("Order them again at a provider without this filter, or drop these posts."),
    "empty": _("Order them again; if it stays so, with another model."),
    "too_long": _("Order them again with a lower max_tokens, or shorten the instruction."),
    "wrong_language": _("Order them again with another model, or say the language in the source's own rules."),
    "echo": _("Order them again with another model: this one repeats what it is sent."),
    "canary": _("Read the posts: one of them makes the model tell its rules. Order them again with another model, or drop them."),
    "bad_score": _("Order them again; if it stays so, with another model."),
    "unparseable": _("Order them again; if it stays so, the address is not that of a chat model."),
    # not charged
    "rate_limited": _("Order them again later, or with a lower limit of requests per minute."),
    "provider_error": _("Order them again later: the fault was the provider's, and nothing was charged."),
    "batch_expired": _("The provider did not come to them within a day. They go into the next batch; nothing was charged."),
    "batch_failed": _("The provider refused the whole batch. Read what it said, and order these pairs once more."),
    "bad_request": _("Read what the provider said below: most often a parameter that this model does not take."),
    "unreachable": _("Check the provider's address and the network on the page of models, then order them again."),
    "bad_key": _("Set the right key, start again, and order them once more. Nothing was charged."),
    "forbidden": _("Ask the provider for access, or order from another one. Nothing was charged."),
    "model_not_found": _("Choose a model that the provider says it has: the page of models lists them."),
    "no_quota": _("Top the account up at the provider, and order them once more."),
    "bad_params": _("Order them again without the parameter that the provider names below."),
    "bad_settings": _("Mend the key or the address, and start again."),
    # may have been charged
    "timeout": _("Look the call up at the provider by its id. If it is not there, release it: then it is sent again."),
    "connection_lost": _("Look the call up at the provider by its id. If it is not there, release it: then it is sent again."),
    "fault": _("A fault of ours: it is in the worker's log. Look the call up at the provider by its id, or release it."),
    "worker_lost": _("Its worker ended while it waited. Look the call up at the provider by its id, or release it."),
    "reply_too_big": _("It was charged, and far too big to keep. Release it only with a lower max_tokens."),
}
