"""The sources that the product knows from the start: recipes of the platforms, which an admin can change.

The floors are those reported for COIG-CQIA where it has one (replies of 280 characters for Zhihu and Xiaohongshu, 200
for Douban, 5 votes for SegmentFault), as are the four answers to a question and the 500 best of 弱智吧; the others are ours.
`licence` stays empty, which means unknown: what a text may be used for is for a person to find out.
"""

from pathlib import Path
from typing import Any

from .models import Platform, Reply, Source

DUPLICATE, NEAR_DUPLICATE = {"screen": "duplicate"}, {"screen": "near_duplicate"}
PERSONAL = {"screen": "personal_data"}  # masks what people wrote about themselves and others
GUIDELINES = Path(__file__).parent / "guidelines"  # <slug>.md, for reviewers

PRESETS: dict[str, dict[str, Any]] = {
    "ruozhiba": {
        "name": "弱智吧",
        "platform": Platform.TIEBA,
        "instruction_templates": ["{title}"],
        "reply": Reply.MODEL,
        "screens": [
            DUPLICATE,
            {"screen": "length", "field": "title", "min": 6, "max": 200},
            {"screen": "votes", "min": 50},
            {"screen": "statement", "off": True},  # a heuristic: for an admin who has seen what it drops
            PERSONAL,
            NEAR_DUPLICATE | {"field": "title"},  # the title is all that is used of a post
            {"screen": "best", "count": 500, "off": True},  # for lists that have votes
        ],
        "task_type": {"major": ["问答"], "minor": ["逻辑问答"]},
        "domain": ["通用", "逻辑"],
    },
    "zhihu": {
        "name": "知乎",
        "platform": Platform.ZHIHU,
        "instruction_templates": ["{title}\n{body}"],
        "reply": Reply.SOURCE,
        "screens": [
            DUPLICATE,
            {"screen": "votes", "min": 50},
            {"screen": "length", "field": "answer", "min": 280, "max": 8000},
            PERSONAL,
            {"screen": "advert"},
            NEAR_DUPLICATE,
            {"screen": "per_question", "most": 4},
            {"screen": "score", "min": 8, "off": True},  # costs money: an admin switches it on
        ],
        "task_type": {"major": ["问答"], "minor": ["社区问答"]},
        "domain": ["通用"],
    },
    "xiaohongshu": {
        "name": "小红书",
        "platform": Platform.XIAOHONGSHU,
        "instruction_templates": [
            "写一篇小红书笔记，标题是“{title}”。",
            "以“{title}”为标题，写一篇小红书风格的分享。",
            "围绕“{title}”这个话题，写一篇小红书笔记。",
        ],
        "reply": Reply.SOURCE,
        "screens": [
            DUPLICATE,
            {"screen": "length", "field": "title", "min": 2},
            {"screen": "length", "field": "answer", "min": 280},
            PERSONAL,
            {"screen": "advert"},
            NEAR_DUPLICATE,
        ],
        "task_type": {"major": ["文本生成"], "minor": ["笔记写作"]},
        "domain": ["生活"],
    },
    "douban": {
        "name": "豆瓣",
        "platform": Platform.DOUBAN,
        "instruction_templates": ["写一篇《{title}》的评论。", "谈谈你对《{title}》的看法。"],
        "reply": Reply.SOURCE,
        "screens": [
            DUPLICATE,
            {"screen": "length", "field": "title", "min": 1},
            {"screen": "length", "field": "answer", "min": 200},
            PERSONAL,
            NEAR_DUPLICATE,
        ],
        "task_type": {"major": ["文本生成"], "minor": ["评论写作"]},
        "domain": ["影视", "文学"],
    },
    "baike": {
        "name": "百科",
        "platform": Platform.BAIKE,
        "instruction_templates": ["{title}"],
        "reply": Reply.SOURCE,
        "screens": [DUPLICATE, {"screen": "length", "field": "answer", "min": 50}, NEAR_DUPLICATE],
        "task_type": {"major": ["问答"], "minor": ["百科问答"]},
        "domain": ["百科"],
    },
    "exam": {
        "name": "考试",
        "platform": Platform.EXAM,
        "instruction_templates": ["{title}"],
        "input_template": "{body}",
        "reply": Reply.SOURCE,
        "screens": [DUPLICATE, {"screen": "length", "field": "title", "min": 6}, {"screen": "length", "field": "answer", "min": 1}],
        "task_type": {"major": ["考试"], "minor": ["选择题"]},
        "domain": ["教育"],
    },
    "wikihow": {
        "name": "wikiHow",
        "platform": Platform.WIKIHOW,
        "instruction_templates": ["{title}"],
        "reply": Reply.SOURCE,
        "screens": [DUPLICATE, {"screen": "length", "field": "title", "min": 4}, {"screen": "length", "field": "answer", "min": 200}],
        "task_type": {"major": ["问答"], "minor": ["操作指南"]},
        "domain": ["生活"],
    },
    "segmentfault": {
        "name": "SegmentFault",
        "platform": Platform.SEGMENTFAULT,
        "instruction_templates": ["{title}\n{body}"],
        "reply": Reply.SOURCE,
        "screens": [DUPLICATE, {"screen": "votes", "min": 5}, {"screen": "length", "field": "answer", "min": 50}],
        "task_type": {"major": ["问答"], "minor": ["技术问答"]},
        "domain": ["计算机", "编程"],
    },
}


def ensure(slug: str | None = None) -> None:
    """Add the preset source `slug` (None: all of them) where it is missing. What is there already stays as it is.

    Raises KeyError when there is no such preset.
    """
    for each in PRESETS if slug is None else (slug,):
        Source.objects.get_or_create(slug=each, defaults=PRESETS[each] | {"guidelines": guidelines(each)})


def guidelines(slug: str) -> str:
    """What reviewers of the preset `slug` should know, in Markdown; empty when nothing is written yet."""
    path = GUIDELINES / f"{slug}.md"
    return path.read_text("utf-8") if path.exists() else ""
