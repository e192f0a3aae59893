"""Clients, projects, tools and tokens in a database, each change of them made in the model too, and the two compared."""

import json

from psycopg import sql

from tenant_calls import TIMES
from tenant_model import BOTH, Credential, Model, Project, Table, Tool

TOOLS = [
    Tool("open_tool"),
    Tool("closed", sensitive=True),
    Tool("coded", unique=True, strict=True, notify=True),
    Tool("counted", versioned=True, unique=True),
    Tool("loose", whole=True, configured=True, notify=True),
    Tool("posted", configured=True, unique=True),
    Tool("hidden_post", sensitive=True, whole=True, configured=True, versioned=True),
    Tool("small", unique=True, max_records=6, notify=True),
]


class World:
    def __init__(self, stack, random):
        self.stack, self.random = stack, random
        self.dba = stack.connect(autocommit=True)
        self.dba.execute("set client_min_messages = warning")
        self.model = Model(TOOLS)
        self.others = [stack.admin_token, *stack.common_tokens, "a-token-that-never-was", ""]
        self.notified = []
        self.listener = stack.connect(autocommit=True)
        self.listener.add_notify_handler(lambda n: self.notified.append((n.channel, json.loads(n.payload))))
        self.prompt = self.value(
            "select projectalpha.create_prompt('tenants', 'All of us about {{topic}}')")
        self.object_model = self.value("select projectalpha.create_object_model('tenants', '1', '{}')")
        self.tool_ids = {tool.name: self.register(tool) for tool in TOOLS}
        self.clients = [self.value("select projectalpha.create_client(%s)", name) for name in ("first", "second")]
        for tool in TOOLS:
            for client in self.clients:
                if random.random() < 0.8:
                    self.dba.execute("select projectalpha.allow_tool(%s, %s)", [tool.name, client])
                    self.model.allowed.add((client, tool.name))

    def value(self, query, *parameters):
        return self.dba.execute(query, parameters).fetchone()[0]

    def close(self):
        self.dba.close()
        self.listener.close()

    # What administrators do

    def register(self, tool):
        token = f"shared-token-{tool.name}"
        self.dba.execute(
            """select projectalpha.register_tool(%s, %s, %s::jsonb, %s, strict => %s, versioned => %s, notify => %s,
                                                max_records => %s)""",
            [tool.name, token, tool.schema and json.dumps(tool.schema), tool.sensitive, tool.strict, tool.versioned,
             tool.notify, tool.max_records])
        if tool.configured:
            self.dba.execute("select projectalpha.configure_tool(%s, %s, true)", [tool.name, tool.sensitive])
        self.dba.execute("select")  # nothing is left in the pipe
        self.listener.execute(sql.SQL("listen {}").format(sql.Identifier(f"projectalpha_{tool.name}")))
        self.model.credentials.append(Credential(token, tool.name, None))
        return self.value("select id from projectalpha.registered_tools where tool_name = %s", tool.name)

    def create_project(self):
        client = self.random.choice([None, *self.clients])
        project = self.value("select projectalpha.create_project('tenant', %s)", client)
        self.listener.execute(sql.SQL("listen {}").format(sql.Identifier(f"projectalpha_project_{project}")))
        self.model.projects[project] = Project(client=client)
        return project

    def settle(self, project):
        """Most tools, and a token of its own."""
        for tool in self.model.tools:
            if self.random.random() < 0.7 and self.may_enable(tool, project):
                self.enable(tool, project)
        self.issue(project)

    def drop_project(self, project):
        self.dba.execute("select projectalpha.drop_project(%s, 'tenant')", [project])
        model = self.model
        del model.projects[project]
        model.tables = {place: table for place, table in model.tables.items() if place[1] != project}
        for credential in model.credentials:
            if credential.project == project:
                credential.revoked = True

    def may_enable(self, tool, project):
        """True if enable_tool should succeed with a token that is not in use."""
        table, row = self.model.tables.get((tool, project)), self.model.projects[project]
        return (row.status != "archived" and (row.client is None or (row.client, tool) in self.model.allowed)
                and (table is None or not table.enabled))

    def enable(self, tool, project, token=None):
        token = self.value("select projectalpha.enable_tool(%s, %s, %s)", tool, project, token)
        self.model.tables.setdefault((tool, project), Table()).enabled = True
        self.model.credentials.append(Credential(token, tool, project))
        return token

    def disable(self, tool, project, keep_data):
        self.dba.execute("select projectalpha.disable_tool(%s, %s, %s)", [tool, project, keep_data])
        for credential in self.model.credentials:
            if (credential.tool, credential.project) == (tool, project):
                credential.revoked = True
        if keep_data:
            self.model.tables[tool, project].enabled = False
        else:
            del self.model.tables[tool, project]

    def set_status(self, project, status):
        self.dba.execute("select projectalpha.set_project_status(%s, %s)", [project, status])
        self.model.projects[project].status = status

    def issue(self, project, scopes=BOTH):
        token = self.value("select projectalpha.issue_project_token(%s, %s)", project, sorted(scopes))
        self.model.credentials.append(Credential(token, None, project, scopes))
        return token

    def revoke(self, token):
        """Everything that this token is, of whatever tool and project."""
        meant = [c for c in self.model.credentials if c.token == token and not c.revoked]
        assert self.value("select projectalpha.revoke_token(%s)", token) == len(meant)
        for credential in meant:
            credential.revoked = True

    def rotate(self, tool, project, grace):
        token = self.value(
            "select projectalpha.rotate_token(%s, %s::interval, project_id => %s)",
            tool, "1 hour" if grace else "0", project)
        self.model.rotated(tool, project, token, grace)

    def change_credential(self, credential, **changes):
        """What no function does: an expiry that is over, fewer scopes."""
        if "expired" in changes:
            assignment = "expires_at = now() - interval '1 second'"
            credential.expired = credential.expires = True
        else:
            assignment = "scopes = '{%s}'" % ",".join(sorted(changes["scopes"]))
            credential.scopes = changes["scopes"]
        changed = self.dba.execute(
            f"""update projectalpha.credentials set {assignment}
                where digest = sha256(convert_to(%s, 'UTF8')) and revoked_at is null
                  and tool_id = %s and project_id is not distinct from %s""",
            [credential.token, self.tool_ids[credential.tool], credential.project])
        assert changed.rowcount == 1

    # The database against the model

    @staticmethod
    def table_name(place):
        tool, project = place
        return f"project_{project}.tool_{tool}" if project else f"projectalpha_data.tool_{tool}"

    def read(self, *places):
        """The rows of tables, each by its id, as text."""
        found = {place: {} for place in places}
        if places:
            query = " union all ".join(
                f"select {n}, t.id, to_jsonb(t)::text from {self.table_name(place)} as t"
                for n, place in enumerate(places))
            for n, row_id, text in self.dba.execute(query + " order by 1, 2"):
                found[places[n]][row_id] = text
        return found

    def compare(self, place, rows, context):
        """The table is what the model says; what was not changed is the same to the byte."""
        tool, table = self.model.tools[place[0]], self.model.tables[place]
        assert list(rows) == sorted(table.rows), (context, place)
        for row_id, text in rows.items():
            row = table.rows[row_id]
            shown = {name: value for name, value in json.loads(text).items() if name not in TIMES}
            assert shown == self.model.shown(tool, row_id, row), (context, place)
            assert row.text in (None, text), (context, place)
            row.text = text

    def compare_all(self, context):
        model, places = self.model, list(self.model.tables)
        for place, rows in self.read(*places).items():
            self.compare(place, rows, context)
        there = {name for name, in self.dba.execute(
            """select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where c.relkind = 'r' and c.relname like 'tool\\_%' and n.nspname ~ '^project(_|alpha_data$)'""")}
        assert there == {self.table_name(place) for place in places}, context
        self.compare_keys(context)
        for project, row in model.projects.items():
            self.compare_project(project, row, context)
        used = self.dba.execute("select project_id, model from projectalpha_data.llm_usage order by id").fetchall() \
            if self.value("select to_regclass('projectalpha_data.llm_usage')") else []
        assert used == model.usage, context
        self.compare_announcements(context)

    def compare_keys(self, context):
        names = {number: name for name, number in self.tool_ids.items()}
        for project in [None, *self.model.projects]:
            schema = f"project_{project}" if project else "projectalpha_data"
            expected = {(tool, key, row_id) for (tool, of), table in self.model.tables.items() if of == project
                        for key, (_, row_id) in table.keys.items()}
            found = set()
            if self.value("select to_regclass(%s)::text", f"{schema}.idempotency_keys"):
                found = {(names[tool], key, row_id) for tool, key, row_id in self.dba.execute(
                    f"select tool_id, key, record_id from {schema}.idempotency_keys")}
            assert found == expected, (context, schema)

    def compare_project(self, project, row, context):
        found = self.value(
            f"""select jsonb_build_array(
                    (select coalesce(jsonb_agg(jsonb_build_array(body, metadata) order by id), '[]')
                       from project_{project}.contents),
                    (select coalesce(jsonb_object_agg(key, value), '{{}}') from project_{project}.metadata),
                    (select coalesce(jsonb_object_agg(term, definition), '{{}}') from project_{project}.vocabulary),
                    (select coalesce(jsonb_object_agg(base_prompt_id, content), '{{}}')
                       from project_{project}.prompt_components))""")
        adaptations = {str(prompt): content for prompt, content in row.adaptations.items()}
        assert found == [row.contents, row.metadata, row.vocabulary, adaptations], (context, project)

    def compare_announcements(self, context):
        self.listener.execute("select")
        self.listener.execute("select")
        assert self.notified == self.model.announced, context
        self.notified.clear()
        self.model.announced.clear()
