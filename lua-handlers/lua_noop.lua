-- SPDX-License-Identifier: MIT
-- Does nothing: what a Lua job costs at least.
return {
  name = "lua_noop",
  types = { "lua-noop" },
  handle = function() end,
}
