-- SPDX-License-Identifier: MIT
-- Counts the primes up to `iterations`, like plugins/compute: a loop that reports progress and
-- stops when asked.
local MAX = 10000000
local SEGMENT = 16384 -- numbers between two looks at the outside

local function small_primes(limit)
  local primes, composite = {}, {}
  for n = 2, limit do
    if not composite[n] then
      primes[#primes + 1] = n
      for multiple = n * n, limit, n do composite[multiple] = true end
    end
  end
  return primes
end

-- How many of the numbers from `low` to `high` are prime, and the last of them.
local function sieve(primes, low, high)
  local composite, count, largest = {}, 0, nil
  for _, prime in ipairs(primes) do
    if prime * prime > high then break end
    local first = math.max(prime * prime, (low + prime - 1) // prime * prime)
    for multiple = first, high, prime do composite[multiple] = true end
  end
  for n = math.max(low, 2), high do
    if not composite[n] then count, largest = count + 1, n end
  end
  return count, largest
end

return {
  name = "lua_compute",
  types = { "lua-compute" },
  config = {
    { key = "iterations", type = "int", default = 100000,
      text = "how far to count when the payload does not say (1 to 10000000)" },
  },

  handle = function(job)
    local n = job.payload.iterations or job:config("iterations")
    if math.type(n) ~= "integer" or n < 1 or n > MAX then
      return job:fail(("payload.iterations: found %s, expected an integer from 1 to %d")
        :format(tostring(n), MAX))
    end
    local primes, count, largest = small_primes(math.floor(math.sqrt(n)) + 1), 0, 0
    for low = 1, n, SEGMENT do
      if job:cancelled() then return job:stop() end
      local high = math.min(low + SEGMENT - 1, n)
      local found, last = sieve(primes, low, high)
      count, largest = count + found, last or largest
      job:progress(100 * high / n, "sieving")
    end
    return { iterations = n, value = count, largest_prime = largest }
  end,
}
