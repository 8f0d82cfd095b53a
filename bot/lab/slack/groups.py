"""User groups: who is in them, the method that tells it, and what a workspace's owner does with them.

Facts (Slack, "usergroups.users.list", "subteam_members_changed"): Tier 2, usergroups:read; an id that is no group's is
refused with no_such_subteam; a change raises an event with the group's id and who came and went.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bot.lab.slack.call import Backend, Call, Method, SlackError
from bot.lab.slack.limits import Tier
from bot.lab.slack.model import JsonObject
from bot.lab.slack.workspace import TEAM, make_id

SCOPE = "usergroups:read"
EVENT = "subteam_members_changed"


class UserGroups:
    """Mixed into the server, which knows the loop. Attributes: `backend`, made by the server."""

    backend: Backend

    def on_loop(self, action: Callable[[], None]) -> None:
        raise NotImplementedError

    def set_group(self, name: str, members: Iterable[str], *, quietly: bool = False) -> str:
        """Make a group, or say who is in it from now on. Returns its id.

        Args:
            quietly: the app hears nothing of it.
        """
        workspace, group = self.backend.workspace, make_id("S", name)
        new = frozenset(workspace.person(one).id for one in members)
        with workspace.lock:
            old = workspace.groups.get(group)
            workspace.groups[group] = new
            workspace.notify()
        if old is not None and not quietly:
            self.on_loop(lambda: self.backend.publish_everywhere(_changed(group, old, new), EVENT))
        return group


def _changed(group: str, old: frozenset[str], new: frozenset[str]) -> JsonObject:
    return {
        "type": EVENT,
        "subteam_id": group,
        "team_id": TEAM,
        "added_users": sorted(new - old),
        "added_users_count": len(new - old),
        "removed_users": sorted(old - new),
        "removed_users_count": len(old - new),
    }


def list_users(call: Call) -> JsonObject:
    members = call.workspace.groups.get(call.required("usergroup"))
    if members is None:
        raise SlackError("no_such_subteam")
    return {"users": sorted(members)}


GROUP_METHODS = {"usergroups.users.list": Method(list_users, Tier.TWO, (SCOPE,))}
