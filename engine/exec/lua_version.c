/* SPDX-License-Identifier: MIT
 * Which Lua this program was built with. */
#include "exec/lua_version.h"

#include <lua.h>

const char *lua_version_text(void)
{
    return LUA_RELEASE;
}
