/* A journal that nobody reads any more is not forgotten in silence. */
#include "daemon/stray_journals.h"
#include "stages/journal.h"
#include "tests/unit/daemon/fake_stages.h"
#include "tests/unit/daemon/said.h"
#include "tests/unit/stages/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char yaml[] = "name: t\nsources: {in: {type: wire, count: 1, journal: {}}}\n"
			   "sinks: {out: {type: nothing, inputs: [in]}}\n";

enum { BASE = 0x100, LENGTH = 1000 };

static char root[64];
static struct epoch_map map;

static void set_up(void)
{
	snprintf(root, sizeof root, "/tmp/sluice-stray-XXXXXX");
	cr_assert_not_null(mkdtemp(root));
	cr_assert_eq(epoch_map_init(&map), 0);
}

static void path_of(const char *journal, const char *file, char out[256])
{
	snprintf(out, 256, "%s/%s%s%s", root, journal, *file ? "/" : "", file);
}

static void tear_down(void)
{
	epoch_map_release(&map);
	scratch_remove(root);
}

TestSuite(stray_journals, .init = set_up, .fini = tear_down);

static void make_journal(const char *type, const char *stage)
{
	char name[128], path[256];
	cr_assert_eq(journal_name(type, stage, name, sizeof name), 0);
	path_of(name, "", path);
	cr_assert_eq(mkdir(path, 0700), 0);
	path_of(name, "0000000000000100.segment", path);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, LENGTH), 0);
	close(fd);
}

static void remember(const char *stage, uint64_t position)
{
	struct delta d = {.count = 0};
	struct packer p = {.length = 0};
	packer_varint(&p, position);
	packer_varint(&p, BASE + LENGTH);
	packer_u64(&p, 1);
	cr_assert_eq(delta_put(&d, "journal", 7, p.bytes, p.length), 0);
	cr_assert_eq(epoch_map_prepare(&map, stage, strlen(stage), delta_changes(&d)), 0);
	epoch_map_apply(&map);
	packer_release(&p);
	delta_release(&d);
}

static int warned(const char *words)
{
	struct topology t;
	int fd = open(root, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	fake_read(&t, yaml);
	said_begin();
	int r = stray_journals_warn(&t, &map, fd, root);
	int n = said_end(words);
	cr_assert_eq(r, 0);
	close(fd);
	topology_release(&t);
	return n;
}

Test(stray_journals, journal_of_a_source_that_is_there_is_not_told)
{
	make_journal("wire", "in");
	cr_assert_eq(warned("journal"), 0);
}

Test(stray_journals, records_of_a_source_that_is_gone_are_told_with_their_bytes)
{
	make_journal("wire", "gone");
	remember("wire:gone", BASE + 400);
	cr_assert_eq(warned("records wait in the journal of a source that is no more"), 1);
	cr_assert_not_null(strstr(said_text(), "source=gone type=wire"), "%s", said_text());
	cr_assert_not_null(strstr(said_text(), "bytes=600"), "%s", said_text());
}

Test(stray_journals, source_of_another_type_is_another_source)
{
	make_journal("tcp", "in");
	cr_assert_eq(warned("records wait in the journal of a source that is no more"), 1);
	cr_assert_not_null(strstr(said_text(), "bytes=1000"), "%s", said_text());
}

/* How far it was read nobody knows: so all of it may wait. */
Test(stray_journals, one_of_which_nothing_can_be_understood_is_told_with_all_its_bytes)
{
	make_journal("wire", "gone");
	remember("wire:gone", BASE + LENGTH + 1);
	cr_assert_eq(warned("records wait in the journal of a source that is no more"), 1);
	cr_assert_not_null(strstr(said_text(), "bytes=1000"), "%s", said_text());
}

Test(stray_journals, one_with_nothing_left_in_it_can_be_deleted)
{
	make_journal("wire", "gone");
	remember("wire:gone", BASE + LENGTH);
	cr_assert_eq(warned("records wait"), 0);
	cr_assert_eq(warned("journal of a source that is no more can be deleted"), 1);
}
