"""Posts that give orders to whatever model reads them. They are harmless to a person, and so they are marked, never left out."""

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterator

from .base import Check, Finding, Texts

MOST = 20_000  # characters looked at, from the beginning and from the end
# What is said to be ignored, and what it is that is ignored.
_IGNORE = (
    r"(?:忽略|无视|無視|不要理会|不要理會|不用管|别管|別管|忘记|忘記|忘掉|抛开|拋開|跳过|跳過|覆盖|覆蓋|取消|作废|作廢|停止(?:遵守|执行))"
)
_RULES = (
    r"(?:(?:以上|上面|之前|前面|先前|此前|所有|全部|任何|一切|你的|系统|系統|原有|开发者|開發者|安全)的?\s*){1,4}"
    r"(?:指令|指示|命令|要求|规则|規則|设定|設定|提示词?|提示詞|限制|内容|內容|对话|對話|约束|約束|说明|說明)"
)
SIGNS = re.compile(
    rf"{_IGNORE}.{{0,12}}?{_RULES}"
    rf"|{_RULES}.{{0,8}}?(?:都|全部|已经|已經|现在|現在)?(?:作废|作廢|失效|无效|無效|取消)"
    r"|(?:ignore|disregard|forget|override|bypass)\s+(?:\w+\s+){0,4}?"
    r"(?:above|previous|prior|earlier|instructions?|rules?|prompts?|system|guidelines)"
    r"|(?:输出|輸出|说出|說出|打印|列出|复述|複述|重复|重複|泄露|洩露|"
    r"公开|公開|告诉我|告訴我|透露|显示|顯示|写出|寫出|翻译|翻譯)"
    r".{0,16}?"
    r"(?:系统提示|系統提示|系统消息|系統消息|system prompt|提示词|提示詞|初始指令|"
    r"内部编号|內部編號|隐藏指令|api[ _-]?key|密钥|金鑰|你的规则|你的規則)"
    r"|(?:把|将|將)你的(?:初始|系统|系統|原始|隐藏|隱藏)?(?:指令|提示词?|提示詞|设定|設定).{0,8}(?:翻译|翻譯|输出|輸出|打印|复述|複述|告诉|告訴|发|發)"
    r"|(?:reveal|print|repeat|show|leak|output)\s+(?:\w+\s+){0,4}?(?:system prompt|instructions|api[ _-]?key|hidden)"
    r"|(?:从现在起|从现在开始|從現在起|從現在開始|现在你是|現在你是|假装你是|假裝你是|请扮演|你将扮演|進入|进入).{0,16}?"
    r"(?:DAN|没有(?:任何)?限制|沒有(?:任何)?限制|不受.{0,6}限制|开发者模式|開發者模式|越狱|越獄|管理员模式|管理員模式)"
    r"|\b(?:you are now|act as|pretend to be)\b.{0,40}?(?:DAN|unrestricted|developer mode|jailbroken|no (?:rules|restrictions))"
    r"|<\|?\s*(?:im_start|im_end|system|endoftext|assistant)\s*\|?>|\[/?INST\]|<</?SYS>>|###\s*(?:system|instruction|系统|指令)\b"
    r"|[\"']role[\"']\s*:\s*[\"'](?:system|developer|assistant|tool)[\"']"
    r"|[\"'](?:score|accept|verdict|human_verified)[\"']\s*:"
    r"|(?:打|给|給|评|評)\s*(?:满分|滿分|10\s*分|十分|最高分)(?!的)|(?:rate|score)\s+(?:this|it)\s+(?:a\s+)?10"
    r"|(?:直接|只|仅|僅|必须|必須|请|請)\s*(?:输出|輸出|回复|回覆|回答)\s*[:：“\"「『]?\s*(?:通过|通過|accept|合格|满分|滿分|10|yes)"
    r"|(?:在|于|於)(?:回答|回复|回覆|输出|輸出|文章)的?(?:末尾|结尾|結尾|开头|開頭|最后|最後)(?:加上|附上|插入|写上|寫上|放)"
    r"|(?:作为|作為|对|對|给|給|致|请|請|所有)\s*(?:正在)?(?:阅读|閱讀|处理|處理|审核|審核|评分|評分|打分)?(?:本文|此文|这段|這段)?的?\s*"
    r"(?:AI|人工智能|大模型|语言模型|語言模型|评分模型|評分模型|审核模型|審核模型|机器人|機器人)\s*[，,:：]?\s*(?:请|請|你|必须|必須|应当|應當|注意|指示|指令)"
    r"|(?:系统|系統|system|管理员|管理員|开发者|開發者)\s*(?:消息|通知|指令|提示|message|override|命令)\s*[:：]"
    r"|(?:new|updated)\s+(?:system\s+)?instructions?\s*[:：]|(?:新的?|最新|更新后的?)(?:系统)?(?:指令|指示|规则)\s*(?:如下|[:：])",
    re.IGNORECASE | re.DOTALL,
)
INVISIBLE = re.compile("[\u200b-\u200f\u2060\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]")
BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")


def signs(text: str) -> list[tuple[int, int]]:
    """Where `text` gives orders to a model; (0, 0) stands for what is hidden: in base64, or between invisible characters."""
    near = text if len(text) <= 2 * MOST else text[:MOST] + "\n" + text[-MOST:]
    if found := [match.span() for match in SIGNS.finditer(near)]:
        return found if near is text else [(0, 0)]
    plain = INVISIBLE.sub("", unicodedata.normalize("NFKC", near))
    hidden = (_decoded(match.group()) for match in BASE64.finditer(near))
    squeezed = re.sub(r"(?<=[\u3400-\u9fff])[\s.·•_*\-|/]+(?=[\u3400-\u9fff])", "", plain)
    return [(0, 0)] if any(SIGNS.search(each) for each in (plain, squeezed, *hidden)) else []


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-8", "ignore")
    except (binascii.Error, ValueError):
        return ""


class Injection(Check):
    """忽略以上指令… in what was asked. A warning: a pair may be about just that, and whoever reviews it should know."""

    name = "injection"

    def find(self, texts: Texts) -> Iterator[Finding]:
        for field in ("instruction", "input"):
            if spans := signs(getattr(texts, field)):
                yield self.found("injection", field, [span for span in spans if span[1]])
