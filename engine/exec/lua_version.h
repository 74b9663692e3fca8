/* SPDX-License-Identifier: MIT
 * Which Lua this program was built with. */
#ifndef JOBMILL_EXEC_LUA_VERSION_H
#define JOBMILL_EXEC_LUA_VERSION_H

/* "Lua 5.4.4" */
const char *lua_version_text(void);

#endif
