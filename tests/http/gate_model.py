"""The rules of the gate, written down a second time: what must come of a call, where, and why."""

from typing import NamedTuple

UNKNOWN = "Unauthorized: Invalid token for this tool"


class Expected(NamedTuple):
    answer: str  # one of ANSWERS
    reason: str  # one of REASONS
    place: str | None = None  # whose table, if the call passes


# SQLSTATE, HTTP status, message
ANSWERS = {
    "unauthorized": ("28000", 401, UNKNOWN),
    "denied": ("42501", 403, "Access denied"),
    "suspended": ("55000", 409, "Project is suspended"),
    "inactive": ("55000", 409, "Tool is not active"),
    "no storage": ("0A000", 404, "Tool has no storage"),
}

# What explain_access() has to say.
REASONS = {
    "token": "it takes a live token of the tool, and there is none",
    "scope": "the credential carries .*, and the action needs ",
    "suspended": "Project is suspended",
    "no policy": "no policy matches, and an agent needs one that allows",
    "policy": "a policy allows it",
    "free": "no policy matches, and only agents need one",
    "inactive": "the tool is not active",
}


def carries(token, action):
    """An agent's credential needs the very scope; who may write with a tool's own token may do all but read."""
    scopes = set(token.scopes)
    implied = not token.of_agent and action != "read" and "write" in scopes
    return "admin" in scopes or action in scopes or implied


def expect(tool, token, actions, *, writes, everybody):
    """Whoever holds no live token of the tool is anybody. Agents are let in by the policy for those that are listed."""
    held = token.live and token.tool == tool.name
    open_to_all = everybody and not tool.sensitive
    if not held and not open_to_all:
        return Expected("unauthorized", "token")
    if held and (token.of_agent or token.project or not open_to_all):
        if not all(carries(token, action) for action in actions):
            return Expected("denied" if token.of_agent else "unauthorized", "scope")
    project = token.project if held else None
    if project == "suspended" and writes:
        return Expected("suspended", "suspended")
    agent = held and token.of_agent
    if agent and not token.listed:
        return Expected("denied", "no policy")
    if writes and not tool.active:
        return Expected("inactive", "inactive")
    return Expected("passes", "policy" if agent else "free", project or "shared")


def expect_call(tool, token, call):
    if not tool.stored:
        return Expected("no storage", "no storage")
    # Where everybody writes, a former token of a project or an agent is not everybody's.
    former = token.tool == tool.name and not token.live and (token.of_agent or token.project)
    if call.name == "post" and former:
        return Expected("unauthorized", "token")
    return expect(tool, token, call.actions, writes=call.writes, everybody=call.everybody)


def expect_question(tool, token, action):
    """Of check_access(): an application's own action is like writing."""
    return expect(tool, token, [action], writes=action != "read", everybody=action == "read")
