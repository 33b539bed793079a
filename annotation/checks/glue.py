"""Another item that was glued to this one: its question and its answer, in the middle of the reply or in front of it."""

import re
from collections.abc import Iterator

from sources.similarity import shingles

from .base import Check, Finding, Texts

_HEAD = r"^[ \u3000]*(?:#{1,6}[ \t]{0,4})?(?:\d{1,3}[.、][ \t]{0,4})?"
_COLON = r"[ \t]{0,4}(?:[:：]|(?<=[题答])[ \t]{0,4}$)"
ASKS = re.compile(
    rf"{_HEAD}(?:[【\[](?:问题?|提问|题目|指令|任务|用户)[】\]]"
    rf"|(?:问题?|提问|题目|指令|任务|用户|Instruction|Question|Q|User|Human){_COLON})",
    re.MULTILINE | re.IGNORECASE,
)
ANSWERS = re.compile(
    rf"{_HEAD}(?:[【\[](?:答案?|回答|回复|输出)[】\]]"
    rf"|(?:答案?|回答|回复|输出|助手|Response|Output|Answer|A|Assistant|AI){_COLON})",
    re.MULTILINE | re.IGNORECASE,
)
TOKENS = re.compile(
    r"<\|(?:im_start|im_end|endoftext|user|assistant)\|>|\[/?INST\]|###\s*(?:Instruction|Response|Input)\s*:", re.IGNORECASE
)
ORDERS = re.compile(
    r"^[ \u3000]*请(?:你)?(?:将|把|根据|对)(?:以下|下面|下列)[^\n]{0,30}?(?:翻译|改写|总结|归纳|缩写|扩写|造句|续写|分类)", re.MULTILINE
)
DIALOGUE = re.compile(
    r"问答|对话|剧本|话术|采访|访谈|Q\s?&\s?A|FAQ|问卷|提示词|prompt|示例|例子|练习|试题|[选填判].{0,2}[择空断]题|出.{0,8}题|编.{0,8}题|聊天记录|instruction",
    re.IGNORECASE,
)
OPENING = re.compile(r"(?<=[。！？!?])[ ]?这(?:个问题|句话|道题|段话|个说法)(?=[看其实是似的乍在从涉需要问想,，])")
FAR = 50  # characters in front of a second beginning
SAID = 3  # bigrams of the question that its own answer says, and that the other's does not
COMMON = frozenset(
    {"为什", "什么", "这个", "个问", "问题", "这句", "句话", "是不", "不是", "一个", "可以", "怎么", "我们", "没有", "就是", "那么", "的是"}
)


class Glued(Check):
    """Lines like 问题： and 答： after the answer; or a reply that begins a second time, and only then speaks of the question."""

    name = "glued"

    def find(self, texts: Texts) -> Iterator[Finding]:
        text = texts.prose
        if tokens := [match.span() for match in TOKENS.finditer(text)]:
            yield self.found("glued", "output", tokens)
        elif not DIALOGUE.search(texts.asked[:400]) and (spans := list(_second_item(text))):
            yield self.found("glued", "output", spans)
        elif (at := _second_beginning(texts.asked, text)) is not None:
            yield self.found("glued_front", "output", [(0, at)])


def _second_item(text: str) -> Iterator[tuple[int, int]]:
    for asks in ASKS.finditer(text):
        if not text[: asks.start()].strip():
            return  # it begins like that: questions and answers are what it is made of
        answers = ANSWERS.search(text, asks.end())
        if answers:
            yield asks.span()
            yield answers.span()
            return
    for order in ORDERS.finditer(text):
        if text[: order.start()].strip() and text[text.find("\n", order.end()) :].strip() and "\n" in text[order.end() :]:
            yield order.span()


def _second_beginning(asked: str, text: str) -> int | None:
    """Where the reply to this question begins, when another one is in front of it."""
    question: frozenset[str] | None = None
    for match in OPENING.finditer(text, FAR):
        question = question or shingles(re.sub(r"[^\w]", "", asked[:400])) - COMMON
        head, tail = shingles(text[: match.start()]), shingles(text[match.end() : match.end() + 400])
        if len(question & tail) >= SAID and len(question & head) <= 1:
            return match.start()
    return None
