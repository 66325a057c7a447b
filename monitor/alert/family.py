"""Families of channels: what each service does with a message. Pure; Apprise does the sending.

What is said of a service was seen in what it really sends (tests/payload.py), or is from its own documentation.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from msgspec import Struct

from monitor.alert.channel import Channel, Format
from monitor.diagnose.incident import Severity


class Loudness(Struct, frozen=True):
    """How a service is told whether to break through a phone's silence: a parameter of the address.

    `levels` go from quiet to loud, each with its other names. `by` is the level of each severity; None: of an end.
    """

    key: str
    levels: tuple[tuple[str, ...], ...]
    by: Mapping[Severity | None, str]

    def rank(self, value: str) -> int | None:
        """Return how loud a value is; None if the service knows no such value."""
        return next((rank for rank, names in enumerate(self.levels) if value.strip().lower() in names), None)

    def level(self, severity: Severity | None, own: str | None) -> str:
        """Return the level of a message. What the address says wins, but an end is never louder than an end is."""
        usual = self.by[severity]
        if own is None or (chosen := self.rank(own)) is None:
            return usual
        return self.levels[min(chosen, self.rank(usual) or 0) if severity is None else chosen][0]


class Family(Struct, frozen=True):
    """One service. `formats` are what it can show, the best first; those that read Markdown anyway get nothing else.

    `link` is the parameter of its address that a tap opens; "": it has none. `body_most` is in bytes, where Apprise
    knows another limit than the service has. `shows_code`: its Markdown has `code`, which keeps foreign words plain.
    """

    name: str
    formats: tuple[Format, ...] = (Format.TEXT,)
    loudness: Loudness | None = None
    link: str = ""
    body_most: int | None = None
    shows_code: bool = True


ANY = (Format.TEXT, Format.MARKDOWN, Format.HTML)
MARKDOWN, HTML = (Format.MARKDOWN,), (Format.HTML,)
MAIL = (Format.HTML, Format.TEXT)
PLAIN_OR_MARKDOWN = (Format.TEXT, Format.MARKDOWN)


def _by(critical: str, warning: str, info: str, end: str, major: str = "") -> Mapping[Severity | None, str]:
    """Return the level of each severity; a service with none between a warning and the gravest takes the warning's."""
    milder: Mapping[Severity | None, str] = {Severity.WARNING: warning, Severity.INFO: info, None: end}
    return {Severity.CRITICAL: critical, Severity.MAJOR: major or warning, **milder}


NTFY = Loudness(
    "priority",
    (("min", "1"), ("low", "2"), ("default", "normal", "3"), ("high", "4"), ("max", "urgent", "emergency", "5")),
    _by("max", "high", "low", "default"),
)
GOTIFY = Loudness(
    "priority",
    (
        ("low", "0"),
        ("moderate", "1", "2", "3"),
        ("normal", "4", "5", "6", "7"),
        ("high", "8", "9"),
        ("emergency", "10"),
    ),
    _by("emergency", "high", "moderate", "normal"),
)
"""Its lowest shows nothing on a phone."""
FIVE_STEPS = (("low", "-2"), ("moderate", "-1"), ("normal", "0"), ("high", "1"), ("emergency", "2"))
PUSHOVER = Loudness("priority", FIVE_STEPS, _by("high", "normal", "moderate", "normal"))
"""High breaks through its quiet hours. An emergency rings until somebody answers there: only if the address says so."""
PROWL = Loudness("priority", FIVE_STEPS, _by("emergency", "high", "moderate", "normal"))
PUSHSAFER = Loudness(
    "priority",
    (("low", "-2"), ("medium", "moderate", "-1"), ("normal", "0"), ("high", "1"), ("emergency", "2")),
    _by("emergency", "high", "medium", "normal"),
)
BARK = Loudness(
    "level",
    (("passive",), ("active",), ("timesensitive", "time-sensitive"), ("critical",)),
    _by("critical", "timesensitive", "passive", "active"),
)
SILENT = Loudness("silent", (("yes", "true", "on", "1"), ("no", "false", "off", "0")), _by("no", "no", "yes", "yes"))
NOTICE = Loudness("msgtype", (("notice",), ("text",)), _by("text", "text", "notice", "notice"))
"""A notice makes no sound: Matrix's own rules of notification pass it by."""
PAGERDUTY = Loudness(
    "severity",
    (("info",), ("warning",), ("error",), ("critical",)),
    _by("critical", "warning", "info", "info", major="error"),
)
OPSGENIE = Loudness(
    "priority", tuple((f"p{step}", str(step)) for step in (5, 4, 3, 2, 1)), _by("p1", "p3", "p5", "p5", major="p2")
)

