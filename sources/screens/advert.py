import re
from typing import ClassVar

import re2

from .base import IGNORING_CASE, Candidate, Dropped, Screen, Setting, one_field, text_of

# What sells something, and sends people elsewhere to buy it.
ADVERT = re.compile(
    r"(?:加|添加|扫|扫码加|咨询)(?:我的?)?(?:微信|薇信|威信|vx|wx|企鹅号|QQ群?|群主)(?!支付|红包|好友列表)|(?:关注|搜索)(?:我的|我们的|微信)?公众号|(?:私信|私聊|滴滴)我?(?:领取?|获取|咨询|购买|报名)"
    r"|(?:点击|戳)(?:下方|文末|主页|左下角|这里的?)?(?:的)?(?:链接|小程序|购物车|橱窗)|(?:限时|专属|内部)(?:优惠券?|折扣|秒杀)|(?:优惠券|折扣码|优惠码|邀请码)[:：]"
    r"|(?:包邮|厂家直销|一件代发|诚招代理|招代理|代购请|支持定制|量大从优)|(?:复制|打开)(?:这段|此|本)?(?:内容|口令|链接)?.{0,12}(?:打开|到)?(?:淘宝|拼多多|京东)(?:APP|查看|搜索)"
    r"|[￥¥€][A-Za-z0-9]{8,14}[￥¥€]|(?:日赚|月入|躺赚)\s?[\d一二三四五六七八九十上过]+[千万元w]|(?:刷单|兼职)(?:日结|招募|加)",
    re.IGNORECASE,
)
# The same without what must not follow, for a look at the whole text that finds nothing in most.
HINT = re.sub(r"\(\?!.*?\)", "", ADVERT.pattern)
_HINT = re2.compile(HINT, options=IGNORING_CASE)
# What only makes sense on the page that the text was taken from.
LEFTOVER = re.compile(
    r"\A\s{0,20}(?:谢邀|谢谢?邀请?|泻药|多谢邀|怒答|匿了)"
    r"|(?:^|\n)[ \t\u3000]{0,20}(?:以上[。!！]?|——+以上——*|"
    r"(?:\d{1,4}[.\-年/]\d{1,2}[.\-月/]\d{1,2}日?)?\s?(?:更新|补充|编辑|update|edit)\s?[:：].{0,200})\s{0,20}\Z"
    r"|(?:如)?题主|(?:同|楼)上(?:说的|所说|已经)|评论区(?:有人|里|见|置顶)|(?:点赞|赞)(?:过|破|超)\s?[\d一二三四五六七八九十百千]+|原文链接|阅读原文|未完待续|著作权归作者所有|编辑于\s?\d{4}",
    re.IGNORECASE,
)


class Advert(Screen):
    """Sells something; with `leftovers` also what a page left in its text (谢邀, 题主, 更新：, 以上). The value is what was found."""

    settings: ClassVar = {"field": Setting("fields", "all"), "leftovers": Setting("flag", False)}

    def __init__(self, field: str = "all", leftovers: bool = False) -> None:
        self.field, self.leftovers = one_field(field, or_all=True), bool(leftovers)
        self.hint = "" if self.leftovers else HINT

    def drops(self, post: Candidate, twin: int | None) -> Dropped | None:
        text = text_of(post, self.field)
        if _HINT.search(text.encode("utf-8", "replace")) and (found := ADVERT.search(text)):
            return Dropped("advert", found[0].strip()[:80])
        found = LEFTOVER.search(text if self.field != "all" else post.answer) if self.leftovers else None
        return Dropped("leftover", found[0].strip()[:80]) if found else None
