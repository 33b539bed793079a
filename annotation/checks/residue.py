"""What a platform left in its texts: adverts and addresses, buttons, counts, codes of emoji."""

import re
from collections.abc import Iterator

import re2

from sources.screens.advert import ADVERT, LEFTOVER
from sources.screens.residue import RESIDUE

from .base import Check, Finding, Texts, masked

URL = re.compile(r"(?:https?://|(?<![\w/.])www\.)[\w.-]+\.[a-z]{2,}(?::\d+)?(?:/[^\s，。；）】”」\u4e00-\u9fff]*)?", re.IGNORECASE)
EXAMPLES = re.compile(r"(?:^|//|www\.|\.)(?:example\.(?:com|net|org|cn)|localhost|127\.0\.0\.1)\b", re.IGNORECASE)
SELLS = re.compile(
    rf"{ADVERT.pattern.replace('包邮|', '包邮(?=[，。！,!；;]|$)|')}"
    r"|扫(?:描|一扫)?(?:下方|文末|上方|右侧)?(?:的)?二维码(?:入群|进群|加|关注|领|咨询)|全场[\d一二三四五六七八九.]{1,3}折|欢迎(?:选购|下单|抢购)"
    r"|(?:长按|扫码|扫描)(?:识别|关注)?[^，。\n]{0,6}二维码[^，。\n]{0,4}[，,。！!]|(?:长按|扫描|识别)[^，。\n]{0,6}二维码[，,]|扫码关注"
    r"|(?:淘宝|天猫|京东|拼多多|美团|抖音|小红书)(?:里|上|APP|app)?搜索?[“\"「【]|回复[“\"「].{1,12}[”\"」](?:即可)?(?:免费)?领|(?:进|入|加)群(?:免费)?(?:领取|免费领)",
    re.IGNORECASE,
)
OPTIONS = re2.Options()
OPTIONS.case_sensitive = False
# The same for a look at the whole text, in time that only its length decides: most hold none of it.
HINT = re2.compile(re.sub(r"\(\?[!=].*?\)", "", SELLS.pattern), options=OPTIONS)
_LINE, _END = r"(?:^|\n)[ \t\u3000]{0,8}", r"[ \t\u3000]{0,8}(?=\n|\Z)"
PAGE = re.compile(
    r"(?<![这那一两几栋座幢层])楼主(?![体要楼管任])|(?:^|(?<=[\s，。]))lz(?=[\s，。])|展开(?:阅读)?全文|阅读全文|收起评论"
    rf"|{_LINE}(?:添加|收起|查看全部|写下你的)评论"
    rf"|{_LINE}(?:赞同|点赞|喜欢|收藏|转发)\s?[\d,.]+\s?[万kKwW]?\+?{_END}"
    rf"|{_LINE}[\d,.]+\s?[万kKwW]?\s?条(?:评论|回复){_END}"
    r"|分享到(?:微博|微信|朋友圈|QQ空间)|(?:发布|编辑|发表)于\s?\d{4}"
    rf"|{_LINE}(?:沙发|板凳|地板|前排)(?:[，,！!]\s?(?:前排|沙发|占座|围观)|！|!)"
    r"|\A\s{0,8}谢\s?@\S{1,20}\s?邀|占楼|插眼|mark一下",
    re.IGNORECASE,
)
SIGN = re.compile(r"[<&\[#\\]")
SCRIPT = re.compile("</?s[ct]")  # <script> and <style> are talked about, and left over nowhere
EXAM = re.compile("题主[要旨张体]")


class Advert(Check):
    """Sells something, or sends readers elsewhere. An address that the question names, or one kept for examples, may be named."""

    name = "advert"

    def find(self, texts: Texts) -> Iterator[Finding]:
        text = texts.prose if "://" not in texts.output else _without_code(texts.output)
        spans = [match.span() for match in URL.finditer(text) if not EXAMPLES.search(match.group()) and match.group() not in texts.asked]
        if spans:
            yield self.found("url", "output", spans)
        if HINT.search(text.encode("utf-8", "replace")) and (found := [match.span() for match in SELLS.finditer(text)]):
            yield self.found("advert", "output", found)


class Leftovers(Check):
    """`#…[话题]#`, `[偷笑R]`, tags, 谢邀, 楼主, 展开阅读全文: it makes sense on its page only."""

    name = "leftovers"

    def find(self, texts: Texts) -> Iterator[Finding]:
        for field, text in texts.fields():
            prose = texts.prose if field == "output" else masked(text)
            spans = [match.span() for match in RESIDUE.finditer(prose) if not SCRIPT.match(match.group())] if SIGN.search(prose) else []
            if field == "output":
                found = [match for pattern in (PAGE, LEFTOVER) for match in pattern.finditer(prose)]
                spans += [_trimmed(text, match) for match in found if not EXAM.match(prose, match.start())]
            if spans:
                yield self.found("leftovers", field, sorted(spans))


def _trimmed(text: str, match: re.Match[str]) -> tuple[int, int]:
    start, end = match.span()
    return start + len(match.group()) - len(match.group().lstrip()), end - (len(match.group()) - len(match.group().rstrip()))


def _without_code(text: str) -> str:
    return re.sub(r"```.*?(?:```|\Z)|`[^`\n]*`", lambda match: re.sub(r"[^\n]", " ", match.group()), text, flags=re.DOTALL)
