"""Hostile text to HTML that may be shown. Posts and drafts come from strangers: nothing of theirs reaches the page as an
element, an attribute or an address that is not on the lists below.

Three ways out, all safe to put into a template: `prose` (Markdown), `plain` (text as it is), `changes` (a diff).
"""

import re
from collections.abc import Iterable

import nh3
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.safestring import mark_safe as already_clean  # noqa: TID251 -- nh3's output is HTML; nothing else here uses it
from markdown_it import MarkdownIt
from markdown_it.token import Token

from sources.invisible import INVISIBLE, name_of, split

RENDERED = 20_000  # characters: hostile Markdown costs seconds beyond, so the rest is shown as plain text
TAGS = {"p", "br", "hr", "h3", "h4", "h5", "h6", "strong", "em", "del", "code", "pre", "blockquote"} | {
    *("ul", "ol", "li", "a", "table", "thead", "tbody", "tr", "th", "td")
}

_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True, "maxNesting": 20}).enable("table").disable("image")
_cleaner = nh3.Cleaner(
    tags=TAGS,
    attributes={"*": set(), "a": {"href"}, "ol": {"start"}},  # without "*", nh3 keeps lang and title everywhere
    url_schemes={"http", "https"},
    url_relative="deny",
    link_rel="nofollow ugc noopener noreferrer",
    set_tag_attribute_values={"a": {"target": "_blank"}},
    attribute_filter=lambda tag, name, value: value if value.isascii() else None,
)


def prose(text: str) -> SafeString:
    """Markdown as HTML. Headings start at h3 (the page has its own above); images are shown as links."""
    head, tail = text[:RENDERED], text[RENDERED:]
    tokens = _markdown.parse(head)
    _lower_headings(tokens)
    html = _cleaner.clean(_markdown.renderer.render(tokens, _markdown.options, {}))
    # Attributes are ASCII (see the filter), so a mark can only fall between tags.
    shown = already_clean(INVISIBLE.sub(_mark, html))  # noqa: S308 -- cleaned one line above
    return format_html('{}<p class="rest">{}</p>', shown, plain(tail)) if tail else shown


def plain(text: str) -> SafeString:
    """The text as it is, escaped, with invisible characters shown."""
    pieces = ((_sign(part) if i % 2 else escape(part)) for i, part in enumerate(split(text)))
    return format_html_join("", "{}", ((piece,) for piece in pieces))


def changes(segments: Iterable[tuple[str, str]]) -> SafeString:
    """A diff: ("equal" | "insert" | "delete", text) in order. Changed spaces show as ·, changed line ends as ⏎."""
    return format_html_join("", "{}", ((_segment(kind, text),) for kind, text in segments))


def _segment(kind: str, text: str) -> SafeString:
    if kind == "equal":
        return plain(text)
    shown = plain(text.replace(" ", "·").replace("\n", "⏎\n"))
    return format_html("<ins>{}</ins>" if kind == "insert" else "<del>{}</del>", shown)


def _sign(char: str) -> SafeString:
    return format_html('<span class="inv">{}</span>', name_of(char))


def _mark(found: re.Match[str]) -> str:
    return found.group() if found.group(1) else _sign(found.group())


def _lower_headings(tokens: list[Token]) -> None:
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"


# Characters whose two forms differ and that are frequent: enough to tell the scripts apart, no more.
_SIMPLIFIED = frozenset(
    "这来们个为说时会对国过还发经没开关问间样实让点几无长边现觉气见东车电话给从听学习写读书爱钱买卖岁热难变万与业产应该认识请谢谁"
    "马鸟鱼龙门风飞机场头脸脑网红绿蓝贵远进运动员医药饭馆饮愿总结论证据类种数码线纸级练细终组织统绝继续维纪约绍给罗纯纳纲"
    "妈吗妇孙宁宝审宪宾对导将尽层属岛币师帮库应庙废异弃张弹归录彻录忆怀态怜恋恶悬惊惯愤戏战户扑执扩扫扬扰抚抛抢护报担拟拥择挂"
)
_TRADITIONAL = frozenset(
    "這來們個為說時會對國過還發經沒開關問間樣實讓點幾無長邊現覺氣見東車電話給從聽學習寫讀書愛錢買賣歲熱難變萬與業產應該認識請謝誰"
    "馬鳥魚龍門風飛機場頭臉腦網紅綠藍貴遠進運動員醫藥飯館飲願總結論證據類種數碼線紙級練細終組織統絕繼續維紀約紹給羅純納綱"
    "媽嗎婦孫寧寶審憲賓對導將盡層屬島幣師幫庫應廟廢異棄張彈歸錄徹憶懷態憐戀惡懸驚慣憤戲戰戶撲執擴掃揚擾撫拋搶護報擔擬擁擇掛"
)
_EITHER = _SIMPLIFIED & _TRADITIONAL
_HAN = re.compile(r"[\u3400-\u9FFF\uF900-\uFAFF]")
_LATIN = re.compile(r"[A-Za-z]+")


def lang_of(text: str) -> str:
    """A `lang` for this text, so that glyphs and fonts follow the data: zh-Hans, zh-Hant or en."""
    sample = text[:2_000]
    if len(_LATIN.findall(sample)) > len(_HAN.findall(sample)):
        return "en"
    marks = set(sample) - _EITHER
    return "zh-Hant" if len(marks & _TRADITIONAL) > len(marks & _SIMPLIFIED) else "zh-Hans"
