-- SPDX-License-Identifier: MIT
-- Applies a list of operations to a JSON document, like plugins/transform. Payload: input (any
-- value; without it the payload itself) and operations, each a name or { op = name, … }.
local function kind(value)
  return value == json.null and "null" or type(value)
end

-- A copy with `map` applied to every string in it. pairs() goes over items and members alike, and
-- a copied array must stay one even when it is empty.
local function map_strings(value, map)
  if type(value) == "string" then return map(value) end
  if type(value) ~= "table" then return value end
  local copy = getmetatable(value) == "json.array" and json.array() or {}
  for k, v in pairs(value) do copy[k] = map_strings(v, map) end
  return copy
end

local function need_array(value)
  if getmetatable(value) ~= "json.array" then
    error("found a " .. kind(value) .. ", expected an array", 0)
  end
  return value
end

local operations = {}

function operations.upper(value) return map_strings(value, string.upper) end
function operations.lower(value) return map_strings(value, string.lower) end

function operations.pick(value, options)
  local picked = {}
  for _, field in ipairs(options.fields) do picked[field] = value[field] end
  return picked
end

function operations.rename(value, options)
  if value[options.to] ~= nil then
    error("to: found a member `" .. options.to .. "` already, expected none", 0)
  end
  value[options.to], value[options.from] = value[options.from], nil
  return value
end

function operations.sort(value)
  table.sort(need_array(value))
  return value
end

function operations.sum(value)
  local sum = 0
  for _, item in ipairs(need_array(value)) do sum = sum + item end
  return sum
end

-- What goes wrong here is wrong with the payload: no retry would help.
local function apply(job, index, operation, value)
  local options = type(operation) == "table" and operation or { op = operation }
  local apply_to = operations[options.op]
  if not apply_to then
    return job:fail(("payload.operations[%d]: found `%s`, expected upper, lower, pick, rename, "
      .. "sort or sum"):format(index - 1, tostring(options.op)))
  end
  local fine, result = pcall(apply_to, value, options)
  if not fine then
    return job:fail(("payload.operations[%d] (%s): %s"):format(index - 1, options.op, result))
  end
  return result
end

return {
  name = "lua_transform",
  types = { "lua-transform" },

  handle = function(job)
    local payload = job.payload
    local list = payload.operations or { "upper" }
    local value = payload.input
    if type(list) ~= "table" then
      return job:fail("payload.operations: found a " .. kind(list) .. ", expected an array")
    end
    if value == nil then
      value = payload
      if payload.operations then payload.operations = nil end
    end
    for i, operation in ipairs(list) do
      if job:cancelled() then return job:stop() end
      value = apply(job, i, operation, value)
      job:progress(100 * i / #list, "transforming")
    end
    return { output = value, operations = #list }
  end,
}
