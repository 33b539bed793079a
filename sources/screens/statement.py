import re

from .base import Candidate, Dropped, Screen

ASKS = re.compile(
    r"[?？]|[吗嗎呢么麼](?:[。!！…~，,\s]|\Z)|什么|什麼|怎么|怎麼|怎样|怎樣|怎能|为何|為何|为啥|為啥|如何|是否|是不是|能不能|可不可以|会不会|會不會|要不要|有没有|有沒有"
    r"|该不该|該不該|算不算|难道|難道|究竟|到底|几[个個天年次岁歲点點分]|多少|多[大久远遠长長高重]|哪|谁|誰|啥|咋|凭什|憑什|求(?:解|问|問|助|推荐|推薦|教)|请(?:问|教|解释|分析|写|说|列|给)|請(?:問|教|解釋|分析|寫|說|列|給)"
    r"|(?P<verb>[\u4e00-\u9fff])不(?P=verb)"
)
TASKS = re.compile(
    r"\A(?:写|介绍|解释|分析|比较|翻译|列出|推荐|总结|谈谈|说说|帮我|告诉|寫|介紹|解釋|比較|翻譯|推薦|總結|談談|說說|幫我|告訴)"
)


class Statement(Screen):
    """A title alone that asks nothing: nobody can answer it. A heuristic, by question words, particles and marks: it
    takes a rhetorical question for one, and an implied one for none. Posts with a body or an answer pass."""

    def drops(self, post: Candidate, twin: int | None) -> Dropped | None:
        if post.body.strip() or post.answer.strip() or not post.title.strip():
            return None
        title = post.title.strip()
        return None if ASKS.search(title) or TASKS.search(title) else Dropped("statement", "")