FAMILIES: Mapping[str, Family] = {
    "acs": Family("Azure mail", MAIL),
    "amqp": Family("AMQP", ANY),
    "apprise": Family("Apprise API", ANY),
    "azure": Family("Microsoft 365 mail", HTML),
    "bark": Family("Bark", loudness=BARK, link="click", body_most=3000),
    "brevo": Family("Brevo", MAIL),
    "cliq": Family("Zoho Cliq", MARKDOWN),
    "dingtalk": Family("DingTalk", PLAIN_OR_MARKDOWN),
    "discord": Family("Discord", MARKDOWN),
    "evolution": Family("Evolution", MARKDOWN),
    "feishu": Family("Feishu", PLAIN_OR_MARKDOWN),
    "form": Family("form webhook", ANY),
    "gchat": Family("Google Chat", MARKDOWN),
    "github": Family("GitHub", MARKDOWN),
    "goalert": Family("GoAlert", MARKDOWN),
    "gotify": Family("Gotify", PLAIN_OR_MARKDOWN, GOTIFY),
    "groundmail": Family("Groundmail", MAIL),
    "guilded": Family("Guilded", MARKDOWN),
    "hassio": Family("Home Assistant", MARKDOWN),
    "ilert": Family("ilert", MARKDOWN),
    "incidentio": Family("incident.io", MARKDOWN),
    "json": Family("JSON webhook", ANY),
    "kook": Family("KOOK", MARKDOWN),
    "lark": Family("Lark", PLAIN_OR_MARKDOWN),
    "line": Family("LINE"),
    "mailersend": Family("MailerSend", MAIL),
    "mailgun": Family("Mailgun", HTML),
    "mailto": Family("mail", MAIL),
    "matrix": Family("Matrix", ANY, NOTICE),
    "mmost": Family("Mattermost", MARKDOWN),
    "nctalk": Family("Nextcloud Talk", MARKDOWN, SILENT),
    "ntfy": Family("ntfy", PLAIN_OR_MARKDOWN, NTFY, "click", 4096),
    "o365": Family("Microsoft 365 mail", HTML),
    "opsgenie": Family("Opsgenie", loudness=OPSGENIE),
    "pagerduty": Family("PagerDuty", loudness=PAGERDUTY),
    "pbul": Family("Pushbullet"),
    "pingram": Family("Pingram", (Format.TEXT, Format.HTML)),
    "postmark": Family("Postmark", HTML),
    "pover": Family("Pushover", (Format.TEXT, Format.HTML), PUSHOVER, "url"),
    "prowl": Family("Prowl", loudness=PROWL),
    "psafer": Family("Pushsafer", loudness=PUSHSAFER),
    "pushplus": Family("PushPlus", HTML),
    "reddit": Family("Reddit", MARKDOWN),
    "resend": Family("Resend", HTML),
    "rocket": Family("Rocket.Chat", MARKDOWN, body_most=5000),
    "sendgrid": Family("SendGrid", HTML),
    "sendpulse": Family("SendPulse", MAIL),
    "ses": Family("Amazon SES", HTML),
    "signal": Family("Signal"),
    "simplepush": Family("Simplepush", MARKDOWN),
    "slack": Family("Slack", MARKDOWN),
    "smtp2go": Family("SMTP2GO", HTML),
    "sparkpost": Family("SparkPost", HTML),
    "squadcast": Family("Squadcast", MARKDOWN),
    "tgram": Family("Telegram", HTML, SILENT),
    "twilio": Family("Twilio", body_most=459),
    "twist": Family("Twist", MARKDOWN),
    "webhook": Family("signed webhook"),
    "wecom": Family("WeCom", HTML),
    "wecombot": Family("WeCom bot"),
    "whapi": Family("Whapi", MARKDOWN),
    "whatsapp": Family("WhatsApp", body_most=4096),
    "workflows": Family("Microsoft Teams", MARKDOWN, body_most=20_000, shows_code=False),
    "wxteams": Family("Webex", MARKDOWN, body_most=7000),
    "xml": Family("XML webhook", ANY),
    "zalo": Family("Zalo", MARKDOWN),
    "zulip": Family("Zulip", MARKDOWN),
}
"""By the scheme of an address. What is not here is sent as plain text, and Apprise turns it into what a service wants.

459 bytes are three segments of a text message; a tap on its link is worth more than the second half of a sentence.
"""

