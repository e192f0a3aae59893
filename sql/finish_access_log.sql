-- The access log and its figures: who may call what, and what it is for.
GRANT EXECUTE ON FUNCTION projectalpha.configure_access_log(text, text, boolean, text)
TO projectalpha_anon, projectalpha_admin;
GRANT EXECUTE ON FUNCTION
    projectalpha.summarise_usage(),
    projectalpha.drop_access_logs(date)
TO projectalpha_admin;

COMMENT ON FUNCTION projectalpha.configure_access_log(text, text, boolean, text) IS
    'Says which attempts to use a tool the access log keeps, and whether with payloads';
COMMENT ON FUNCTION projectalpha.summarise_usage() IS
    'Adds what is new in the access log to the figures, each attempt once; returns how many';
COMMENT ON FUNCTION projectalpha.drop_access_logs(date) IS
    'Drops the months of the access log before that of a day, once they are in the figures; returns how many';
