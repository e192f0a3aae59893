#!/usr/bin/env bash
# From a bare machine to a running stack, and the service's full life cycle on it: first in psql, then over curl.
# The stack keeps running; that of an earlier run is replaced.
# shellcheck source=scripts/stack.sh
. "$(dirname "$0")/stack.sh"

scripts/setup.sh
scripts/install.sh
[ ! -e "$MARK" ] || scripts/down.sh
ADMIN_TOKEN=${ADMIN_TOKEN:-admin-$(random_token)}
export ADMIN_TOKEN
scripts/up.sh

say "The life of a tool, in psql"
sql --echo-queries <<'SQL'

SELECT * FROM projectalpha.register_tool(
    tool_name => 'feedback_bot',
    token => 'fb-token-secret',
    schema => '[{"name": "user_id", "type": "int"}, {"name": "message", "type": "str"}]');

SELECT projectalpha.store_record('feedback_bot', 'fb-token-secret', '{"user_id": 101, "message": "Love this app!"}');

\set ON_ERROR_STOP off
SELECT projectalpha.store_record('feedback_bot', 'fb-token-secret', '{"user_id": "not-a-number"}');
\set ON_ERROR_STOP on

SELECT * FROM projectalpha.list_records('feedback_bot', row_limit => 10);

SELECT * FROM projectalpha_data.tool_feedback_bot;

SELECT projectalpha.store_common('metrics_collector', '{"cpu": 45, "memory": 2048}');

SELECT projectalpha.delete_tool('feedback_bot');
SQL

BASE=$(base_url)

# call STATUS: shows the command it reads, runs it, and wants that status
call() {
    local wanted=$1 command answer
    command=$(cat)
    printf '\n$ %s\n' "$command"
    answer=$(eval "$command --silent --show-error --write-out '\n%{http_code}'")
    printf '%s   (%s)\n' "${answer%$'\n'*}" "${answer##*$'\n'}"
    [ "${answer##*$'\n'}" = "$wanted" ] || die "the status should have been $wanted"
}

say "The same over HTTP (BASE=$BASE)"
call 200 <<'END'
curl -X POST "$BASE/register-tool" -H "Content-Type: application/json" -H "admin-token: $ADMIN_TOKEN" -d '{
    "tool_name": "feedback_bot",
    "token": "fb-token-secret",
    "schema": [
      {"name": "user_id", "type": "int"},
      {"name": "message", "type": "str"}
    ]
  }'
END
call 200 <<'END'
curl -X POST "$BASE/tools/feedback_bot" -H "Content-Type: application/json" -H "token: fb-token-secret" \
  -d '{"user_id": 101, "message": "Love this app!"}'
END
call 401 <<'END'
curl -X POST "$BASE/tools/feedback_bot" -H "Content-Type: application/json" -H "token: wrong-token" -d '{"user_id": 102}'
END
call 400 <<'END'
curl -X POST "$BASE/tools/feedback_bot" -H "Content-Type: application/json" -H "token: fb-token-secret" \
  -d '{"user_id": "not-a-number"}'
END
call 200 <<'END'
curl "$BASE/tools/feedback_bot?limit=10"
END
call 200 <<'END'
curl -X POST "$BASE/common" -H "Content-Type: application/json" -H "tool-name: metrics_collector" -H "sensitive: 0" \
  -d '{"cpu": 45, "memory": 2048}'
END
call 200 <<'END'
curl -X DELETE "$BASE/tools/feedback_bot" -H "admin-token: $ADMIN_TOKEN"
END
call 404 <<'END'
curl "$BASE/tools/feedback_bot"
END

echo
say "The stack keeps running, empty of tools. What you need next:"
print_addresses
echo
echo "  export BASE=$BASE ADMIN_TOKEN=$ADMIN_TOKEN"
