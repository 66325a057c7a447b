"""Pure: the words of an answer → what they say beyond its fault: what to verify, and that a key leaked."""

import re
from enum import StrEnum


class Demand(StrEnum):
    """What a provider wants verified before it continues."""

    PHONE = "phone"
    IDENTITY = "identity"
    BUSINESS = "business"
    ORGANIZATION = "organization"
    SECOND_FACTOR = "second_factor"
    EMAIL = "email"
    CARD = "card"
    AGE = "age"
    USE_CASE = "use_case"


ASKED = r"(?:(?:un)?verif|confirm|validat|authenticat|complet|provid|enter|add|bind|link|register|submit|upload)\w*"
"""What people are told to do with a thing: `verify your phone`."""
BETWEEN = r"(?:[^\w.;!?]+\w+){0,2}(?:[^\w.;!?]+\w+[^\w.;!?]+(?:or|and))?[^\w.;!?]+"
MEANS = r"(?<!\bby )(?<!\bvia )(?<!\bthrough )(?<!\bour )"
"""Excludes a means: `verify your identity via e-mail` asks for no e-mail."""
WANTING = (
    r"(?:[^\w.;!?]+\w+)?[^\w.;!?]+verification\b"
    r"|(?:[^\w.;!?]+\w+){0,7}[^\w.;!?]+(?:un)?(?:verified|confirmed|validated)\b"
)
"""What follows a thing that must be verified: `phone verification`, `your phone number must be verified`."""
DONE = (
    r"(?:^|[.;!?]\s)\s*(?:your |the )?\w[\w-]*(?: \w+)? (?:is|was|has been) (?:already |now |successfully )?"
    r"(?:verified|confirmed)\b"
)
"""What is already verified: a sentence of its own, so not `until your identity is verified`."""


def _thing(noun: str, said: str = r"(?!)") -> str:
    """Return the pattern that finds that a thing must be verified; `said` matches what needs no verb next to it."""
    noun = rf"\b{MEANS}(?:{noun})"
    return rf"\b{ASKED}{BETWEEN}{noun}|{noun}(?:{WANTING})|{said}"


TWICE = r"[双雙两兩二多2](?:重|步骤?|步驟?|[阶階]?段|段階|要素)式?(?:身[份分])?[验驗认認核查][证證証验驗]"
"""A second factor in Chinese: 双重验证, 雙重身分驗證, 两步验证, 兩步驟驗證, 二階段驗證."""

DEMANDS = {
    Demand.PHONE: _thing(
        r"(?:tele|cell ?)?phones?\b|mobiles?\b", r"\bsms\b|手机|手機|电话号码|電話號碼|短信(?:验证|认证)|簡訊驗證"
    ),
    Demand.IDENTITY: _thing(
        r"identit(?:y|ies)\b|identification\b|(?:photo |government.?(?:issued )?)ids?\b|passports?\b|selfie\b",
        r"\bkyc\b|\breal.?name\b|(?<!企业)(?<!企業)[实實]名|(?<!重)(?<!步)(?<!段)身[份分](?:信息|證|证|核|认|認|验|驗)|[个個]人[认認][证證]|人[脸臉]",
    ),
    Demand.BUSINESS: _thing(
        r"business(?:es)?\b|company\b|enterprise\b|corporate\b",
        r"\bkyb\b|企[业業].{0,4}[认認][证證]|公司[认認][证證]|[营營][业業][执執]照",
    ),
    Demand.ORGANIZATION: _thing(r"organi[sz]ations?\b|workspaces?\b", r"[组組][织織][认認验驗]"),
    Demand.SECOND_FACTOR: _thing(
        r"second factor\b",
        rf"\b(?:2fa|mfa|totp)\b|\b(?:two|multi|2|second).?(?:factor|step)\b|{TWICE}|[双雙多]因[素子]?|二次[验驗][证證]",
    ),
    Demand.EMAIL: _thing(r"e-?mails?\b(?! us)", r"\bcheck your (?:e-?mail|inbox)\b|[邮郵]箱|[电電]子[邮郵]件"),
    Demand.CARD: _thing(
        r"cards?\b|(?:payment|billing) (?:method|details|information|address)\b", r"[银銀]行卡|信用卡|(?:支付|付款)方式"
    ),
    Demand.AGE: _thing(r"age\b|date of birth\b", r"年[龄齡]|成年"),
    Demand.USE_CASE: _thing(r"use.?case (?:form|details)\b", r"\buse.?case details? (?:have|has) not been submitted"),
}
"""Words for each, in English and Chinese: the languages of the refusals that we read."""


