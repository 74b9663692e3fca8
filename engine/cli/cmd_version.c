/* SPDX-License-Identifier: MIT
 * `jobmill version`: this program and the libraries that it runs with. */
#include "cli/commands.h"

#include <curl/curl.h>
#include <jansson.h>
#include <microhttpd.h>
#include <sodium.h>
#include <sqlite3.h>

static int run(const struct cli_args *args)
{
    (void)args;
    printf("jobmill %s\n", JOBMILL_VERSION);
    printf("sqlite %s, libmicrohttpd %s, jansson %s, libsodium %s, libcurl %s\n",
           sqlite3_libversion(), MHD_get_version(), JANSSON_VERSION, sodium_version_string(),
           curl_version_info(CURLVERSION_NOW)->version);
    return CLI_OK;
}

const struct cli_command cmd_version = {
    .name = "version",
    .words = "",
    .summary = "Prints the version of this program and of its libraries.",
    .run = run,
};
