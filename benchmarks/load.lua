-- Sends the bodies of a file in turn, and counts the answers by status and by tenths of a millisecond.
--
--    wrk -t1 ... -s load.lua URL -- BODIES [REQUESTS_PER_SECOND]
--
-- With a rate, every free connection books the next slot of one timetable and waits for it; latency then
-- counts from the slot, so that a service that stalls cannot hide it. The slots are used in the order in which
-- they were booked, so one thread of wrk is needed. The id of a request carries its start there and back.
local ffi = require("ffi")
ffi.cdef [[
  struct moment { long s; long ns; };
  int clock_gettime(int clock, struct moment *now);
]]
local moment = ffi.new("struct moment")

local function now_us()
  ffi.C.clock_gettime(1, moment)
  return tonumber(moment.s) * 1000000 + math.floor(tonumber(moment.ns) / 1000)
end

local threads = {}
function setup(thread)
  table.insert(threads, thread)
end

local bodies, turn, step_us = {}, 0, nil
local slot, booked, first, last = nil, {}, 1, 0
late, counts = 0, {}

function init(arguments)
  for line in io.lines(arguments[1]) do
    bodies[#bodies + 1] = line
  end
  if arguments[2] then
    step_us = 1000000 / tonumber(arguments[2])
  else
    delay = nil
  end
end

function delay()
  local now = now_us()
  slot = slot and slot + step_us or now
  last = last + 1
  booked[last] = slot
  return math.max(0, math.floor((slot - now) / 1000 + 0.5))
end

function request()
  local start = now_us()
  if step_us and first <= last then
    -- wrk waits in whole milliseconds, so an early start is one of rounding.
    if start - booked[first] > 10000 then
      late = late + 1
    end
    start = math.min(start, math.floor(booked[first]))
    booked[first] = nil
    first = first + 1
  end
  turn = turn % #bodies + 1
  local headers = { ["Content-Type"] = "application/json", ["X-Request-ID"] = string.format("%.0f", start) }
  return wrk.format("POST", nil, headers, bodies[turn])
end

function response(status, headers)
  local start
  local patient = ""
  for name, value in pairs(headers) do
    name = name:lower()
    if name == "x-request-id" then
      start = tonumber(value)
    elseif name == "retry-after" then
      patient = "+retry"
    end
  end
  local key = string.format("%d%s %d", status, patient, math.floor((now_us() - start) / 100))
  counts[key] = (counts[key] or 0) + 1
end

function done(summary)
  for _, thread in ipairs(threads) do
    for key, number in pairs(thread:get("counts")) do
      print("answer " .. key .. " " .. number)
    end
    print("late " .. thread:get("late"))
  end
  local errors = summary.errors
  print("lost " .. errors.connect + errors.read + errors.write + errors.timeout)
  print("seconds " .. summary.duration / 1000000)
end
