"""Texts that are too much like another: the question in the reply, an accepted pair, another draft."""

import re
from collections.abc import Iterator

from sources.similarity import fold, jaccard, shingles

from .base import Check, Finding, Texts

LEAST = 8  # folded characters of a question that says enough to be known again
SAME_QUESTION, SAME_INPUT, SAME_DRAFT, SAME_PAIR = 0.6, 0.85, 0.65, 0.5  # shares of bigrams; chosen on the texts that were seen
LONG = 400  # folded characters: enough of a text to tell
LEAD = re.compile(r"\A\s*(?:[您你]的(?:问题|提问)是|问题?|题目|Q)\s*[:：]?\s*", re.IGNORECASE)
QUOTES = "“\"「『‘'"
KEEPS_WORDS = re.compile("标点|断句|错[别字]|纠[正错]|校对|改错|抄写|复述|朗读|格式|排版|繁体|简体|拼写")
TAGS = re.compile(r"\A\s*(?:【[^】]{1,8}】|\[[^\]]{1,8}\])")
# Words with which the same is asked in another way.
ASKING = re.compile(
    "(?:写|作|编)一[篇首段个则]|(?:介绍|说|讲)一下|关于|如果|假如|既然|为什么|为啥|怎么|怎样|如何|是不是|会不会|算不算|能不能|可不可以|有没有|请问|请|什么是|解释|其实|一下|[吗呢吧啊呀的了我就是会算不在每那得还也个]"
)
DIGITS = re.compile(r"\d+")


class Echo(Check):
    """The reply says the question again, or gives back what it was to work on."""

    name = "echo"

    def find(self, texts: Texts) -> Iterator[Finding]:
        question, reply = fold(texts.instruction[:LONG]), fold(LEAD.sub("", texts.output[: 2 * LONG]))
        if len(question) < LEAST and not texts.input:
            return
        if len(question) >= LEAST and reply.startswith(question):
            quoted = texts.output.lstrip()[:1] in QUOTES and len(reply) - len(question) > 4
            if not quoted:
                yield self.found("echo", "output", [(0, _reach(texts.output, len(question)))])
                return
        short = len(texts.output) < LONG
        if len(question) >= LEAST and short and jaccard(shingles(question), shingles(reply)) >= SAME_QUESTION:
            yield self.found("echo", "output")
        elif len(texts.input) >= LEAST and not KEEPS_WORDS.search(texts.instruction) and abs(len(texts.input) - len(texts.output)) < LONG:
            given = fold(texts.input[: 5 * LONG])
            if jaccard(shingles(given), shingles(fold(texts.output[: 5 * LONG]))) >= SAME_INPUT:
                yield self.found("echo", "output")


def _reach(text: str, folded: int) -> int:
    """The end of the piece of `text` that folds to so many characters, about."""
    low, high = 0, len(text)
    lead = LEAD.match(text)
    skipped = len(fold(lead.group())) if lead else 0
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if len(fold(text[:middle])) >= folded + skipped else (middle + 1, high)
    return low


class NearDuplicate(Check):
    """An accepted pair asks the same, in these words or nearly."""

    name = "near_duplicate"

    def find(self, texts: Texts) -> Iterator[Finding]:
        if not texts.around.near:
            return
        asked, digits = core(texts.asked), DIGITS.findall(texts.asked)
        best: tuple[float, int] | None = None
        for near in texts.around.near:
            if DIGITS.findall(near.text) == digits and (likeness := _like(asked, core(near.text))) >= SAME_PAIR:
                best = max(best or (0.0, 0), (likeness, near.number))
        if best:
            yield self.found("near_duplicate", "instruction", pair=best[1])


def core(text: str) -> str:
    return ASKING.sub("", fold(TAGS.sub("", text)[: 5 * LONG]))


def _like(one: str, other: str) -> float:
    if min(len(one), len(other)) < 4:
        return float(one == other and bool(one))
    return jaccard(shingles(one), shingles(other))


class Candidates(Check):
    """Another draft is empty, or says the same in the same words: there is nothing to choose."""

    name = "candidates"

    def find(self, texts: Texts) -> Iterator[Finding]:
        if not texts.around.others:
            return
        if any(not other.strip() for other in texts.around.others):
            yield self.found("empty_candidate", "output")
        mine = fold(texts.output[: 5 * LONG])
        pieces = shingles(mine)
        for other in texts.around.others:
            if (theirs := fold(other[: 5 * LONG])) and _same(mine, pieces, theirs):
                yield self.found("same_candidate", "output")
                return


def _same(mine: str, pieces: frozenset[str], theirs: str) -> bool:
    if min(len(mine), len(theirs)) < LEAST:
        return mine == theirs
    return jaccard(pieces, shingles(theirs)) >= SAME_DRAFT
