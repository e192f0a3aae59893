-- One request, from the environment, over and over. Ends in a line of numbers for http_cases.py.
wrk.method = os.getenv("BENCH_METHOD")
wrk.body = os.getenv("BENCH_BODY")

function done(summary)
    local errors = summary.errors
    io.write(string.format("RESULT requests=%d microseconds=%d errors=%d\n", summary.requests, summary.duration,
        errors.connect + errors.read + errors.write + errors.timeout + errors.status))
end
