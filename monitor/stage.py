"""The stages of the resident loop."""

from enum import StrEnum


class Stage(StrEnum):
    """What runs side by side; each restarts by itself."""

    PROBE = "probe"
    EVALUATE = "evaluate"
    POLL_STATUS = "poll_status"
    CONTROL_PROBE = "control_probe"
    NOTIFY = "notify"
    DELIVER = "deliver"
    PUBLISH = "publish"
    EXPORT = "export"
    RETENTION = "retention"
    OBJECTIVES = "objectives"
    DRILL = "drill"
    HEARTBEAT = "heartbeat"
    WATCHDOG = "watchdog"
    RELOAD = "reload"
    SHIP = "ship"
    RECEIVE = "receive"
    HEED = "heed"
    RELAY = "relay"

    @classmethod
    def _missing_(cls, value: object) -> "Stage | None":
        """Read a row of before, which calls it otherwise."""
        return FORMER_NAMES.get(value) if isinstance(value, str) else None


FORMER_NAMES = {
    "look": Stage.PROBE,
    "remember": Stage.EVALUATE,
    "listen": Stage.POLL_STATUS,
    "enquire": Stage.CONTROL_PROBE,
    "herald": Stage.NOTIFY,
    "tidy": Stage.RETENTION,
    "weigh": Stage.OBJECTIVES,
    "reassure": Stage.WATCHDOG,
    "configuration": Stage.RELOAD,
}
"""Names of the stages in rows of earlier versions."""
