"""What every table of every tenant must hold, worked out from the documentation alone: tokens, records, keys, channels."""

import copy
import json
from dataclasses import dataclass, field

READ, CHECK, WRITE, POST = "read", "check", "write", "post"
BOTH = frozenset({"read", "write"})
KINDS = ("a", "b")

# Each outcome of a call: its words, SQLSTATE and HTTP status.
OUTCOMES = {
    "unauthorized": ("Unauthorized: Invalid token for this tool", "28000", 401),
    "project token": ("Invalid token for this project", "28000", None),
    "admin only": ("Forbidden: Admin access only", "42501", 403),
    "suspended": ("Project is suspended", "55000", 409),
    "archived": ("Project is archived", "55000", 409),
    "no tool": ("Tool not found", "42704", 404),
    "no record": ("Record not found", "02000", 404),
    "taken": ("Field 'code' must be unique, and another record has this value", "23505", 409),
    "key reused": ("Idempotency key was used with another payload", "23505", 409),
    "full": ("Tool '{tool}' is full", "54000", 507),
    "wrong type": ("Field 'code' expected int, got <class 'str'>", "42804", 400),
    "unknown field": ("Unknown field 'shoe_size'", "42703", 400),
    "other version": ("Record {id} has version {version} now", "23000", 412),
    "not versioned": ("Tool '{tool}' is not versioned", "0A000", 412),
    "not unique": ("Field 'code' is not declared unique", "22023", 400),
    "no value": ("Field 'code' must have a value to find the record by", "22023", 400),
    "cannot rotate": ("Forbidden: this token cannot be rotated", "42501", 403),
    "token in use": ("Token is already in use", "42710", 400),
}


class Refused(Exception):
    """Carries the outcome of a call that is refused."""

    def __init__(self, outcome, **words):
        super().__init__(outcome)
        self.outcome, self.words = outcome, words


@dataclass(frozen=True)
class Tool:
    name: str
    sensitive: bool = False
    whole: bool = False  # no schema: payloads are kept whole
    unique: bool = False  # the field code is
    strict: bool = False
    versioned: bool = False
    notify: bool = False
    configured: bool = False
    max_records: int = None

    @property
    def schema(self):
        code = {"name": "code", "type": "int"} | ({"unique": True} if self.unique else {})
        kind = {"name": "kind", "type": "str", "enum": list(KINDS), "default": KINDS[0]}
        secret, extra = {"name": "secret", "type": "str"}, {"name": "extra", "type": "json"}
        return None if self.whole else [code, secret, kind, extra]


@dataclass
class Credential:
    token: str
    tool: str  # None for a token of a project, or one that has neither
    project: int
    scopes: frozenset = BOTH
    revoked: bool = False
    expired: bool = False
    expires: bool = False

    @property
    def live(self):
        return not self.revoked and not self.expired


@dataclass
class Row:
    fields: dict
    version: int = 1
    text: str = None  # the whole row as the database last showed it


@dataclass
class Table:
    rows: dict = field(default_factory=dict)
    last_id: int = 0
    keys: dict = field(default_factory=dict)  # idempotency key -> (payload, id)
    enabled: bool = True
    # A tool that was found full may be taken to be full for a while.
    was_full: bool = False


@dataclass
class Project:
    status: str = "active"
    client: int = None
    contents: list = field(default_factory=list)
    metadata: dict = field(default_factory=dict)
    vocabulary: dict = field(default_factory=dict)
    adaptations: dict = field(default_factory=dict)


@dataclass
class Way:
    """One way in which a call may end: outcome (None for success), value, and what it changes."""

    outcome: str = None
    value: object = None
    change: object = None  # called with the ids that are new in the table
    words: dict = field(default_factory=dict)


def same_json(value):
    return json.dumps(value, sort_keys=True)


def order_key(order_by, row_id, row):
    """Sorts as list_records does; for descending order it is to be reversed."""
    name = order_by.lstrip("-")
    value = row_id if name == "id" else row.fields.get(name)
    return (value is None, 0 if value is None else value, row_id)


