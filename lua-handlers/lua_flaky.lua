-- SPDX-License-Identifier: MIT
-- Fails a given share of its runs, for watching retries and dead letters. Payload: failure_rate
-- (0.0 to 1.0), permanent (true: no further tries), delay_ms (wait of the next try).
local function bad(job, field, found, expected)
  return job:fail(("payload.%s: found %s, expected %s"):format(field, tostring(found), expected))
end

return {
  name = "lua_flaky",
  types = { "lua-flaky" },
  config = {
    { key = "failure_rate", type = "real", default = 0.5,
      text = "share of runs that fail when the payload does not say (0.0 to 1.0)" },
  },

  handle = function(job)
    local payload = job.payload
    local rate = payload.failure_rate or job:config("failure_rate")
    local delay = payload.delay_ms
    if type(rate) ~= "number" or not (rate >= 0 and rate <= 1) then
      return bad(job, "failure_rate", rate, "0.0 to 1.0")
    end
    if delay and (math.type(delay) ~= "integer" or delay < 0) then
      return bad(job, "delay_ms", delay, "an integer from 0")
    end
    if math.random() < rate then
      local message = ("failed on purpose: attempt %d, failure_rate %g"):format(job.attempt, rate)
      if payload.permanent == true then
        return job:fail(message .. ", permanent")
      end
      return job:retry(message, { delay_ms = delay })
    end
    return { attempt = job.attempt, failure_rate = rate }
  end,
}
