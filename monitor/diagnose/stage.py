"""The stages of the resident loop."""

from enum import StrEnum


class Stage(StrEnum):
    """What goes on side by side; each is begun anew by itself."""

    LOOK = "look"
    REMEMBER = "remember"
    LISTEN = "listen"
    ENQUIRE = "enquire"
    HERALD = "herald"
    DELIVER = "deliver"
    PUBLISH = "publish"
    TIDY = "tidy"
    WEIGH = "weigh"
    DRILL = "drill"
    HEARTBEAT = "heartbeat"
    REASSURE = "reassure"
    CONFIGURATION = "configuration"
