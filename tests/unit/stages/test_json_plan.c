#include "stages/json/json_plan.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

static struct json_plan plan;

static void begin(void)
{
	cr_assert(json_plan_init(&plan, 3) == 0);
}

static void end(void)
{
	json_plan_release(&plan);
}

TestSuite(json_plan, .init = begin, .fini = end);

static struct json_name name(const char *text)
{
	return (struct json_name){(const uint8_t *)text, strlen(text)};
}

static uint32_t find(uint32_t node, const char *text)
{
	return json_plan_find(&plan.nodes[node], (const uint8_t *)text, strlen(text), strlen(text));
}

Test(json_plan, a_thousand_names_are_found_and_no_other)
{
	char text[32];
	for (uint16_t i = 0; i < 1000; i++) {
		snprintf(text, sizeof text, "upstream_%u", i); /* the first eight are the same */
		cr_assert(json_plan_want(&plan, &(struct json_name){(uint8_t *)text, strlen(text)},
					 1, i) == 0);
	}
	for (uint16_t i = 0; i < 1000; i++) {
		snprintf(text, sizeof text, "upstream_%u", i);
		cr_assert(plan.nodes[find(JSON_ROOT, text)].column == i);
	}
	cr_assert(plan.columns == 1000);
	cr_assert(find(JSON_ROOT, "upstream_1000") == 0 && find(JSON_ROOT, "upstream_") == 0);
}

Test(json_plan, a_path_can_be_wanted_together_with_what_is_in_it)
{
	struct json_name path[] = {name("user"), name("id")};
	cr_assert(json_plan_want(&plan, path, 2, 1) == 0);
	cr_assert(json_plan_want(&plan, path, 1, 0) == 0);
	uint32_t user = find(JSON_ROOT, "user");
	cr_assert(plan.nodes[user].column == 0 && plan.nodes[user].below_count == 1);
	cr_assert(plan.nodes[find(user, "id")].column == 1);
	cr_assert(find(JSON_ROOT, "id") == 0 && find(0, "user") == 0);
}

Test(json_plan, what_cannot_be_wanted_is_refused)
{
	static uint8_t bytes[JSON_NAME_MAX + 1];
	struct json_name path[4] = {name("a"), name("b"), name("c"), name("d")};
	struct json_name long_name = {bytes, sizeof bytes}, longest = {bytes, JSON_NAME_MAX};
	cr_assert(json_plan_want(&plan, path, 4, 0) == -EINVAL);
	cr_assert(json_plan_want(&plan, path, 0, 0) == -EINVAL);
	cr_assert(json_plan_want(&plan, &long_name, 1, 0) == -ENAMETOOLONG);
	cr_assert(json_plan_want(&plan, &longest, 1, 0) == 0);
	cr_assert(json_plan_want(&plan, path, 3, 1) == 0);
	cr_assert(json_plan_want(&plan, path, 3, 1) == 0); /* said twice */
	cr_assert(json_plan_want(&plan, path, 3, 2) == -EEXIST);
}

Test(json_plan, a_path_is_names_with_dots_between_them)
{
	static const char path[] = "user.id.and more";
	cr_assert(json_plan_want_path(&plan, path, strlen("user.id"), 0) == 0);
	cr_assert(plan.nodes[find(find(JSON_ROOT, "user"), "id")].column == 0);
	cr_assert(json_plan_want_path(&plan, "", 0, 1) == 0);
	cr_assert(plan.nodes[find(JSON_ROOT, "")].column == 1);
	cr_assert(json_plan_want_path(&plan, ".a", 2, 2) == 0);
	cr_assert(plan.nodes[find(find(JSON_ROOT, ""), "a")].column == 2);
	cr_assert(json_plan_want_path(&plan, "a.b.c.d", 7, 3) == -EINVAL);
	char dots[2 * JSON_DEPTH_MAX];
	memset(dots, '.', sizeof dots);
	cr_assert(json_plan_want_path(&plan, dots, sizeof dots, 3) == -EINVAL);
}
