"""The platforms' words → ours, mapped in one place."""

import re

from probes.feeds.text import read_name, read_time
from probes.notice import Impact, NoticePhase

PHASES = {
    "investigating": NoticePhase.INVESTIGATING,
    "ongoing": NoticePhase.INVESTIGATING,
    "active": NoticePhase.INVESTIGATING,
    "identified": NoticePhase.IDENTIFIED,
    "monitoring": NoticePhase.MONITORING,
    "acknowledged": NoticePhase.INVESTIGATING,
    "open": NoticePhase.INVESTIGATING,
    "mitigated": NoticePhase.MONITORING,
    "resolved": NoticePhase.RESOLVED,
    "fixed": NoticePhase.RESOLVED,
    "closed": NoticePhase.RESOLVED,
    "restored": NoticePhase.RESOLVED,
    "falsealarm": NoticePhase.RESOLVED,
    "recovered": NoticePhase.RESOLVED,
    "postmortem": NoticePhase.RESOLVED,
    "cancelled": NoticePhase.RESOLVED,
    "canceled": NoticePhase.RESOLVED,
    "available": NoticePhase.RESOLVED,
    "scheduled": NoticePhase.SCHEDULED,
    "planned": NoticePhase.SCHEDULED,
    "notstartedyet": NoticePhase.SCHEDULED,
    "maintenancescheduled": NoticePhase.SCHEDULED,
    "inprogress": NoticePhase.IN_PROGRESS,
    "verifying": NoticePhase.IN_PROGRESS,
    "maintenanceinprogress": NoticePhase.IN_PROGRESS,
    "completed": NoticePhase.COMPLETED,
    "maintenancecomplete": NoticePhase.COMPLETED,
    "maintenancecompleted": NoticePhase.COMPLETED,
    **dict.fromkeys(
        ("调查中", "正在调查", "調查中", "処理中", "处理中", "處理中", "調査中"), NoticePhase.INVESTIGATING
    ),
    **dict.fromkeys(("已确认", "已确定", "已定位", "已確認", "特定済み"), NoticePhase.IDENTIFIED),
    **dict.fromkeys(("监控中", "监测中", "观察中", "監控中", "觀察中", "監視中"), NoticePhase.MONITORING),
    **dict.fromkeys(
        ("已解决", "已恢复", "已修复", "已关闭", "已解決", "已恢復", "已修復", "解決済み"), NoticePhase.RESOLVED
    ),
    **dict.fromkeys(("已计划", "计划中", "未开始", "已排期", "已計劃", "計劃中", "未開始"), NoticePhase.SCHEDULED),
    **dict.fromkeys(("进行中", "维护中", "验证中", "進行中", "維護中"), NoticePhase.IN_PROGRESS),
    **dict.fromkeys(("已完成", "已结束", "已結束", "完了"), NoticePhase.COMPLETED),
}

IMPACTS = {
    "none": Impact.NONE,
    "operational": Impact.NONE,
    "available": Impact.NONE,
    "up": Impact.NONE,
    "resolved": Impact.NONE,
    "maintenance": Impact.MAINTENANCE,
    "undermaintenance": Impact.MAINTENANCE,
    "minor": Impact.MINOR,
    "low": Impact.MINOR,
    "degraded": Impact.MINOR,
    "degradedperformance": Impact.MINOR,
    "hasissues": Impact.MINOR,
    "serviceinformation": Impact.MINOR,
    "major": Impact.MAJOR,
    "medium": Impact.MAJOR,
    "partialoutage": Impact.MAJOR,
    "minoroutage": Impact.MAJOR,
    "outage": Impact.MAJOR,
    "downtime": Impact.MAJOR,
    "down": Impact.MAJOR,
    "servicedisruption": Impact.MAJOR,
    "critical": Impact.CRITICAL,
    "high": Impact.CRITICAL,
    "fulloutage": Impact.CRITICAL,
    "majoroutage": Impact.CRITICAL,
    "serviceoutage": Impact.CRITICAL,
    "unavailable": Impact.CRITICAL,
    **dict.fromkeys(
        ("正常", "运行正常", "服务正常", "正常运行", "可用", "運行正常", "服務正常", "稼働中"), Impact.NONE
    ),
    **dict.fromkeys(("维护", "维护中", "系统维护", "維護", "維護中", "メンテナンス中"), Impact.MAINTENANCE),
    **dict.fromkeys(("性能下降", "性能降级", "服务降级", "轻微", "效能下降", "服務降級", "輕微"), Impact.MINOR),
    **dict.fromkeys(
        ("部分中断", "部分故障", "部分不可用", "部分中斷", "异常", "異常", "故障", "中断", "中斷"), Impact.MAJOR
    ),
    **dict.fromkeys(("严重故障", "重大故障", "完全中断", "全面中断", "服务中断", "不可用", "宕机"), Impact.CRITICAL),
    **dict.fromkeys(("嚴重故障", "完全中斷", "全面中斷", "服務中斷", "當機"), Impact.CRITICAL),
}

INCIDENT = (NoticePhase.INVESTIGATING, NoticePhase.IDENTIFIED, NoticePhase.MONITORING)
"""Phases that a maintenance rarely has."""

PLANNED = re.compile(
    r"\b(scheduled|planned|upcoming) (maintenance|upgrade)\b|^\W*maintenance\b"
    r"|(?:计划|例行|系统|停机|計劃|系統|停機)性?(?:维护|升级|維護|升級)",
    re.IGNORECASE,
)
BAD = re.compile(
    r"\b(outage|down|downtime|unavailable|disruption|disrupted)\b|中断|中斷|不可用|宕机|當機|故障", re.IGNORECASE
)
POOR = re.compile(
    r"\b(degraded|degradation|elevated|increased|latency|late|errors?|fail(s|ed|ing|ures?)?|slow|intermittent|delay(s|ed)?)\b|异常|異常|延迟|延遲|缓慢|緩慢|错误|錯誤|下降",
    re.IGNORECASE,
)


def phase_of(word: object, ended: object = None) -> NoticePhase:
    """Return the phase for a word; an unknown one is RESOLVED when an end was given."""
    found = PHASES.get(_letters(word), NoticePhase.UNKNOWN)
    return NoticePhase.RESOLVED if found is NoticePhase.UNKNOWN and read_time(ended) else found


def impact_of(word: object) -> Impact | None:
    """Return the impact for a word; None for an unknown one (or none at all)."""
    return IMPACTS.get(_letters(word))


def impact_of_title(title: str) -> Impact | None:
    if BAD.search(title):
        return Impact.MAJOR
    return Impact.MINOR if POOR.search(title) else None


def is_planned(phase: NoticePhase, title: str, told: Impact | None = None) -> bool:
    """Whether it is a maintenance. `told` is the source's own impact.

    An incident may follow a maintenance, or result from one, and its title says so.
    """
    if phase in (NoticePhase.SCHEDULED, NoticePhase.COMPLETED):
        return True
    if told in (Impact.MAJOR, Impact.CRITICAL):
        return False
    if phase is NoticePhase.IN_PROGRESS:
        return True
    return bool(PLANNED.search(title)) and not (phase in INCIDENT and impact_of_title(title))


def _letters(word: object) -> str:
    """Fold a word: `Degraded performance`, `degraded_performance` and `DEGRADEDPERFORMANCE` are the same."""
    return re.sub(r"[\W_\d]+", "", read_name(word)[:60]).lower()