class Model:
    def __init__(self, tools):
        self.tools = {tool.name: tool for tool in tools}
        self.tables = {(tool.name, None): Table() for tool in tools}
        self.projects = {}
        self.credentials = []
        self.allowed = set()  # (client, tool)
        self.usage = []  # (project, model)
        self.prompts = {}  # id -> template
        self.announced = []  # (channel, payload)

    def copy(self):
        return copy.deepcopy(self)

    def back_to(self, before):
        """What was undone; but sessions go on believing for a while what they have found full."""
        for place, table in before.tables.items():
            now = self.tables.get(place)
            table.was_full = table.was_full or (now is not None and now.was_full)
        return before

    # Who gets where

    def live(self, tool, token):
        """The live credential that a token is for a tool."""
        return next((c for c in self.credentials if c.tool == tool and c.token == token and c.live), None)

    def gate(self, name, token, act):
        """The project whose table a token opens, None for the shared one."""
        tool, credential = self.tools[name], self.live(name, token)
        scope = "read" if act == READ else "write"
        allows = credential is not None and scope in credential.scopes
        if credential is not None and credential.project is not None:
            if not allows:
                raise Refused("unauthorized")
            status = self.projects[credential.project].status
            if status == "archived" or (status == "suspended" and act in (WRITE, POST)):
                raise Refused(status)
            return credential.project
        if act == WRITE or tool.sensitive:
            if not allows:
                raise Refused("unauthorized")
        elif act == POST and credential is None:
            # Who had a project's token must not go on writing where everybody does.
            if any(c.tool == name and c.token == token and c.project is not None for c in self.credentials):
                raise Refused("unauthorized")
        return None

    def enter(self, project, token, scope):
        """Lets a project's token into the project."""
        allows = any(c.tool is None and c.project == project and c.token == token and c.live and scope in c.scopes
                     for c in self.credentials)
        if project not in self.projects or not allows:
            raise Refused("project token")
        status = self.projects[project].status
        if status == "archived" or (status == "suspended" and scope == "write"):
            raise Refused(status)
        return self.projects[project]

    # Records

    def shown(self, tool, row_id, row):
        """A record as it is listed, without its times."""
        version = {"version": row.version} if tool.versioned else {}
        return {"id": row_id} | version | row.fields

    def check(self, tool, payload):
        if tool.whole:
            return
        if isinstance(payload.get("code"), str):
            raise Refused("wrong type")
        if tool.strict and "shoe_size" in payload:
            raise Refused("unknown field")

    def new_fields(self, tool, payload):
        if tool.whole:
            return {"data": payload}
        return {f["name"]: payload.get(f["name"], f.get("default")) for f in tool.schema}

    def announce(self, tool, project, operation, row_id):
        if not tool.notify:
            return
        if project is None:
            self.announced.append((f"projectalpha_{tool.name}", {"id": row_id, "operation": operation}))
        else:
            payload = {"tool": tool.name, "id": row_id, "operation": operation}
            self.announced.append((f"projectalpha_project_{project}", payload))

    def is_taken(self, tool, table, code, besides=None):
        return tool.unique and code is not None and any(
            row.fields["code"] == code for row_id, row in table.rows.items() if row_id != besides)

    def insert(self, tool, project, payloads, then=lambda ids: None, looks_first=True):
        """The ways in which storing these can end."""
        table, many = self.tables[tool.name, project], len(payloads)

        def stored(ids):
            assert len(ids) == many, f"{many} records were stored, {ids} are new"
            for row_id, payload in zip(ids, payloads):
                assert row_id > table.last_id
                table.rows[row_id], table.last_id = Row(self.new_fields(tool, payload)), row_id
                self.announce(tool, project, "insert", row_id)
            then(ids)

        def full(_):
            table.was_full = table.was_full or many == 1

        ways = []
        if table.was_full and looks_first and tool.max_records is not None:
            ways.append(Way("full"))
        codes = [payload.get("code") for payload in payloads if payload.get("code") is not None]
        if any(self.is_taken(tool, table, code) for code in codes) or tool.unique and len(set(codes)) < len(codes):
            return ways + [Way("taken")]
        if tool.max_records is not None and len(table.rows) + many > tool.max_records:
            return ways + [Way("full", change=full)]
        return ways + [Way(change=stored)]

    def store_record(self, tool, project, payload, idempotency_key):
        self.check(tool, payload)
        table, key = self.tables[tool.name, project], idempotency_key
        if key is None:
            return self.insert(tool, project, [payload])
        if key in table.keys:
            same = table.keys[key][0] == same_json(payload)
            return [Way(value=table.keys[key][1]) if same else Way("key reused")]

        def note(ids):
            table.keys[key] = (same_json(payload), ids[0])
        return self.insert(tool, project, [payload], note)

    def store_records(self, tool, project, payloads):
        ways = self.insert(tool, project, payloads)
        try:
            for payload in payloads:
                self.check(tool, payload)
        except Refused as fault:
            # Which of two faults in different records is told is open.
            return [Way(fault.outcome), *(way for way in ways if way.outcome is not None)]
        return ways

    def upsert_record(self, tool, project, payload):
        table = self.tables[tool.name, project]
        if not tool.unique:
            raise Refused("not unique")
        self.check(tool, payload)
        if payload.get("code") is None:
            raise Refused("no value")
        for row_id, row in table.rows.items():
            if row.fields["code"] == payload["code"]:
                changes = {name: value for name, value in payload.items() if name in row.fields}
                return [Way(value=(row_id, False), change=lambda _: self.changed(tool, project, row_id, changes))]
        return self.insert(tool, project, [payload], looks_first=False)

    def changed(self, tool, project, row_id, changes):
        row = self.tables[tool.name, project].rows[row_id]
        row.fields, row.version, row.text = row.fields | changes, row.version + 1, None
        self.announce(tool, project, "update", row_id)

    def find(self, tool, project, row_id, if_version):
        row = self.tables[tool.name, project].rows.get(row_id)
        if row is None:
            raise Refused("no record")
        if if_version is not None and row.version != if_version:
            raise Refused("other version", id=row_id, version=row.version)
        return row

    def update_record(self, tool, project, row_id, changes, if_version):
        table = self.tables[tool.name, project]
        if if_version is not None and not tool.versioned:
            raise Refused("not versioned")
        self.check(tool, changes)
        row = self.find(tool, project, row_id, if_version)
        if tool.whole:
            merged = {k: v for k, v in (row.fields["data"] | changes).items() if changes.get(k, 0) is not None}
            named = {"data": merged} if changes else {}
        else:
            named = {name: value for name, value in changes.items() if name in row.fields}
        if not named:
            return [Way(value=self.shown(tool, row_id, row))]
        if self.is_taken(tool, table, named.get("code"), besides=row_id):
            return [Way("taken")]
        after = Row(row.fields | named, row.version + 1)
        return [Way(value=self.shown(tool, row_id, after),
                    change=lambda _: self.changed(tool, project, row_id, named))]

    def delete_record(self, tool, project, row_id, if_version):
        if if_version is not None and not tool.versioned:
            raise Refused("not versioned")
        self.find(tool, project, row_id, if_version)

        def gone(_):
            del self.tables[tool.name, project].rows[row_id]
            self.announce(tool, project, "delete", row_id)
        return [Way(change=gone)]

    def get_record(self, tool, project, row_id):
        return [Way(value=self.shown(tool, row_id, self.find(tool, project, row_id, None)))]

    def matching(self, tool, project, conditions):
        rows = self.tables[tool.name, project].rows
        return {i: rows[i] for i in sorted(rows) if all(self.meets(i, rows[i], *c) for c in conditions)}

    @staticmethod
    def meets(row_id, row, name, operator, operand):
        value = row_id if name == "id" else row.fields.get(name)
        if value is None:
            return False
        return {
            "eq": lambda: value == operand, "gte": lambda: value >= operand, "in": lambda: value in operand,
            "like": lambda: operand.strip("%") in value,  # only ever %text%
        }[operator]()

    def list_records(self, tool, project, limit, offset=0, after_id=None, conditions=(), order_by=None, cursor=None):
        found = [(i, row) for i, row in self.matching(tool, project, conditions).items()
                 if after_id is None or i > after_id]
        if order_by is not None:
            descending = order_by.startswith("-")
            found.sort(key=lambda item: order_key(order_by, *item), reverse=descending)
            if cursor is not None:
                place = (cursor.key is None, 0 if cursor.key is None else cursor.key, cursor.id)
                found = [item for item in found if (order_key(order_by, *item) < place if descending
                                                    else order_key(order_by, *item) > place)]
        return [Way(value=[self.shown(tool, i, row) for i, row in found[offset:offset + limit]])]

    def count_records(self, tool, project, conditions):
        return [Way(value=len(self.matching(tool, project, conditions)))]

    def validate_record(self, tool, _project, payload):
        wrong = [("code", "type")] if isinstance(payload.get("code"), str) and not tool.whole else []
        unknown = [("shoe_size", "strict")] if "shoe_size" in payload and tool.strict else []
        return [Way(value=wrong + unknown)]

    # Tokens

    def is_in_use(self, tool, token):
        return any(c.tool == tool and c.token == token and not c.revoked for c in self.credentials)

    def rotate_token(self, tool, current_token, token, grace):
        if current_token is None:
            raise Refused("admin only")
        credential = self.live(tool.name, current_token)
        if credential is None:
            raise Refused("unauthorized")
        if credential.expires or credential.scopes != BOTH:
            raise Refused("cannot rotate")
        if credential.project is not None and self.projects[credential.project].status == "archived":
            raise Refused("archived")
        if token is not None and self.is_in_use(tool.name, token):
            raise Refused("token in use")
        return [Way(change=lambda new: self.rotated(tool.name, credential.project, new, grace))]

    def rotated(self, tool, project, token, grace):
        for other in self.credentials:
            if (other.tool, other.project) == (tool, project) and not other.revoked:
                other.revoked, other.expires = not grace, True
        self.credentials.append(Credential(token, tool, project))
