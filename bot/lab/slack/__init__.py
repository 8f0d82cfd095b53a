"""A Slack workspace on loopback: Web API, Socket Mode, and people who type and press. See `bot.lab.slack.server`."""

from bot.lab.slack.choosing import InMessage, InView
from bot.lab.slack.faults import Fault
from bot.lab.slack.modals import Modal
from bot.lab.slack.model import Button, Message, SharedFile, Version
from bot.lab.slack.server import SlackServer
from bot.lab.slack.socket import Delivery
from bot.lab.slack.workspace import ChannelSetup

__all__ = [
    "Button",
    "ChannelSetup",
    "Delivery",
    "Fault",
    "InMessage",
    "InView",
    "Message",
    "Modal",
    "SharedFile",
    "SlackServer",
    "Version",
]
