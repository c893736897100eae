"""Texts that try to be more than texts: markup, scripts, directions, controls, lengths."""

HOSTILE = {
    "script": "<script>document.title = 'owned'</script>",
    "end of script": "</script><script>document.title = 'owned'</script>",
    "end of comment": "--><script>document.title = 'owned'</script><!--",
    "image": '"><img src=x onerror="document.title = \'owned\'">',
    "svg": "<svg/onload=document.title='owned'>",
    "frame": "<iframe src=\"javascript:document.title='owned'\"></iframe>",
    "link": "javascript:document.title='owned'",
    "style": "</style><style>body { display: none }</style>",
    "base": '<base href="https://example.com/"><meta http-equiv="refresh" content="0;url=https://example.com">',
    "template": "{{ 7 * 7 }} {% include 'x' %} ${7*7} `${document.title = 'owned'}`",
    "end of call": '"]); document.title = "owned"; judgebench(...["0", [',
    "prototype": '{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}',
    "line separators": "one\u2028two\u2029three\x85four",
    "override": "\u202egnp.exe\u202c and \u2066isolated\u2069 \u061c\u200f",
    "zero width": "in\u200bvis\u200cible\ufeff\u2060\u00ad",
    "tags": "hello\U000e0041\U000e0042",
    "controls": "\x00\x01\x07\x08\x0b\x0c\x1b[2J\x7f\x9b",
    "returns": "one\r\ntwo\rthree",
    "entities": "&lt;script&gt; &amp; &#x202e; &nbsp;",
    "backslashes": "\\u003cscript\\u003e \\r \\begin{x} \\\\",
    "quotes": "'\"`\"'`",
    "marks": "Z" + "\u0335\u0321\u0322" * 40,
    "beyond": "\U0010ffff\ufffe\ue000",
    "css": "color: red; background: url(https://example.com/x)",
    "formula": '=HYPERLINK("https://example.com")',
    "spaces": "\u00a0\u3000\t\t" + " " * 300,
}
"""By what they try. `line` and `surrogate` are apart: one is long, the other cannot be in a journal."""
SURROGATE = "\ud800 and \udfff"
LINE = "x" * 1_000_000
VISIBLE = "owned"
