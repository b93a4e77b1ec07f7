#include "daemon/output.h"
#include "daemon/arguments.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int output_end(void)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_DONE;
	fprintf(stderr, "sluice: standard output cannot be written: %s\n",
		errno ? strerror(errno) : "an earlier write failed");
	return EXIT_IO;
}

const char *size_text(char text[static UNITS_TEXT_ROOM], uint64_t bytes)
{
	uint64_t unit = 1;
	while (bytes / unit >= 10 * 1024)
		unit *= 1024;
	if (bytes % unit)
		bytes += unit - bytes % unit;
	units_print_size(text, bytes);
	return text;
}
