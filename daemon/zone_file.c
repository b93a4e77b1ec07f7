#include "daemon/zone_file.h"
#include "stages/stage.h"
#include "stages/time/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char folder[] = "/usr/share/zoneinfo";

static bool leads_down(const char *name)
{
	for (;;) {
		size_t length = strcspn(name, "/");
		if (length == 0 ||
		    (name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'))))
			return false;
		if (name[length] == '\0')
			return true;
		name += length + 1;
	}
}

static int open_beneath(const char *name)
{
	int fd, directory = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	fd = openat(directory, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	fd = fd < 0 ? -errno : fd;
	close(directory);
	return fd;
}

static int open_zone(const char *name)
{
	if (!leads_down(name))
		return -EINVAL;
	if (strcmp(name, "local") != 0)
		return open_beneath(name);
	int fd = open("/etc/localtime", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* A directory, Europe, is no zone. */
static int check_kind(int fd, size_t room)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOENT;
	return st.st_size > (off_t)room ? -EFBIG : 0;
}

static int read_whole(int fd, uint8_t *bytes, size_t room, size_t *ret_length)
{
	size_t length = 0;
	while (length < room) {
		ssize_t n = read(fd, bytes + length, room - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += (size_t)n;
	}
	*ret_length = length;
	return 0;
}

int zone_file_read(struct env *e, const char *name, uint8_t *bytes, size_t room, size_t *ret_length)
{
	(void)e;
	int fd = open_zone(name);
	if (fd < 0)
		return fd == -ENOTDIR || fd == -ENAMETOOLONG ? -ENOENT : fd;
	int r = check_kind(fd, room);
	if (r == 0)
		r = read_whole(fd, bytes, room, ret_length);
	close(fd);
	return r;
}

/* ---- the zones of a topology ---- */

static void tell(const struct text *zone, int error, struct problems *problems)
{
	const char *shown = text_shown(zone, zone->bytes);
	if (error == -ENOENT && access(folder, X_OK) < 0)
		problem_add(problems, zone->at,
			    "time zone `%s` is not known, as there is no %s on this machine "
			    "(package tzdata); UTC and offsets such as +02:00 need none",
			    shown, folder);
	else if (error == -ENOENT)
		problem_add(problems, zone->at,
			    "no time zone `%s` in %s; there are UTC, local, offsets such as "
			    "+02:00, and names such as Europe/Berlin",
			    shown, folder);
	else if (error == -EINVAL)
		problem_add(problems, zone->at,
			    "`%s` is no time zone; UTC, local, an offset such as +02:00, or a name "
			    "such as Europe/Berlin",
			    shown);
	else
		problem_add(problems, zone->at, "time zone `%s` cannot be read: %s", shown,
			    strerror(-error));
}

static int check_zone(const struct text *zone, struct problems *problems)
{
	static const struct env_ops ops = {.read_zone = zone_file_read};
	struct env env = {.ops = &ops};
	struct zone z;
	int r = zone_open(&z, &env, zone->bytes, zone->length);
	zone_release(&z);
	if (r == 0 || r == -ENOMEM)
		return r;
	tell(zone, r, problems);
	return -EINVAL;
}

int zone_files_check(const struct topology *t, struct problems *problems)
{
	int r = 0;
	for (size_t i = 0; i < t->stage_count && r != -ENOMEM; i++) {
		const struct topology_stage *s = &t->stages[i];
		const struct stage_type *type = (const struct stage_type *)(const void *)s->schema;
		const struct text *zone = type->zone ? type->zone(s->options) : NULL;
		if (zone && zone->bytes)
			r = result_worse(check_zone(zone, problems), r);
	}
	return r;
}
