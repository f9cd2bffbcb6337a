-- wrk's side of bench_server.py: identify requests with pictures in turn. Arguments: token, boundary, picture files.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  local token, boundary = args[1], args[2]
  requests, turn, done_count, shed_count, error_count = {}, 0, 0, 0, 0
  wrk.headers["Authorization"] = "Bearer " .. token
  wrk.headers["Content-Type"] = "multipart/form-data; boundary=" .. boundary
  for i = 3, #args do
    local file = assert(io.open(args[i], "rb"))
    local part = '--' .. boundary .. '\r\nContent-Disposition: form-data; name="image"; filename="p.jpg"\r\n\r\n'
    local body = part .. file:read("*a") .. "\r\n--" .. boundary .. "--\r\n"
    file:close()
    table.insert(requests, wrk.format("POST", nil, nil, body))
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function response(status)
  if status == 200 then
    done_count = done_count + 1
  elseif status == 503 then
    shed_count = shed_count + 1
  else
    error_count = error_count + 1
  end
end

function done(summary, latency)
  local counts = { done_count = 0, shed_count = 0, error_count = 0 }
  for _, thread in ipairs(threads) do
    for name in pairs(counts) do
      counts[name] = counts[name] + thread:get(name)
    end
  end
  local e = summary.errors
  local broken = e.connect + e.read + e.write + e.timeout
  print(string.format(
    '{"seconds": %.6f, "p50_ms": %.4f, "p99_ms": %.4f, "done": %d, "shed": %d, "errors": %d}',
    summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    counts.done_count, counts.shed_count, counts.error_count + broken))
end
