-- SPDX-License-Identifier: MIT
-- Copy this file, change the type, and say in conf.d: [handler TYPE] lua = FILE.lua
-- Everything that a job offers is in docs/lua.md.

return {
  types = { "hello" }, -- the job types that this script runs

  config = { -- what an operator may set as config.greeting = … in conf.d
    { key = "greeting", default = "Hello", text = "the word before the name" },
  },

  -- Runs once per job. What it returns becomes the job's result.
  handle = function(job)
    local name = job.payload.name or "world" -- the submitted JSON, as Lua values
    if type(name) ~= "string" then
      return job:fail("payload.name: found a " .. type(name) .. ", expected a string") -- no retry
    end

    job:progress(50, "greeting " .. name)
    job:log("info", "attempt " .. job.attempt) -- print("…") does the same

    -- error("…") would fail this attempt and let the engine try again later.
    return { message = job:config("greeting") .. ", " .. name .. "!" }
  end,
}
