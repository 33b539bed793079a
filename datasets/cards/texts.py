"""The words of the dataset card, in Chinese and in English: a card is read far from here, so it speaks both at once. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    what: str
    withdrawn: str
    demo: str
    figures: str
    figure: tuple[str, str]
    records: str
    splits: str
    answered: str
    decided: str
    lengths: str
    several: str
    agreed: str
    preferences: str
    period: str
    licences: str
    licence: tuple[str, str, str]
    unknown: str
    licence_note: str
    funnel: str
    stage: tuple[str, str, str]
    funnel_note: str
    models: str
    model: tuple[str, str, str, str]
    no_models: str
    left_out: str
    reason: tuple[str, str]
    nothing: str
    split_note: str
    limits: str
    limit_list: tuple[str, ...]
    guidelines: str
    changelog: str
    checksum: str
    checksum_note: str


ZH = Words(
    what="共 {n} 对中文指令与回复，由 {people} 位审校员逐条读过并决定去留。字段与 COIG-CQIA 一致：九个键，顺序与类型逐行相同。",
    withdrawn="此版本已撤回，请勿继续使用。",
    demo="此版本含有演示草稿，不可用于训练。",
    figures="数字",
    figure=("项目", "数值"),
    records="指令与回复（对）",
    splits="切分",
    answered="回复出自（模型 / 人）",
    decided="决定（原样接受 / 改后接受）",
    lengths="中位长度（指令 / 回复，字）",
    several="多人审过（对）",
    agreed="其中文本完全一致",
    preferences="偏好数据",
    period="审校时间",
    licences="来源与许可",
    licence=("来源", "许可", "行数"),
    unknown="未知",
    licence_note="许可按来源记录，随版本一起封存；许可未知的来源默认不收。",
    funnel="漏斗",
    stage=("来源", "读入 → 导入 → 筛后 → 起草 → 审过 → 接受", "本版本"),
    funnel_note="封存时的计数，行行有去向。",
    models="用过的模型与提示词",
    model=("模型", "提示词", "sha256", "行数"),
    no_models="没有：回复都是来源自带的。",
    left_out="已接受但未收入",
    reason=("原因", "对"),
    nothing="没有。",
    split_note="按帖子所属的近重复簇、同一问题与相同文本成组抽签（种子 {seed}），同组不会跨切分；同一帖子在以后的版本里切分不变。",
    limits="已知局限",
    limit_list=(
        "回复由人审定，仍可能有事实错误；时效性内容以审校时间为准。",
        "由模型起草的回复带有该模型的文风；用同一模型做裁判会偏向这些回复。",
        "文本来自中文网络社区，题材与口吻不代表一般人群。",
        "answer_from 为 llm 表示模型草稿经接受或改动不足一半；human 表示来源原答或基本重写。",
    ),
    guidelines="审校准则",
    changelog="更新说明",
    checksum="校验和",
    checksum_note="为规范 JSON Lines（键排序、无空格、UTF-8）的 sha256，与文件格式无关；各文件的校验和见 SHA256SUMS。",
)
EN = Words(
    what="{n} pairs of instruction and response in Chinese, each read and decided by a person ({people} reviewers). "
    "Fields as in COIG-CQIA: nine keys, the same order and types in every row.",
    withdrawn="This version is withdrawn. Do not use it any more.",
    demo="This version holds demo drafts and is of no use for training.",
    figures="Figures",
    figure=("what", "value"),
    records="pairs",
    splits="Splits",
    answered="answered by (model / person)",
    decided="decided (accepted as drafted / after an edit)",
    lengths="median length (instruction / response, characters)",
    several="decided by several people",
    agreed="of which with the very same text",
    preferences="preference data",
    period="reviewed",
    licences="Sources and licences",
    licence=("source", "licence", "rows"),
    unknown="unknown",
    licence_note="Licences are kept per source and frozen with the version; sources of unknown licence are left out by default.",
    funnel="Funnel",
    stage=("source", "read → imported → screened → drafted → reviewed → accepted", "in this version"),
    funnel_note="As counted when the version was frozen; every row read is accounted for.",
    models="Models and prompts used",
    model=("model", "prompt", "sha256", "rows"),
    no_models="None: every response is the source's own.",
    left_out="Accepted and not in it",
    reason=("reason", "pairs"),
    nothing="Nothing.",
    split_note="Posts that belong together (a near-duplicate cluster, one question, the same text) are drawn as one by a hash "
    "(seed {seed}), so no group straddles two splits, and a post keeps its split in later versions.",
    limits="Known limits",
    limit_list=(
        "People have read every response, and some facts will still be wrong; what changes with time holds for the time of review.",
        "Responses drafted by a model have its style; the same model as a judge will prefer them.",
        "The texts come from Chinese communities on the web; topics and tone are not those of the public at large.",
        "answer_from is llm for a model's draft, accepted or changed by less than half; human for the source's own answer, or a rewrite.",
    ),
    guidelines="Guidelines for reviewers",
    changelog="Changes",
    checksum="Checksum",
    checksum_note="The sha256 of the canonical JSON Lines (keys sorted, no spaces, UTF-8), whatever the file format; "
    "SHA256SUMS has those of the files.",
)
