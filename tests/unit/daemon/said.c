#include "tests/unit/daemon/said.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char text[4096];
static int stderr_before;
static FILE *file;

void said_begin(void)
{
	file = tmpfile();
	cr_assert_not_null(file);
	stderr_before = dup(STDERR_FILENO);
	cr_assert_geq(dup2(fileno(file), STDERR_FILENO), 0);
}

int said_end(const char *words)
{
	dup2(stderr_before, STDERR_FILENO);
	close(stderr_before);
	rewind(file);
	text[fread(text, 1, sizeof text - 1, file)] = 0;
	fclose(file);
	int n = 0;
	for (const char *at = text; (at = strstr(at, words)); at++)
		n++;
	return n;
}

const char *said_text(void)
{
	return text;
}
