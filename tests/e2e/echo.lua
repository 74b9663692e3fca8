-- SPDX-License-Identifier: MIT
-- The payload as the result, decoded and encoded again.
return { name = "echo", types = { "lua-echo" }, handle = function(job) return job.payload end }
