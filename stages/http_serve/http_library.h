/* http_library.h - what libmicrohttpd calls, and what http_service needs to know of a connection there. For these two alone.
 * Threads: the owner's. Memory: a struct http_request for each connection. Layer: stages, libmicrohttpd. */
#pragma once

#include "stages/http_serve/http_service.h"

#include <microhttpd.h>

enum MHD_Result http_request_asked(void *server, struct MHD_Connection *connection, const char *url,
				   const char *method, const char *version, const char *bytes,
				   size_t *length, void **context);
void http_request_is_over(void *server, struct MHD_Connection *connection, void **context,
			  enum MHD_RequestTerminationCode how);
enum MHD_Result http_connection_may_come(void *server, const struct sockaddr *from,
					 socklen_t length);
void http_connection_changed(void *server, struct MHD_Connection *c, void **context,
			     enum MHD_ConnectionNotificationCode what);

/* -1: it has none. */
int http_connection_descriptor(const struct http_request *r);
