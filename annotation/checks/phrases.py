"""How models talk: about themselves, around the matter, and when they would rather not. Nothing that a person would write in reply."""

import re
from collections.abc import Iterator

from .base import Check, Finding, Texts, is_quoted

_MODEL = r"(?:虚拟)?(?:AI|人工智能|人工智慧|大型?语言|大型?語言|语言|語言|聊天|虚拟|虛擬|智能|智慧)"
_NAMES = r"(?:ChatGPT|GPT-?[345]\w*|Claude|Gemini|Bard|Kimi|DeepSeek|通义千问|文心一言|讯飞星火|智谱清言|豆包)"
_AM = r"(?:作为|作為|身为|身為|我(?:只|仅|僅|就|也)?是)"
_ONE = r"(?:一?[个個种種名款位台])?"
_MADE = r"(?:由[^，。,.]{1,20}(?:开发|訓練|训练|開發|驱动|驅動)的)?"
PHRASES = re.compile(
    rf"{_AM}\s*{_ONE}\s*{_MADE}\s*{_MODEL}\s*(?:助手|助理|模型|机器人|機器人|语言模型|語言模型|大模型)"
    rf"|{_AM}\s*{_ONE}\s*{_MADE}\s*(?:AI|人工智能|人工智慧)(?=[，,。])"
    r"|我(?:只|仅|就|其实)?是一?[台个名段]?(?:机器人?|程序|电脑程序|代码)(?=[，,。])"
    rf"|{_AM}\s*{_ONE}\s*{_MADE}\s*(?:聊天机器人|聊天機器人|{_NAMES})"
    r"|\bas an? (?:AI|artificial intelligence|large language model|language model)\b"
    r"|(?:我的)?(?:知识|知識|训练数据|訓練資料)(?:库|庫)?截止(?:于|於|日期|到|至)"
    r"|我的(?:知识|知識)(?:更新|截止|库更新)|我的(?:训练数据|訓練資料)"
    r"|\b(?:ChatGPT|GPT-[345]\w*|OpenAI)\s*(?:开发|训练|開發|訓練)"
    r"|(?:本|此|以上|上述)(?:回答|内容|文|回复|答案)(?:均|皆)?由\s?(?:AI|人工智能|大?模型|ChatGPT)[^，。]{0,6}(?:生成|提供)",
    re.IGNORECASE,
)
BOILERPLATE = re.compile(
    r"^[ \u3000]*(?:总之|总而言之|總之|總而言之|综上所述|綜上所述|总的[来说]{2}|總的來說"
    r"|总体(?:而言|来说|来看|上)|整体而言|简而言之|概括来说|一言以蔽之)[，,]"
    r"|(?:^|(?<=[。！!，,\n]))希望(?:以上|这些|這些|这个|這個|这|本|上述|我的)?[^，。\n]{0,8}?(?:能够?|能夠?|可以|会)?"
    r"(?:(?:对|對|给)[您你](?:能|会)?(?:有所|有|带来|提供)?一?[些点]?(?:帮助|幫助|启发)|帮助?[到助]?[您你]了?|幫助?到?[您你])(?=[。！!，,~～\s]|\Z)"
    r"|以上(?:就)?是(?:我|本人)的(?:回答|解答|建议|回复|看法)|竭诚为[您你]服务|祝[您你](?:生活|学习|工作|一切)[^，。]{0,4}(?:愉快|顺利|进步)"
    r"|(?:感谢|谢谢|感謝|謝謝)[您你]的(?:提问|提問|咨询|关注|问题)"
    r"|\A(?:[您你]好|当然(?:可以)?|好的|没问题|當然(?:可以)?)[！，。!,~～]\s*"
    r"(?:很高兴|我(?:来|会|将)|以下|下面|这是)?[^。！\n]{0,8}(?:[为為][您你]|解答|整理)"
    r"|\A这(?:是一?个|个问题)(?:非常|很|十分|挺|真是)?(?:有趣|有意思|好|深刻|经典)(?:的问题)?[。！，!]"
    r"|[您你](?:提出|问|提)了?一?个(?:非常|很|十分)(?:好|有趣|有意思|棒)的问题|\A[您你]的(?:问题|提问|想法)(?:非常|很|真是?|太)(?:好|棒|有趣|有意思|有深度)[！，。!]"
    r"|(?:如果?|若|倘若|要是)(?:[您你])?(?:对此|对以上内容)?(?:还|還|仍)?(?:有|存在)"
    r"(?:任何|其他|其它|更多|什么|哪些)?(?:不明白的|的)?(?:问题|疑问|疑惑|需要|问题或建议|問題|疑問)[，,]\s*(?:欢迎|请|歡迎|請)?(?:您|你)?(?:随时|继续|隨時|繼續)"
    r"|每个人的(?:情况|体质|需求)(?:都)?(?:各)?不(?:尽相)?同|(?:请)?以实际情况为准|建议(?:您|你)?咨询(?:相关)?(?:的)?专业(?:人士|人员)"
    r"|最后，?请(?:您|你)?记住|才是最(?:重要|关键)的。?\s*\Z",
    re.MULTILINE,
)
_SORRY = r"(?:抱歉|对不起|對不起|不好意思|很遗憾|很遺憾)"
_CANNOT = (
    r"(?:暂时|暫時|目前|现在|可能|恐怕)?"
    r"(?:无法|無法|不能|不便|不方便|没法|没办法|没有(?:足够|能力|办法|权限)|不具备|还没有?学会|不太?(?:明白|理解|清楚))"
)
_ACT = (
    r"(?:直接|继续|为您|为你|给您|给你|对此|就此|向您|帮您|帮你|幫您|幫你)?(?:回答|回复|作答|解答|提供|满足|滿足|协助|協助|帮[您你]|完成|访问|给出|讨论|生成|处理|执行"
    r"|写这|参与|进行|(?:发表)?评论|判断|确认|透露|展开|的信息|信息|能力|您的意思|你的意思|您的问题|这个问题|这方面)"
)
REFUSALS = re.compile(
    rf"{_SORRY}[，,。！]\s*(?:但是?)?[^。！\n]{{0,24}}?{_CANNOT}[^，。！\n]{{0,8}}?{_ACT}"
    rf"|(?:\A|[。！\n，,])\s*(?:[^，。！\n]{{0,8}}问题)?我{_CANNOT}{_ACT}"
    r"|\bI(?:['’]m| am) (?:sorry|unable)\b[^.\n]{0,12}\b(?:but I|to)\b"
    r"|\bI (?:cannot|can['’]t|am not able to) (?:fulfil|assist|help|provide|comply|answer|engage)"
    r"|[您你](?:没有|未)提供[^。\n]{0,20}(?:请|請)|[您你]的(?:提问|问题|描述)(?:似乎|好像)?(?:不完整|不够清楚)"
    r"|请(?:您|你)?提供(?:更多|具体|完整|需要)[^。\n]{0,16}[，,][^。\n]{0,4}(?:以便|我(?:会|将|才能|可以))"
    r"|我(?:恐怕|可能|实在)?帮不了[您你]"
    r"|(?:超出|不在)了?我的(?:能力|知识|服务|专业)[^。\n]{0,6}范围|\bsorry,? (?:but )?I can(?:not|['’]t)\b"
    rf"|{_SORRY}[^。\n]{{0,20}}(?:能否|可否|可以)请[您你]",
    re.IGNORECASE,
)
OPENING = 120  # characters in which a refusal shows; further on, somebody is told about


class ModelPhrasing(Check):
    """作为一个人工智能语言模型… in the reply. A warning: a pair may be about just that."""

    name = "model_phrasing"

    def find(self, texts: Texts) -> Iterator[Finding]:
        if spans := [match.span() for match in PHRASES.finditer(texts.output)]:
            yield self.found("model_phrasing", "output", spans)


class Boilerplate(Check):
    """Words around the matter: 总之，… at the head of a paragraph, 希望对您有所帮助, 这是一个很好的问题."""

    name = "boilerplate"

    def find(self, texts: Texts) -> Iterator[Finding]:
        if spans := [match.span() for match in BOILERPLATE.finditer(texts.output) if not is_quoted(texts.output, match.start())]:
            yield self.found("boilerplate", "output", spans)


class Refusal(Check):
    """The reply says that it will not reply. Looked for where it begins, outside of quotations."""

    name = "refusal"

    def find(self, texts: Texts) -> Iterator[Finding]:
        head = texts.output[:OPENING]
        if spans := [match.span() for match in REFUSALS.finditer(head) if not is_quoted(head, match.start())]:
            yield self.found("refusal", "output", spans)
