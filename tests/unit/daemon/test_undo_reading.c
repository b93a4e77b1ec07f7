/* Journals are read by the same code whoever carries its operations out; here one that does as the system does, and counts, or has
 * one of them fail. */
#include "daemon/undo_reading.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { COMMITTED = 6, LONG_PATH = 3000, MANY = 20 };

static char directory_path[] = "/tmp/sluice-undo-XXXXXX";

/* Has its operation number `failing` (from 0) fail with `error`. */
struct counting {
	struct performer performer;
	int done, failing, error;
	int open; /* descriptors */
};

static int64_t count_and_perform(void *who, struct io_op op)
{
	struct counting *c = who;
	if (c->done++ == c->failing)
		return c->error;
	int64_t r = performer_do(&performer_on_the_spot, op);
	c->open += op.code == IO_OPEN && r >= 0;
	return r;
}

static void count_and_close(void *who, int fd)
{
	((struct counting *)who)->open--;
	performer_close(&performer_on_the_spot, fd);
}

static struct counting counting_until(int failing, int error)
{
	return (struct counting){
	    .performer = {.perform = count_and_perform, .close = count_and_close},
	    .failing = failing,
	    .error = error};
}

static struct undo_place place_of(struct counting *c)
{
	c->performer.who = c;
	return (struct undo_place){.performer = &c->performer,
				   .directory = open(directory_path, O_DIRECTORY | O_CLOEXEC)};
}

static void write_bytes(const char *name, const void *bytes, size_t length)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", directory_path, name);
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	cr_assert_eq(write(fd, bytes, length), (ssize_t)length);
	close(fd);
}

/* So many entries, of paths so long that they take several reads. */
static void write_journal(const char *name, uint64_t epoch, size_t count)
{
	struct packer p = {.bytes = NULL};
	char path[LONG_PATH + 1];
	memset(path, 'x', LONG_PATH);
	path[LONG_PATH] = '\0';
	for (size_t i = 0; i < count; i++)
		undo_entry_pack(&p, &(struct undo_entry){.kind = UNDO_APPENDED,
							 .epoch = epoch,
							 .path = path,
							 .to = "",
							 .inode = 1 + i,
							 .length = 7});
	write_bytes(name, p.bytes, p.length);
	packer_release(&p);
}

static void make_directory(void)
{
	cr_assert(mkdtemp(directory_path));
}

static void remove_directory(void)
{
	static const char *const names[] = {"undo-out.0", "undo-out.1", "undo-empty.0", "epochs",
					    "undo-other.1"};
	char path[PATH_MAX];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", directory_path, names[i]);
		unlink(path);
	}
	rmdir(directory_path);
}

TestSuite(undo_reading, .init = make_directory, .fini = remove_directory);

Test(undo_reading, a_journal_of_several_reads_comes_whole_and_in_order)
{
	struct counting c = counting_until(-1, 0);
	struct undo_place place = place_of(&c);
	struct undo_reading r;
	write_journal("undo-out.0", COMMITTED + 2, MANY);
	write_journal("undo-out.1", COMMITTED + 1, MANY);
	cr_assert_eq(undo_reading_read(&r, &place, "out", COMMITTED, UINT64_MAX), 0);
	cr_assert_eq(r.acts.count, 2 * MANY);
	for (size_t i = 0; i < 2 * MANY; i++) {
		cr_assert_eq(r.acts.entries[i].epoch, COMMITTED + 1 + i / MANY);
		cr_assert_eq(r.acts.entries[i].inode, 1 + i % MANY);
		cr_assert_eq(strlen(r.acts.entries[i].path), LONG_PATH);
	}
	cr_assert_eq(c.open, 0);
	undo_reading_release(&r);
	close(place.directory);
}

Test(undo_reading, where_there_is_no_journal_there_is_nothing_to_undo)
{
	struct undo_place place = {.performer = &performer_on_the_spot,
				   .directory = open(directory_path, O_DIRECTORY | O_CLOEXEC)};
	struct undo_reading r;
	cr_assert_eq(undo_reading_read(&r, &place, "out", COMMITTED, UINT64_MAX), 0);
	cr_assert_eq(r.acts.count, 0);
	undo_reading_release(&r);
	close(place.directory);
}

Test(undo_reading, whatever_fails_is_told_and_no_descriptor_stays_open)
{
	struct counting all = counting_until(-1, 0);
	struct undo_place place = place_of(&all);
	struct undo_reading r;
	write_journal("undo-out.0", COMMITTED + 2, MANY);
	write_journal("undo-out.1", COMMITTED + 1, MANY);
	cr_assert_eq(undo_reading_read(&r, &place, "out", COMMITTED, UINT64_MAX), 0);
	undo_reading_release(&r);
	close(place.directory);
	for (int i = 0; i < all.done; i++) {
		struct counting c = counting_until(i, i % 2 ? -EIO : -EINTR);
		place = place_of(&c);
		int result = undo_reading_read(&r, &place, "out", COMMITTED, UINT64_MAX);
		cr_assert_eq(result, c.error);
		cr_assert_eq(c.open, 0, "operation %d failed", i);
		undo_reading_release(&r);
		close(place.directory);
	}
}

static const struct remembered_output *find(const struct remembered *r, const char *id)
{
	const struct remembered_output *o = r->first;
	while (o && strcmp(o->id, id) != 0)
		o = o->next;
	return o;
}

static int list(struct remembered *r, struct counting *c)
{
	static const struct topology none;
	static struct epoch_map map;
	struct undo_place place = place_of(c);
	cr_assert_eq(epoch_map_init(&map), 0);
	cr_assert_eq(remembered_collect(r, &none, &map), 0);
	int result = undo_reading_list(r, &place);
	epoch_map_release(&map);
	close(place.directory);
	return result;
}

Test(undo_reading, the_list_has_each_sink_with_something_in_its_journal_once)
{
	struct counting c = counting_until(-1, 0);
	struct remembered r;
	write_journal("undo-out.0", COMMITTED + 2, 1);
	write_journal("undo-out.1", COMMITTED + 1, 1);
	write_journal("undo-other.1", COMMITTED + 1, 1);
	write_bytes("undo-empty.0", "", 0);
	write_bytes("epochs", "x", 1);
	cr_assert_eq(list(&r, &c), 0);
	cr_assert_eq(r.count, 2);
	cr_assert(find(&r, "out") && find(&r, "out")->has_journal);
	cr_assert(find(&r, "other") && find(&r, "other")->has_journal);
	remembered_release(&r);
}

Test(undo_reading,
     a_list_that_is_broken_off_says_so_and_a_file_that_cannot_be_looked_at_is_left_out)
{
	struct remembered r;
	write_journal("undo-out.0", COMMITTED + 2, 1);
	struct counting unlisted = counting_until(0, -EIO);
	cr_assert_eq(list(&r, &unlisted), -EIO);
	remembered_release(&r);
	struct counting broken_off = counting_until(1, -EINTR);
	cr_assert_eq(list(&r, &broken_off), -EINTR);
	remembered_release(&r);
	struct counting unseen = counting_until(1, -EIO);
	cr_assert_eq(list(&r, &unseen), 0);
	cr_assert_eq(r.count, 0);
	remembered_release(&r);
}
