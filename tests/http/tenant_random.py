"""Random calls and changes, each made and compared with the model at once."""

import json
import re
from collections import Counter

import psycopg

from tenant_calls import MARKER, NEEDS_TOKEN, SCHEMA, UNKNOWN, WRITES, Call, Cursor, Sql, Urls, is_outcome
from tenant_model import BOTH, CHECK, KINDS, POST, READ, WRITE, Refused, Way

ACTS = dict.fromkeys(NEEDS_TOKEN, WRITE) | {
    "validate_record": CHECK, "store_configured": POST, "get_record": READ, "list_records": READ, "count_records": READ,
    "list_configured": READ,
}
OF_PROJECTS = {  # and what each needs
    "adapt_prompt": "write", "render_prompt": "read", "store_content": "write", "set_vocabulary": "write",
    "set_metadata": "write", "record_llm_usage": "write",
}
SOMETIMES = 0.1


class Player:
    def __init__(self, world, random):
        self.world, self.random = world, random
        self.markers = 0
        self.tokens = dict.fromkeys(world.others)  # every one that ever was, in that order: its text may be the server's
        self.cursors = []
        self.log = []  # the last calls
        self.made = Counter()  # (function, outcome) -> how many
        self.owners = Counter()  # None, "nobody" or a project -> how many calls got there

    @property
    def model(self):
        return self.world.model

    def maybe(self, probability=SOMETIMES):
        return self.random.random() < probability

    # What calls are made of

    def marker(self, project):
        """A text that tells whose it is; nobody else may ever see it."""
        self.markers += 1
        owner = {None: "shared", "nobody": "nobody"}.get(project, f"p{project}")
        return f"~{owner}.{self.markers}~"

    def token_for(self, matches):
        """One that fits, mostly; else any token of any kind."""
        fitting = [c for c in self.model.credentials if c.live and matches(c)]
        of_tenants = [c for c in fitting if c.project is not None]
        self.note_tokens()
        if fitting and self.maybe(0.7):
            return self.random.choice(of_tenants if of_tenants and self.maybe(0.8) else fitting).token
        if self.maybe(0.15):
            return None
        token = self.random.choice(list(self.tokens))
        return self.random.choice([token, token, token, token.upper(), token[:-1], token + "x"])

    def note_tokens(self):
        self.tokens |= dict.fromkeys(c.token for c in self.model.credentials)

    def payload(self, tool, project):
        secret = self.marker(project)
        payload = {"secret": secret, "extra": {"of": [secret]}}
        if self.maybe(0.85):
            payload["code"] = self.random.choice([None, *range(1, 9)])
        if self.maybe(0.3):
            payload["kind"] = self.random.choice(KINDS)
        if self.maybe(0.04):
            payload["code"] = "x"
        if self.maybe(0.04):
            payload["shoe_size"] = 42
        return payload

    def changes(self, tool, project):
        payload = self.payload(tool, project)
        return {name: value for name, value in payload.items() if self.maybe(0.6)}

    def record_id(self, tool):
        """Mostly that of a record of some tenant: ids are the same in every table, as are codes and keys."""
        there = [row_id for (name, _), table in self.model.tables.items() if name == tool.name for row_id in table.rows]
        last = max(table.last_id for table in self.model.tables.values())
        return self.random.choice(there) if there and self.maybe(0.8) else self.random.randint(1, last + 1)

    def conditions(self, tool):
        if tool.whole:
            return [("id", "gte", self.record_id(tool))] if self.maybe(0.3) else []
        every_secret = [row.fields["secret"] for (name, _), table in self.model.tables.items()
                        if not self.model.tools[name].whole for row in table.rows.values()]
        choices = [
            ("code", "gte", self.random.randint(1, 8)), ("code", "in", [1, 2, 3]), ("kind", "eq", "a"),
            ("secret", "like", "%~%"), ("id", "gte", self.record_id(tool)),
            ("secret", "in", self.random.sample(every_secret, min(20, len(every_secret))) or ["-"]),
        ]
        return self.random.sample(choices, self.random.choice([0, 0, 1, 2]))

    def page(self, tool):
        search = {"limit": self.random.choice([0, 1, 2, 5, 100]), "conditions": self.conditions(tool)}
        if self.maybe(0.2):
            search["offset"] = self.random.randint(0, 5)
        if self.maybe(0.2):
            search["after_id"] = self.record_id(tool)
        if self.maybe(0.6):
            orders = ["id", "-id"] if tool.whole else ["id", "-id", "code", "-code", "kind", "-kind"]
            search["order_by"] = self.random.choice(orders)
            fitting = [cursor for cursor in self.cursors if cursor.order_by == search["order_by"]]
            if fitting and self.maybe(0.5):  # of any tool, tenant and time
                search["cursor"] = self.random.choice(fitting[-20:])
        return search

    # Calls on records

    def call(self, credential=None):
        """A call, of the tool and with the token of a credential or with any, and the ways in which it may end."""
        function = self.random.choice([
            "store_record", "store_record", "store_record", "store_records", "upsert_record", "validate_record",
            "get_record", "get_record", "update_record", "update_record", "delete_record", "list_records",
            "list_records", "list_records", "count_records", "store_configured", "list_configured", "rotate_token"])
        name = "no_such_tool" if self.maybe(0.02) else self.random.choice(list(self.model.tools))
        token = self.token_for(lambda c: c.tool == name)
        if credential is not None:
            name, token = credential.tool, credential.token
        tool = self.model.tools.get(name)
        if tool is None or (function.endswith("_configured") and not tool.configured):
            call = self.arguments(function, name, token, tool or next(iter(self.model.tools.values())), "nobody")
            if function == "rotate_token" and token is None:
                return call, "nobody", [Way("admin only")]
            return call, "nobody", [Way("no tool")]
        if function == "rotate_token":
            call = self.arguments(function, name, token, tool, "nobody")
            a = call.arguments
            ways = self.ways(lambda: self.model.rotate_token(tool, a["current_token"], a["token"], a["grace"] != "0"))
            return call, "nobody", ways
        try:
            project = self.model.gate(name, token, ACTS[function])
        except Refused as refusal:
            call = self.arguments(function, name, token, tool, "nobody")
            return call, "nobody", [Way(refusal.outcome, words=refusal.words)]
        call = self.arguments(function, name, token, tool, project)
        return call, project, self.ways(lambda: self.expected(call, tool, project), tool=name)

    def arguments(self, function, name, token, tool, project):
        """The arguments of the SQL function."""
        given = {"tool_name": name, "token": token}
        if function == "store_record":
            key = self.random.choice(["key-1", "key-2", "key-3"]) if self.maybe(0.3) else None
            given |= {"payload": self.keyed(key, tool, project), "idempotency_key": key}
        elif function == "store_records":
            given["payloads"] = [self.payload(tool, project) for _ in range(self.random.randint(0, 3))]
        elif function in ("upsert_record", "validate_record", "store_configured"):
            given["payload"] = self.payload(tool, project)
            if function == "upsert_record":
                given["on_field"] = "code"
        elif function in ("get_record", "update_record", "delete_record"):
            given["id"] = self.record_id(tool)
            if function != "get_record":
                given["if_version"] = self.random.randint(1, 2) if self.maybe(0.5 if tool.versioned else 0.05) else None
            if function == "update_record":
                given["changes"] = self.changes(tool, project)
        elif function == "rotate_token":
            token_pool = [None, None, "a-token-for-many-1", "a-token-for-many-2"]
            return Call(function, {"tool_name": name, "current_token": token, "token": self.random.choice(token_pool),
                                   "grace": self.random.choice(["0", "0", "1 hour"])})
        elif function == "count_records":
            conditions = self.conditions(tool)
            return Call(function, given | {"filter": as_filter(conditions)}, {"conditions": conditions})
        else:
            search = self.page(tool)
            given |= {"row_limit": search["limit"], "row_offset": search.get("offset", 0),
                      "after_id": search.get("after_id")}
            if function == "list_configured":
                search = {key: search[key] for key in ("limit", "offset", "after_id") if key in search}
            else:
                cursor = search.get("cursor")
                given |= {"filter": as_filter(search["conditions"]), "order_by": search.get("order_by"),
                          "after": cursor and cursor.text}
            return Call(function, given, search)
        return Call(function, given)

    def keyed(self, key, tool, project):
        """A new payload, or the one that the key was used with: by this tenant, or another."""
        used = [payload for table in self.model.tables.values() for k, (payload, _) in table.keys.items() if k == key]
        own = self.model.tables.get((tool.name, project))
        if own is not None and key in own.keys and self.maybe(0.6):
            return json.loads(own.keys[key][0])
        payload = self.payload(tool, project)
        # Another's payload has another's marker: all of it but that.
        return json.loads(self.random.choice(used)) | {k: payload[k] for k in ("secret", "extra")} \
            if used and self.maybe(0.3) else payload

    def expected(self, call, tool, project):
        a, model = call.arguments, self.model
        return {
            "store_record": lambda: model.store_record(tool, project, a["payload"], a["idempotency_key"]),
            "store_configured": lambda: model.store_record(tool, project, a["payload"], None),
            "store_records": lambda: model.store_records(tool, project, a["payloads"]),
            "upsert_record": lambda: model.upsert_record(tool, project, a["payload"]),
            "validate_record": lambda: model.validate_record(tool, project, a["payload"]),
            "get_record": lambda: model.get_record(tool, project, a["id"]),
            "update_record": lambda: model.update_record(tool, project, a["id"], a["changes"], a["if_version"]),
            "delete_record": lambda: model.delete_record(tool, project, a["id"], a["if_version"]),
            "list_records": lambda: model.list_records(tool, project, **call.search),
            "list_configured": lambda: model.list_records(tool, project, **call.search),
            "count_records": lambda: model.count_records(tool, project, call.search["conditions"]),
        }[call.function]()

    @staticmethod
    def ways(find, **words):
        try:
            found = find()
        except Refused as refusal:
            found = [Way(refusal.outcome, words=refusal.words)]
        for way in found:
            way.words = words | way.words
        return found

    def play(self, face, credential=None):
        """Makes a random call by this face, and compares what it says and did."""
        call, project, ways = self.call(credential)
        if isinstance(face, Urls) and call.function not in Urls.FUNCTIONS:
            return
        by_url = isinstance(face, Urls)
        if by_url and call.token is None and call.function in NEEDS_TOKEN:
            ways, project = [Way("no header")], "nobody"
        self.make(face, call, project, ways)

    def make(self, face, call, project, ways):
        self.log = self.log[-20:] + [(str(face), call)]
        answer = face.send(call)
        context = (self.log[-1], answer, ways)
        self.check_seen(answer, project, context)
        way = next((w for w in ways if is_outcome(answer, w.outcome, w.words, isinstance(face, Urls))), None)
        assert way is not None, context
        self.made[call.function, way.outcome] += 1
        self.owners[project] += way.outcome is None
        if call.function == "rotate_token":
            if way.change:
                wanted = call.arguments["token"]
                assert wanted in (None, answer.value), context
                way.change(answer.value)
            return
        if call.function in WRITES and project != "nobody":
            self.compare_written((call.tool, project), call, answer, way, context)
        elif way.outcome is None:
            assert answer.value == way.value, context
        if call.function == "list_records" and answer.outcome is None and answer.value:
            self.keep_cursor(call, answer)

    def compare_written(self, place, call, answer, way, context):
        rows = self.world.read(place)[place]
        table = self.model.tables[place]
        new = [row_id for row_id in rows if row_id > table.last_id]
        if way.change:
            way.change(new)
        self.world.compare(place, rows, context)
        expected = way.value
        if way.outcome is None and expected is None and new and call.function != "delete_record":
            expected = {"store_records": len(new), "upsert_record": (new[0], True)}.get(call.function, new[0])
        elif way.outcome is None and call.function == "store_records":
            expected = 0
        if way.outcome is None and answer.value is not UNKNOWN and call.function != "delete_record":
            assert answer.value == expected, context

    def check_seen(self, answer, project, context):
        """Of no other tenant is anything in an answer, and in an error of nobody."""
        # The link to the next page has the caller's own question in it.
        owners = set(MARKER.findall(re.sub(r"</too.*?>; rel", "", answer.text)))
        own = {None: "shared"}.get(project, f"p{project}")
        assert owners <= ({own} if answer.outcome is None else set()), context
        assert set(SCHEMA.findall(answer.text)) <= {str(project)}, context

    def keep_cursor(self, call, answer):
        order_by = call.search.get("order_by")
        if order_by is None or not self.maybe(0.5):
            return
        last = answer.value[-1]
        text = self.world.value(
            "select projectalpha.page_cursor(%s::json, %s)", json.dumps(last | {"created_at": "2026-01-01T00:00:00"}),
            order_by)
        self.cursors.append(Cursor(order_by, last.get(order_by.lstrip("-")), last["id"], text))

    # Calls on what projects keep

    def play_resources(self, face):
        function = self.random.choice(list(OF_PROJECTS))
        project = self.random.choice([*self.model.projects, 999])
        token = self.token_for(lambda c: c.tool is None and c.project == project)
        given = {"project_id": project, "token": token}
        try:
            row = self.model.enter(project, token, OF_PROJECTS[function])
            whose = project
        except Refused as refusal:
            row, whose, refused = None, "nobody", Way(refusal.outcome)
        secret, term = self.marker(whose), self.random.choice(["lead", "sale"])
        if function in ("adapt_prompt", "render_prompt"):
            given["prompt_id"] = self.world.prompt
        given |= {
            "adapt_prompt": {"content": secret + " about {{topic}}"},
            "render_prompt": {"parameters": {"topic": "bread"}},
            "store_content": {"object_model_id": self.world.object_model, "title": "same", "body": secret,
                              "metadata": {"of": secret}},
            "set_vocabulary": {"term": term, "definition": secret},
            "set_metadata": {"key": term, "value": [secret]},
            "record_llm_usage": {"prompt_id": self.world.prompt, "model": secret, "tokens_in": 1, "tokens_out": 2,
                                 "cost": 1},
        }[function]
        call = Call(function, given)
        if row is None:
            return self.make(face, call, "nobody", [refused])
        if function == "render_prompt":
            text = row.adaptations.get(self.world.prompt, "All of us about {{topic}}")
            return self.make(face, call, project, [Way(value=text.replace("{{topic}}", "bread"))])
        self.log = self.log[-20:] + [(str(face), call)]
        answer = face.send(call)
        self.check_seen(answer, project, (self.log[-1], answer))
        assert answer.outcome is None, (self.log[-1], answer)
        self.made[function, None] += 1
        {
            "adapt_prompt": lambda: row.adaptations.update({self.world.prompt: given.get("content")}),
            "store_content": lambda: row.contents.append([secret, {"of": secret}]),
            "set_vocabulary": lambda: row.vocabulary.update({term: secret}),
            "set_metadata": lambda: row.metadata.update({term: [secret]}),
            "record_llm_usage": lambda: self.model.usage.append((project, secret)),
        }[function]()
        self.world.compare_project(project, row, self.log[-1])

    # Changes of configuration

    def change(self):
        """Something that an administrator does."""
        changes = {self.enable: 8, self.disable: 2, self.status: 4, self.revoke: 1, self.expire: 1, self.narrow: 2,
                   self.rotate: 2, self.issue: 3, self.come_or_go: 1}
        self.random.choices(list(changes), changes.values())[0]()
        self.note_tokens()
        self.log = self.log[-20:] + ["a change of configuration"]

    def enable(self):
        world, tool = self.world, self.random.choice(list(self.model.tools))
        project = self.random.choice(list(self.model.projects))
        token = self.random.choice([None, "a-token-for-many-1", "a-token-for-many-2", "a-token-for-many-3"])
        in_use = token is not None and self.model.is_in_use(tool, token)
        if world.may_enable(tool, project) and not in_use:
            return world.enable(tool, project, token)
        try:
            with world.dba.transaction():
                world.value("select projectalpha.enable_tool(%s, %s, %s)", tool, project, token)
        except psycopg.Error as error:
            assert error.sqlstate in ("42710", "42501", "55000"), error
        else:
            raise AssertionError(f"{tool} was enabled for {project} with {token}")

    def disable(self):
        enabled = [place for place, table in self.model.tables.items() if place[1] and table.enabled]
        if len(enabled) > 12:
            self.world.disable(*self.random.choice(enabled), keep_data=self.maybe(0.5))

    def status(self):
        away = [project for project, row in self.model.projects.items() if row.status != "active"]
        if len(away) >= 2:
            return self.world.set_status(self.random.choice(away), "active")
        self.world.set_status(self.random.choice(list(self.model.projects)), self.random.choice(["suspended", "archived"]))

    def live(self):
        return [c for c in self.model.credentials if c.live and c.project is not None and c.tool]

    def revoke(self):
        live = self.live()
        if len(live) > 15:
            self.world.revoke(self.random.choice(live).token)

    def expire(self):
        live = self.live()
        if len(live) > 15:
            self.world.change_credential(self.random.choice(live), expired=True)

    def narrow(self):
        live = self.live()
        if live:
            scopes = self.random.choice([BOTH, BOTH, frozenset({"read"}), frozenset({"write"})])
            self.world.change_credential(self.random.choice(live), scopes=scopes)

    def rotate(self):
        enabled = [place for place, table in self.model.tables.items() if place[1] and table.enabled
                   and self.model.projects[place[1]].status != "archived"]
        if enabled:
            self.world.rotate(*self.random.choice(enabled), grace=self.maybe(0.5))

    def issue(self):
        scopes = self.random.choice([BOTH, BOTH, frozenset({"read"}), frozenset({"write"})])
        self.world.issue(self.random.choice(list(self.model.projects)), scopes)

    def come_or_go(self):
        if len(self.model.projects) > 6:
            self.world.drop_project(self.random.choice(list(self.model.projects)))
        self.world.settle(self.world.create_project())

    def transaction(self, role):
        """Calls and changes in one transaction, some of them undone; what is undone leaves nothing in the session."""
        world, face = self.world, Sql(self.world.dba, role, nested=True)
        before, already = world.model.copy(), len(self.model.announced)
        with world.dba.transaction() as whole:
            for _ in range(self.random.randint(2, 6)):
                kept = world.model.copy()
                with world.dba.transaction() as part:
                    for _ in range(self.random.randint(1, 4)):
                        self.change() if self.maybe(0.35) else self.play(face, self.newest(before))
                    if self.maybe(0.4):
                        undone, world.model = world.model, world.model.back_to(kept)
                        raise psycopg.Rollback(part)
                if world.model is kept:
                    self.try_again(face, undone)
            if self.maybe(0.5):
                undone, world.model = world.model, world.model.back_to(before)
                raise psycopg.Rollback(whole)
        if world.model is before:
            return self.try_again(face, undone)
        # The same announced twice in a transaction is announced once.
        new = world.model.announced[already:]
        world.model.announced[already:] = [item for n, item in enumerate(new) if item not in new[:n]]

    def newest(self, before):
        """Often a token that is not there yet for others."""
        new = [c for c in self.model.credentials[len(before.credentials):] if c.tool]
        return self.random.choice(new) if new and self.maybe(0.6) else None

    def try_again(self, face, undone):
        """What was just used with a token that there never was, or that is another's again."""
        for credential in undone.credentials[len(self.model.credentials):]:
            if credential.tool:
                self.play(face, credential)


def as_filter(conditions):
    found = {}
    for name, operator, operand in conditions:
        found.setdefault(name, {})[operator] = operand
    return found or None