OTHER_SCHEMES = {
    "spush": "simplepush",
    "webex": "wxteams",
    "workflow": "workflows",
    "zcliq": "cliq",
    "zohocliq": "cliq",
}
HOSTS = {
    "api.pushover.net": "pover",
    "chat.googleapis.com": "gchat",
    "discord.com": "discord",
    "discordapp.com": "discord",
    "hooks.slack.com": "slack",
    "ntfy.sh": "ntfy",
    "oapi.dingtalk.com": "dingtalk",
    "open.feishu.cn": "feishu",
    "open.larksuite.com": "lark",
    "qyapi.weixin.qq.com": "wecombot",
    "api.ciscospark.com": "wxteams",
    "webexapis.com": "wxteams",
}
"""Families whose own https addresses Apprise takes, too."""
UNKNOWN = Family("")


def scheme_of(url: str) -> str:
    """Return the name of the family that an address is of, or its scheme if none is known."""
    scheme = url.partition(":")[0].lower()
    if scheme in ("http", "https"):
        host = host_of(url)
        return "workflows" if host.endswith((".logic.azure.com", ".api.powerplatform.com")) else HOSTS.get(host, scheme)
    plain = OTHER_SCHEMES.get(scheme, scheme)
    return plain if plain in FAMILIES or plain[:-1] not in FAMILIES else plain[:-1]


def host_of(url: str) -> str:
    """Return the host of an address; "" for one that has none, or is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def family_of(url: str) -> Family:
    return FAMILIES.get(scheme_of(url), UNKNOWN)


def format_of(channel: Channel) -> Format:
    """Return the format in which a channel gets its messages: the one asked for, if its service can show that."""
    wanted = parameter(channel.url, "format") or channel.format
    formats = family_of(channel.url).formats if family_of(channel.url) is not UNKNOWN else ANY
    return next((one for one in formats if one == wanted), formats[0])


def priority_of(channel: Channel, severity: Severity | None) -> str:
    """Return how loud a message arrives, in the service's own word; "" if the service knows no such thing."""
    its = family_of(channel.url).loudness
    return its.level(severity, parameter(channel.url, its.key)) if its else ""


def wrong_priority(url: str) -> tuple[str, str] | None:
    """Return what is wrong with the priority that an address names, and the repair; None if nothing is."""
    family = family_of(url)
    its = family.loudness
    value = parameter(url, its.key) if its else None
    if its is None or value is None or its.rank(value) is not None:
        return None
    known = ", ".join(names[0] for names in its.levels)
    what = f'has {its.key} = "{value[:40]}", which {family.name} does not know'
    return what, f"write one of {known}, or leave it out: then it follows the severity"


def addressed(channel: Channel, severity: Severity | None, link: str) -> str:
    """Return the address with what this message says in it: how loud it is, and what a tap opens."""
    family, url = family_of(channel.url), channel.url
    if family.loudness:
        url = _with_parameter(url, family.loudness.key, priority_of(channel, severity))
    if family.link and link and parameter(url, family.link) is None:
        url = _with_parameter(url, family.link, link)
    return url


def parameter(url: str, key: str) -> str | None:
    """Return a parameter of an address; None if it has none of this name."""
    found = [value for name, value in parse_qsl(url.partition("?")[2], keep_blank_values=True) if name.lower() == key]
    return found[-1] if found else None


def _with_parameter(url: str, key: str, value: str) -> str:
    base, _, query = url.partition("?")
    pair = f"{key}={quote(value, safe='')}"
    others = [one for one in query.split("&") if one and unquote(one.partition("=")[0]).lower() != key]
    return f"{base}?{'&'.join((*others, pair))}"