def read_demands(words: str) -> tuple[Demand, ...]:
    """Return what the words ask to have verified; empty where they do not say."""
    open_ones = re.sub(DONE, " ", words.replace("_", " "), flags=re.IGNORECASE)
    return tuple(demand for demand, expression in DEMANDS.items() if re.search(expression, open_ones, re.IGNORECASE))


SECRET = r"(?:keys?|tokens?|credentials?|secrets?)\b"
WITHIN = r"(?:(?![.;!?]\s).)"
"""Stays within one sentence; the dots of a masked key do not end it."""
SEEN = r"(?:found|detected|discovered|posted|committed|published|exposed|shared|uploaded|pushed|seen)"
PUBLIC = r"(?:public|publicly|github|gitlab|repository|internet)"
LEAK = "|".join(
    (
        rf"\b(?:{SECRET}|account\b){WITHIN}{{0,80}}?\b(?:leaked|compromised)\b",
        rf"\b{SECRET}{WITHIN}{{0,80}}?\b(?:been|was|were|is|as) (?:publicly )?(?:exposed|disclosed|published)\b",
        rf"\b{SECRET}{WITHIN}{{0,80}}?\bpublicly (?:accessible|available|visible|{SEEN})\b",
        rf"\b(?:leaked|compromised|exposed)\W+(?:api\W+)?{SECRET}",
        rf"\b{SECRET}{WITHIN}{{0,60}}?\b{SEEN}{WITHIN}{{0,40}}?\b{PUBLIC}\b",
        rf"\b(?:found|detected|discovered|saw){WITHIN}{{0,20}}?\b{SECRET}{WITHIN}{{0,40}}?\b{PUBLIC}\b",
        r"\b(?:leak|compromise|exposure) (?:was |has been )?(?:detected|suspected|reported|found)\b",
        r"\b(?:suspected|detected|due to|because of) (?:an? |its )?(?:\w+ )?(?:leak|compromise|exposure)\b",
        r"secret.?scanning|compromised.?key.?quarantine",
        r"(?:密[钥鑰]|秘[钥鑰]|金[钥鑰]|令牌|[凭憑][证證据據]|key|token|[账帳][号號户戶])[^。；]{0,20}"
        r"(?:[泄洩][露漏]|外[泄洩]|[盗盜]用|被[盗盜])",
        r"[泄洩][露漏]的?.{0,6}(?:密[钥鑰]|金[钥鑰]|令牌|[凭憑][证證]|key)",
    )
)
SUPPOSED = (
    r"\b(?:if|in case|unless|no|avoid|never|make sure|ensure)\b"
    r"|\bnot (?:been |be )?(?:leaked|compromised|publicly|exposed|found)\b"
    rf"|\b(?:keys|tokens|credentials|secrets) (?:{SEEN}|leaked)\b"
    r"|[如若]|[请請]勿|避免|防止|以免|[确確]保|不要|[未没沒]有?被?[泄洩外]"
)
"""What turns it into a rule, a warning or a denial."""
CLAUSE = r"[.;:!?,。；：！？，]\s*"


def is_leak(words: str) -> bool:
    """Return whether the words say that a key, or the account, leaked; false for a rule or a warning."""
    told = words.replace("_", " ")
    found = re.finditer(LEAK, told, re.IGNORECASE)
    return any(not re.search(SUPPOSED, _clause(told, one), re.IGNORECASE) for one in found)


def _clause(told: str, found: re.Match[str]) -> str:
    return re.split(CLAUSE, told[: found.start()])[-1] + found[0]
