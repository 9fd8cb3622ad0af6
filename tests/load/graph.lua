-- wrk script: requests to Graph; method, body and token come from the environment.
wrk.method = os.getenv("GRAPH_METHOD")
wrk.headers["Authorization"] = "Bearer " .. os.getenv("GRAPH_TOKEN")
wrk.headers["Content-Type"] = "application/json"
wrk.body = os.getenv("GRAPH_BODY")

function done(summary, latency, requests)
  io.write(string.format(
    "result %d %d %.0f %.4f %d\n",
    summary.requests, summary.duration, summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1000,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write
      + summary.errors.timeout))
end
