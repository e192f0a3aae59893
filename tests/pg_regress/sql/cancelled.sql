-- A call that is cancelled, in a block that catches that, leaves the transaction as any statement would.
\set VERBOSITY terse
SELECT count(*) AS registered FROM projectalpha.register_tool('slow', 'token-of-slow', '[{"name": "n", "type": "int"}]');
CREATE TABLE public.regress_probe (step text);
CREATE FUNCTION public.regress_sleep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(10); RETURN NEW; END $$;
CREATE TRIGGER sleep BEFORE INSERT ON projectalpha_data.tool_slow FOR EACH ROW EXECUTE FUNCTION public.regress_sleep();
SELECT set_config('request.headers', '{"x-uri": "/tools/slow", "token": "token-of-slow"}', false) IS NOT NULL AS headers_set;
SET statement_timeout = '300ms';
DO $$
BEGIN
    INSERT INTO public.regress_probe VALUES ('before');
    BEGIN
        INSERT INTO public.regress_probe VALUES ('in the block');
        PERFORM projectalpha_http.store_record('{"n": 1}');
    EXCEPTION WHEN query_canceled THEN
        RAISE NOTICE 'cancelled';
    END;
    INSERT INTO public.regress_probe VALUES ('after');
END
$$;
RESET statement_timeout;
SELECT step FROM public.regress_probe;
COMMIT;
SELECT count(*) FROM projectalpha_data.tool_slow;

-- What a trigger raises with an SQLSTATE of its own is answered over HTTP, and undone.
CREATE OR REPLACE FUNCTION public.regress_sleep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.regress_probe VALUES ('by the trigger');
    RAISE EXCEPTION 'not today' USING ERRCODE = 'P0042';
END
$$;
GRANT INSERT ON public.regress_probe TO projectalpha_owner;
SELECT convert_from(projectalpha_http.store_record('{"n": 1}'), 'UTF8') AS answer;
SELECT step FROM public.regress_probe;

SELECT projectalpha.delete_tool('slow');
DROP FUNCTION public.regress_sleep();
DROP TABLE public.regress_probe;
