-- SPDX-License-Identifier: MIT
-- What the API's tests need: a job that succeeds, one that is dead at once, one that fails and is
-- retried, one that runs until it is asked to stop.
local ways = {
  echo = function(job) return job.payload end,
  dead = function(job) return job:fail('it "failed"\n') end,
  flaky = function() error("not this time") end,
  slow = function(job) while not job:cancelled() do job:log("debug", "still here") end end,
}

return {
  name = "api_test",
  types = { "echo", "dead", "flaky", "slow" },
  handle = function(job) return ways[job.type](job) end,
}
