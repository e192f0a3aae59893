"""What a role that may call our functions can plant around them, to have its own code run by them, or to confuse them."""

# Every function and operator of PostgreSQL that can be copied, in a schema to be put before pg_catalog: each fails.
PLANT = """
create schema tenant_evil authorization tenant_app;
set search_path = pg_catalog;
do $plant$
declare statement text;
begin
    for statement in
        select format('create function tenant_evil.%I(%s) returns %s language plpgsql as $f$ begin
                       raise exception ''planted: %s ran as %%'', current_user; end $f$',
                      p.proname, oidvectortypes(p.proargtypes), pg_get_function_result(p.oid), p.proname)
          from pg_proc p
         where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f' and p.proargmodes is null
           and p.proname ~ '^[a-z_0-9]+$' and (p.proname !~ '(in|out|send|recv|sel)$' or p.proname in ('min', 'join'))
           and not exists (select from unnest(p.proargtypes || p.prorettype) as a join pg_type t on t.oid = a
                            where t.typtype = 'p' and t.typname <> 'void')
        union all
        select format('create function tenant_evil.op_%1$s(%2$s) returns %3$s language plpgsql as $f$ begin
                       raise exception ''planted: an operator ran as %%'', current_user; end $f$;
                       create operator tenant_evil.%4$s (function = tenant_evil.op_%1$s %5$s, rightarg = %6$s)',
                      o.oid, concat_ws(', ', nullif(o.oprleft, 0)::regtype, o.oprright::regtype), o.oprresult::regtype,
                      o.oprname, ', leftarg = ' || nullif(o.oprleft, 0)::regtype, o.oprright::regtype)
          from pg_operator o
         where o.oprnamespace = 'pg_catalog'::regnamespace and o.oprresult <> 0
           and not exists (select from unnest(array[nullif(o.oprleft, 0), o.oprright, o.oprresult]) as a
                             join pg_type t on t.oid = a where t.typtype = 'p')
    loop
        execute statement;
    end loop;
end $plant$;
grant usage on schema tenant_evil to public;
"""

TABLES = ["tools", "credentials", "projects", "project_tools", "clients", "schema_history", "tool_configuration", "prompts",
          "object_models", "contents", "metadata", "vocabulary", "prompt_components", "idempotency_keys", "llm_usage",
          "multiple_tools", "tool_open_tool", "tool_closed", "tool_coded", "tool_loose", "gone", "due", "k"]

SETTINGS = [
    {"search_path": "tenant_evil, pg_catalog, pg_temp", "transform_null_equals": "on", "datestyle": "SQL, DMY",
     "timezone": "Asia/Kathmandu", "bytea_output": "escape", "quote_all_identifiers": "on", "array_nulls": "off",
     "default_transaction_isolation": "serializable", "plan_cache_mode": "force_generic_plan"},
    {"search_path": "pg_temp, tenant_evil, pg_catalog", "projectalpha_store.cache_size": "1", "enable_indexscan": "off",
     "enable_bitmapscan": "off", "force_parallel_mode": "on", "row_security": "off", "extra_float_digits": "-15",
     "default_transaction_isolation": "repeatable read", "intervalstyle": "iso_8601"},
]


def make_hostile(connection, settings):
    for name, value in settings.items():
        connection.execute("select pg_catalog.set_config(%s, %s, false)", [name, value])
    for table in TABLES:
        connection.execute(f"create temp table {table} (id pg_catalog.int8, digest pg_catalog.bytea)")
    return connection
