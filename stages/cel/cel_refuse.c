#include "stages/cel/cel_refuse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int cel_refuse(struct cel_error *error, size_t offset, const char *format, ...)
{
	va_list arguments;
	error->offset = offset;
	va_start(arguments, format);
	vsnprintf(error->message, sizeof error->message, format, arguments);
	va_end(arguments);
	return -EINVAL;
}
