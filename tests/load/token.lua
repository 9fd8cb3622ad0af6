-- wrk script: client_credentials requests; the body comes from the environment.
wrk.method = "POST"
wrk.path = os.getenv("TOKEN_PATH")
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.body = os.getenv("TOKEN_BODY")

function done(summary, latency, requests)
  io.write(string.format(
    "result %d %d %.0f %.2f %.2f %d\n",
    summary.requests, summary.duration, summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write
      + summary.errors.timeout))
end
