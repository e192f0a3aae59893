-- PostgREST sends what a function of this type returns as it is, for any Accept.
CREATE DOMAIN projectalpha_http."*/*" AS bytea;
