import pytest

from sources.cleaning import content_hash, content_hashes, fold, plain, without_markup, without_topics


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("一\r\r二\r\n三\r四", "一\n\n二\n三\n四"),
        ("一\n\n\n\n\n二", "一\n\n二"),
        ("\ufeff 一\x0c二\u200b三 ", "一二三"),
        ("你好 ,world ！", "你好 ,world ！"),
        ("\u3000 \n", ""),
    ],
)
def test_plain_keeps_what_the_author_wrote(text, result):
    assert plain(text) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("一<br>二<br/>三", "一\n二\n三"),
        ("<p>一</p><p>二&nbsp;&amp;三</p>", "一\n二\xa0&三"),
        ("a < b，c > d", "a < b，c > d"),
        ("List<String> x", "List<String> x"),
        ('看<a href="https://x.example" class="y">这里</a>', "看这里"),
        ("<B>粗</B>", "粗"),
        ("1<2>1", "1<2>1"),
    ],
)
def test_markup_goes_and_what_only_looks_like_it_stays(text, result):
    assert without_markup(text) == result


def test_topics_and_stickers_of_a_note_go():
    assert without_topics("好吃[偷笑R]\n\t\n#早餐[话题]# #北京 小吃[话题]#真的 #1 [图片]") == "好吃\n\n 真的 #1 [图片]"


@pytest.mark.parametrize(
    ("one", "other"),
    [("你好，世界！", "你好 世界"), ("ＡＢＣ１２３", "abc123"), ("“吃”了吗？", "「吃」了吗?"), ("a\u200bb", "ab"), ("等等……", "等等...")],
)
def test_what_reads_the_same_is_equal(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("1+1", "1-1"), ("x>y", "x<y"), ("1.5 元", "15 元"), ("5-3", "53"), ("3:2", "32"), ("👍", "👎")]
)
def test_what_means_something_else_is_not(one, other):
    assert fold(one) != fold(other)


def test_the_hash_knows_the_fields_apart_and_compares_pure_punctuation_as_it_is():
    assert content_hash("甲乙", "", "") != content_hash("甲", "乙", "")
    assert content_hash("？？？") != content_hash("！！！")
    assert content_hash("甲，", "乙") == content_hash("甲", "乙。")


def test_many_hashes_at_once_are_those_of_each():
    posts = [("甲，", "乙", ""), ("？", "\x01", "3."), ("14", "", "𠀀"), ("长" * 40_000, "", "A"), ()]
    assert content_hashes(posts) == [content_hash(*post) for post in posts]
