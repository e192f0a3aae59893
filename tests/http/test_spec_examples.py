"""The curl commands of the specification, as they stand there; only base URL and admin token are put in."""

import json
import re
import subprocess

import pytest

from contract import canonical

BASE_URL, ADMIN_TOKEN = "https://storage.projectalpha.in", "admin-secret-123"

# Section 4, in its order except that the tool is deleted last.
REFERENCE = r"""
curl -X POST "https://storage.projectalpha.in/register-tool" \
  -H "Content-Type: application/json" \
  -H "admin-token: admin-secret-123" \
  -d '{
    "tool_name": "survey_bot",
    "token": "survey-secure-token-001",
    "schema": [
      {"name": "user_id", "type": "int"},
      {"name": "feedback", "type": "str"}
    ]
  }'
# Response: {"message": "Tool 'survey_bot' registered and table created"}

curl -X POST "https://storage.projectalpha.in/tools/survey_bot" \
  -H "Content-Type: application/json" \
  -H "token: survey-secure-token-001" \
  -d '{
    "user_id": 42,
    "feedback": "Great product!"
  }'
# Response: {"message": "Data stored successfully"}

curl "https://storage.projectalpha.in/tools/survey_bot?limit=20&offset=0"
# Response: [{"id": 1, "created_at": "...", "user_id": 42, "feedback": "Great product!"}]

curl -X POST "https://storage.projectalpha.in/common" \
  -H "Content-Type: application/json" \
  -H "tool-name: metrics_collector" \
  -H "sensitive: 0" \
  -d '{"cpu": 45, "memory": 2048}'
# Response: {"message": "JSON stored in common table"}

curl -X POST "https://storage.projectalpha.in/common" \
  -H "Content-Type: application/json" \
  -H "tool-name: reports_tool" \
  -H "sensitive: 1" \
  -H "token: token123" \
  -d '{"secret_data": "xyz"}'
# Response: {"message": "JSON stored in common table"}

curl -X DELETE "https://storage.projectalpha.in/tools/survey_bot" \
  -H "admin-token: admin-secret-123"
# Response: {"message": "Tool 'survey_bot' deleted"}
"""

# Section 5, example 1.
LIFECYCLE = r"""
# Step 1: Register tool
curl -X POST "https://storage.projectalpha.in/register-tool" \
  -H "Content-Type: application/json" \
  -H "admin-token: admin-secret-123" \
  -d '{
    "tool_name": "feedback_bot",
    "token": "fb-token-secret",
    "schema": [
      {"name": "user_id", "type": "int"},
      {"name": "message", "type": "str"}
    ]
  }'
# Response: {"message": "Tool 'feedback_bot' registered and table created"}

# Step 2: Insert data
curl -X POST "https://storage.projectalpha.in/tools/feedback_bot" \
  -H "Content-Type: application/json" \
  -H "token: fb-token-secret" \
  -d '{"user_id": 101, "message": "Love this app!"}'
# Response: {"message": "Data stored successfully"}

# Step 3: Fetch data
curl "https://storage.projectalpha.in/tools/feedback_bot?limit=10"
# Response: [{"id": 1, "created_at": "...", "user_id": 101, "message": "Love this app!"}]

# Step 4: Delete tool (cleanup)
curl -X DELETE "https://storage.projectalpha.in/tools/feedback_bot" \
  -H "admin-token: admin-secret-123"
# Response: {"message": "Tool 'feedback_bot' deleted"}
"""

# Section 5, example 2. The specification shows no answers here: those below are what follows from its section 4.
TEMPLATES = r"""
# Register template storage tool
curl -X POST "https://storage.projectalpha.in/register-tool" \
  -H "Content-Type: application/json" \
  -H "admin-token: admin-secret-123" \
  -d '{
    "tool_name": "report_templates",
    "token": "report-template-access-001",
    "schema": [
      {"name": "code", "type": "str"},
      {"name": "name", "type": "str"},
      {"name": "structure", "type": "json"}
    ]
  }'
# Response: {"message": "Tool 'report_templates' registered and table created"}

# Insert a template
curl -X POST "https://storage.projectalpha.in/tools/report_templates" \
  -H "Content-Type: application/json" \
  -H "token: report-template-access-001" \
  -d '{
    "code": "LAB001",
    "name": "Physics Lab Report",
    "structure": {"sections": [{"title": "Introduction"}, {"title": "Results"}]}
  }'
# Response: {"message": "Data stored successfully"}

# Fetch all templates
curl "https://storage.projectalpha.in/tools/report_templates?limit=50"
# Response: [{"id": 1, "created_at": "...", "code": "LAB001", "name": "Physics Lab Report", "structure": STRUCTURE}]
""".replace("STRUCTURE", '{"sections": [{"title": "Introduction"}, {"title": "Results"}]}')

STEP = re.compile(r"^(curl .*?)\n# Response: (.*?)$", re.MULTILINE | re.DOTALL)
SHOW_STATUS = r"""curl() {
    command curl --silent --show-error --noproxy '*' --write-out '\n%{http_code} %{content_type}' "$@"
}"""


def run(stack, command):
    script = command.replace(BASE_URL, stack.url).replace(ADMIN_TOKEN, stack.admin_token)
    output = subprocess.check_output(["bash", "-c", f"{SHOW_STATUS}\n{script}"], text=True)
    body, _, status = output.rpartition("\n")
    return body, status


@pytest.mark.parametrize(
    "text, calls", [(REFERENCE, 6), (LIFECYCLE, 4), (TEMPLATES, 3)], ids=["reference", "lifecycle", "templates"]
)
def test_the_commands_of_the_specification_give_its_answers(stack, text, calls):
    steps = STEP.findall(text)
    assert len(steps) == text.count("\ncurl ") == calls
    for command, documented in steps:
        body, status = run(stack, command)
        assert status == "200 application/json", (command, body)
        shown = re.sub(r'"created_at": "[-0-9T:.]+"', '"created_at": "..."', canonical(body))
        assert shown == canonical(documented), command


def test_answers_are_written_without_spaces_as_the_old_service_did(stack, survey):
    stack.store(survey, {"user_id": 1, "feedback": "é"})
    answers = [
        stack.get("/tools/nonexistent_tool"),
        stack.get("/nothing"),
        stack.get(survey.path + "?limit=x"),
        stack.post(survey.path, {}, survey.auth),
        stack.get(survey.path),
    ]
    for answer in answers:
        assert answer.body.decode() == json.dumps(answer.json(), separators=(",", ":"), ensure_ascii=False)
