"""One row of each shape that an importer knows, of our own making. The writer is always 某某."""

TITLE = {"title": "空腹抽血，要先把胃取出来吗？", "abs": None, "href": "/p/9000000001?fr=good", "lz": "某某", "n_reply": "846"}
ANNUAL = {"author": "某某", "content": "151、我把表调快一小时，是不是就活到了未来？", "l_num": 2, "ctime": "2018-12-24 00:02"}
FLOOR = {
    "pid": 11,
    "tid": 22,
    "user_name": "某某",
    "user_id": 33,
    "text": "楼上说得对",
    "time": 1760586264,
    "is_comment": False,
    "floor": 2,
}
TIEBA_NOTE = {
    "note_id": "44",
    "title": "题",
    "desc": "文",
    "note_url": "https://tieba.baidu.com/p/44",
    "publish_time": "1760586264",
    "tieba_name": "弱智吧",
    "total_replay_num": "12",
    "user_link": "https://tieba.baidu.com/home?id=某某",
    "user_nickname": "某某",
}
NEW_TIEBA_NOTE = {**{key: value for key, value in TIEBA_NOTE.items() if key != "user_link"}, "creator_hash": "某某", "user_nickname": "某*"}
ZHIHU = {
    "qid": 5,
    "title": "为什么？",
    "desc": "一<br>二",
    "topic": "生活",
    "star": 30,
    "content": "<p>因为。</p>",
    "answer_id": 6,
    "answerer_tags": "",
}
ZHIHU_CRAWLED = {
    "content_id": "7",
    "content_type": "answer",
    "content_text": "因为如此。",
    "content_url": "https://www.zhihu.com/question/5/answer/7",
    "question_id": "5",
    "title": "为什么？",
    "desc": "因为如此。",
    "created_time": 1760586264,
    "voteup_count": 12,
    "user_nickname": "某某",
}
NOTE = {
    "note_id": "66aa",
    "type": "normal",
    "title": "早餐",
    "desc": "豆浆[偷笑R] #早餐[话题]#",
    "time": 1743574266000,
    "liked_count": "1.2万",
    "user_id": "u1",
    "nickname": "某某",
    "ip_location": "北京",
    "xsec_token": "t",
}
COMMENT = {
    "name": "某某",
    "star": "m",
    "time": "2022-12-10 16:49:45",
    "votes": "246",
    "comment": "没有从头讲，\n从运河切入。",
    "source": "《渡口》",
}
REVIEW = {"subject": "渡口", "title": "人和桥", "content": "长评。", "useful_count": "3"}
QA = {"qid": "qid_1", "category": "生活", "title": "饺子为什么点水？ ", "desc": "", "answer": "为了\r\r熟得均匀。"}
ENTRY = {"id": "53", "url": "https://zh.wikipedia.org/wiki?curid=53", "title": "经济学", "text": "经济学\n\n经济学是一门科学。"}
EXAM = {"year": "2011", "category": "卷一", "question": "1+1=？ A.1 B.2", "answer": ["B"], "analysis": "数一数。", "index": 0, "score": 4}
WATCHED = {
    "content_id": "8",
    "content_type": "article",
    "content_text": "一篇文章。",
    "content_url": "https://zhuanlan.zhihu.com/p/8",
    "question_id": "",
    "title": "文章",
    "desc": "一篇",
    "voteup_count": "1.2万",
    "creator_hash": "某某",
}
HOT = {"url": "https://www.zhihu.com/question/1900000000000000001", "title": "雨为什么往下落？"}
NEWS = {
    "news_id": "9",
    "keywords": "桥，河",
    "title": "新桥通车",
    "desc": "昨日，新桥通车",
    "source": "某网",
    "time": "03-22 12:00",
    "content": "昨日，新桥通车。\r\r河边站满了人。",
}
ASKED = {"input": "水开了为什么会响？", "output": "气泡在上升时破裂。"}
LONG_REVIEW = {"review_id": "5", "movie": "渡口", "review": "长评。", "votes": "1.2万", "user_id": "某某"}
SUBJECT = {"subject_name": "渡口", "content": "桥比人好看。", "useful_count": 7, "user_nickname": "某某"}
MNBVC_QA = {
    "id": 3,
    "问": "如何叠纸船",
    "答": "1. 拿一张纸\n1-1. 对折。",
    "来源": "wikihow",
    "元数据": {
        "create_time": "20230517 10:41:58",
        "问题明细": "",
        "回答明细": '{"回答": "1. 拿一张纸\\n1-1. 对折。", "用户名": "某某"}',
        "扩展字段": '{"点赞数": 12}',
    },
}
MNBVC_FORUM = {
    "ID": 7,
    "主题": "出一张今晚的票",
    "来源": "某论坛",
    "回复": [
        {"楼ID": "1", "回复": "还在吗", "扩展字段": '{"回复人": "某某", "引用人": "某某"}'},
        {"楼ID": "2", "回复": "", "扩展字段": ""},
        {"楼ID": "3", "回复": "已出", "扩展字段": '{"回复人": "某某"}'},
    ],
    "元数据": {"发帖时间": "20170924 13:53:31", "回复数": 3, "扩展字段": '{"原文": "[某某] 还在吗", "点赞数": 1}'},
}
CODE = {
    "title": "为什么 0.1 + 0.2 不等于 0.3？",
    "body": "```html\n<div>0.3</div>\n```",
    "answer": "<p>二进制 &lt; 十进制</p>",
    "votes": "5",
    "tags": ["javascript"],
    "author": "某某",
}
CQIA = {
    "instruction": "写一句话",
    "input": "关于雨",
    "output": "下雨了。",
    "task_type": {"major": ["文本生成"], "minor": ["造句"]},
    "domain": ["通用"],
    "metadata": "",
    "answer_from": "human",
    "human_verified": True,
    "copyright": "",
}
ALPACA = {"instruction": "写一句话", "input": "", "output": "下雨了。", "history": [["先前问", "先前答"]]}
PREFERENCE = {"instruction": "写一句话", "input": "", "chosen": "下雨了。", "rejected": "不知道。"}
BELLE = {"question": "一天有多少小时？", "std_answer": "24 小时。", "class": "open qa"}
SHAREGPT = {
    "id": "c1",
    "conversations": [
        {"from": "system", "value": "你是助手"},
        {"from": "human", "value": "雨是什么？"},
        {"from": "gpt", "value": "水滴。"},
        {"from": "human", "value": "那雪呢？"},
        {"from": "gpt", "value": "冰晶。"},
    ],
}
PAIRED = {"conversation_id": "c2", "category": "生活", "conversation": [{"human": "雨是什么？", "assistant": "水滴。"}]}
MESSAGES = {"messages": [{"role": "user", "content": "雨是什么？"}, {"role": "assistant", "content": "水滴。"}]}
MAPPED = {"title": "题", "body": "文", "link": "https://x.example/1"}
SHAPES = {
    "tieba": [TITLE, ANNUAL, FLOOR, TIEBA_NOTE, NEW_TIEBA_NOTE],
    "zhihu": [ZHIHU, ZHIHU_CRAWLED, WATCHED, HOT],
    "xiaohongshu": [NOTE],
    "douban": [COMMENT, REVIEW, LONG_REVIEW, SUBJECT],
    "baike": [QA, ENTRY, NEWS, ASKED],
    "mnbvc": [MNBVC_QA, MNBVC_FORUM],
    "segmentfault": [CODE],
    "exam": [EXAM],
    "cqia": [CQIA],
    "alpaca": [ALPACA, PREFERENCE],
    "belle": [BELLE],
    "conversations": [SHAREGPT, PAIRED, MESSAGES],
    "generic": [MAPPED],
}
