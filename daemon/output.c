#include "daemon/output.h"
#include "daemon/arguments.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* More than any command prints of a topology of usual size: what is written in one go at the end fails there, where the
 * reason can be told. */
static char buffer[1 << 20];

void output_begin(void)
{
	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
}

int output_end(void)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_DONE;
	fprintf(stderr, "sluice: standard output cannot be written: %s\n",
		errno == EBADF ? "it is closed"
		: errno        ? strerror(errno)
			       : "an earlier write failed");
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
