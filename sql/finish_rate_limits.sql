GRANT EXECUTE ON FUNCTION projectalpha.rate_limit_status() TO projectalpha_admin;

COMMENT ON FUNCTION projectalpha.rate_limit_status() IS
    'How full the shared memory is in which rates are counted';
