#include "conf/option_value.h"

#include "conf/excerpt.h"
#include "conf/suggest.h"
#include "conf/units.h"
#include "conf/yaml_files.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct subject {
	const struct option *o;
	const struct node *n;
	struct arena *arena;
	struct problems *problems;
};

static struct excerpt quoted(const struct subject *s)
{
	return excerpt_of(s->n->bytes, s->n->length, s->n->secret);
}

static bool says(const struct node *n, const char *word)
{
	return n->length == strlen(word) && !memcmp(n->bytes, word, n->length);
}

/* Appends, cut at the room. */
static void append(char text[OPTION_WANT_ROOM], const char *more)
{
	size_t length = strlen(text);

	assert(length < OPTION_WANT_ROOM);
	snprintf(text + length, OPTION_WANT_ROOM - length, "%s", more);
}

static void append_word(char text[OPTION_WANT_ROOM], const char *joint, const char *word)
{
	append(text, joint);
	append(text, "`");
	append(text, word);
	append(text, "`");
}

static void want_choice(const struct option *o, char text[OPTION_WANT_ROOM])
{
	*text = 0;
	for (size_t i = 0; o->choices[i]; i++)
		append_word(text, !i ? "" : o->choices[i + 1] ? ", " : " or ", o->choices[i]);
}

void option_value_want(const struct option *o, char text[OPTION_WANT_ROOM])
{
	static const char *const wants[] = {
	    [OPTION_BOOL] = "true or false",
	    [OPTION_COUNT] = "a whole number",
	    [OPTION_SIZE] = "a size like 64KiB, 1MiB or 10MB",
	    [OPTION_DURATION] = "a time like 100ms, 5s or 1h30m",
	    [OPTION_RATE] = "a rate like 1000/s or 60/m",
	    [OPTION_TEXT] = "a text",
	    [OPTION_TEXTS] = "a text or a list of texts",
	    [OPTION_MAP] = "a map like {name: text}",
	    [OPTION_FILE] = "a file's path",
	    [OPTION_GROUP] = "a map",
	};

	if (o->type == OPTION_CHOICE) {
		want_choice(o, text);
		return;
	}
	snprintf(text, OPTION_WANT_ROOM, "%s", wants[o->type]);
	if (o->word)
		append_word(text, " or ", o->word);
}

void option_value_print(const struct option *o, uint64_t value, char text[OPTION_NUMBER_ROOM])
{
	_Static_assert((int)OPTION_NUMBER_ROOM >= (int)UNITS_TEXT_ROOM, "units print into it");

	if (o->type == OPTION_SIZE)
		units_print_size(text, value);
	else if (o->type == OPTION_DURATION)
		units_print_duration(text, value);
	else
		snprintf(text, OPTION_NUMBER_ROOM, "%" PRIu64 "%s", value,
			 o->type == OPTION_RATE ? "/s" : "");
}

/* "`name` is a map; write a size like 64KiB". */
static int refuse_shape(const struct subject *s)
{
	char want[OPTION_WANT_ROOM];

	option_value_want(s->o, want);
	if (s->n->null)
		problem_add(s->problems, s->n->at, "`%s` has no value; write %s", s->o->name, want);
	else
		problem_add(s->problems, s->n->at, "`%s` is %s; write %s", s->o->name,
			    node_kind_name(s->n), want);
	return -EINVAL;
}

static int refuse_value(const struct subject *s)
{
	char want[OPTION_WANT_ROOM];

	option_value_want(s->o, want);
	problem_add(s->problems, s->n->at, "`%s` is `%s`; write %s", s->o->name, quoted(s).text,
		    want);
	return -EINVAL;
}

static int refuse_quotes(const struct subject *s)
{
	problem_add(s->problems, s->n->at, "`%s` is the text `%s`; take the quotes off", s->o->name,
		    quoted(s).text);
	return -EINVAL;
}

static int refuse_bare(const struct subject *s)
{
	static const char *const units[] = {
	    [OPTION_SIZE] = "B, KB, KiB, MB, MiB, GB, GiB, TB or TiB",
	    [OPTION_DURATION] = "ns, us, ms, s, m, h or d",
	    [OPTION_RATE] = "/s, /m or /h",
	};

	problem_add(s->problems, s->n->at, "`%s` is %s without a unit; add %s", s->o->name,
		    quoted(s).text, units[s->o->type]);
	return -EINVAL;
}

static int set_bool(const struct subject *s, bool *field)
{
	bool yes = says(s->n, "true") || says(s->n, "True") || says(s->n, "TRUE");
	bool no = says(s->n, "false") || says(s->n, "False") || says(s->n, "FALSE");

	if (!yes && !no)
		return refuse_value(s);
	if (s->n->style != NODE_PLAIN)
		return refuse_quotes(s);
	*field = yes;
	return 0;
}

static int parse_number(const struct subject *s, uint64_t *ret_value)
{
	const struct node *n = s->n;

	switch (s->o->type) {
	case OPTION_SIZE:
		return units_size(n->bytes, n->length, ret_value);
	case OPTION_DURATION:
		return units_duration(n->bytes, n->length, ret_value);
	case OPTION_RATE:
		return units_rate(n->bytes, n->length, ret_value);
	default:
		return units_count(n->bytes, n->length, ret_value);
	}
}

static int refuse_number(const struct subject *s, int result)
{
	if (result == -EDOM)
		return refuse_bare(s);
	if (result == -EINVAL)
		return refuse_value(s);
	if (result == -ENOTSUP)
		problem_add(s->problems, s->n->at, "`%s` is %s, which is no whole number a second",
			    s->o->name, quoted(s).text);
	else
		problem_add(s->problems, s->n->at, "`%s` is `%s`, which is too large to count",
			    s->o->name, quoted(s).text);
	return -EINVAL;
}

static int check_range(const struct subject *s, uint64_t value)
{
	char limit[OPTION_NUMBER_ROOM];
	bool small = value < s->o->min;

	if (!small && (!s->o->max || value <= s->o->max))
		return 0;
	option_value_print(s->o, small ? s->o->min : s->o->max, limit);
	problem_add(s->problems, s->n->at, "`%s` is %s; write %s %s", s->o->name, quoted(s).text,
		    small ? "at least" : "at most", limit);
	return -EINVAL;
}

static int set_number(const struct subject *s, uint64_t *field)
{
	uint64_t value;
	int result;

	if (s->o->word && says(s->n, s->o->word)) {
		*field = 0;
		return 0;
	}
	result = parse_number(s, &value);
	if (result)
		return refuse_number(s, result);
	if (s->o->type == OPTION_COUNT && s->n->style != NODE_PLAIN)
		return refuse_quotes(s);
	result = check_range(s, value);
	if (!result)
		*field = value;
	return result;
}

static int set_choice(const struct subject *s, uint64_t *field)
{
	struct suggest suggest;

	suggest_init(&suggest, s->n->bytes, s->n->length);
	for (size_t i = 0; s->o->choices[i]; i++) {
		if (says(s->n, s->o->choices[i])) {
			*field = i;
			return 0;
		}
		suggest_consider(&suggest, s->o->choices[i]);
	}
	if (!suggest.best)
		return refuse_value(s);
	problem_add(s->problems, s->n->at, "`%s` is `%s`; did you mean `%s`?", s->o->name,
		    quoted(s).text, suggest.best);
	return -EINVAL;
}

static int set_text(const struct subject *s, struct text *field)
{
	const struct node *n = s->n;
	bool small = n->length < s->o->min;

	if (small || (s->o->max && n->length > s->o->max)) {
		problem_add(s->problems, n->at, "`%s` is %zu bytes long; %s %" PRIu64, s->o->name,
			    n->length, small ? "at least" : "at most",
			    small ? s->o->min : s->o->max);
		return -EINVAL;
	}
	*field = (struct text){.bytes = n->bytes,
			       .length = n->length,
			       .at = n->at,
			       .secret = n->secret,
			       .lead = n->lead};
	return 0;
}

/* Column 1: where the lines are indented is not known. */
static struct place line_place(const struct text *t, size_t offset)
{
	struct place at = {t->at.file, t->at.line + 1, 1};
	for (size_t i = 0; i < offset && i < t->length; i++)
		at.line += t->bytes[i] == '\n';
	return at;
}

struct place text_place(const struct text *t, size_t offset)
{
	struct place at = t->at;
	if (t->lead == TEXT_LINES && !t->secret && at.column > 0)
		return line_place(t, offset);
	if (t->lead < 0 || t->secret || at.column == 0)
		return at;
	at.column += (unsigned)t->lead;
	for (size_t i = 0; i < offset && i < t->length; i++)
		at.column += (t->bytes[i] & 0xC0) != 0x80;
	return at;
}

static int tell_unreadable(const struct subject *s, int error)
{
	if (error == -EFBIG)
		problem_add(s->problems, s->n->at, "`%s`: `%s` has more than %d bytes", s->o->name,
			    quoted(s).text, TEXT_FILE_BYTES_MAX);
	else
		problem_add(s->problems, s->n->at, "`%s`: can't read `%s`: %s", s->o->name,
			    quoted(s).text, strerror(-error));
	return -EINVAL;
}

static int set_file(const struct subject *s, struct file_of_text *field)
{
	char *bytes = NULL;
	size_t length = 0;
	int r = set_text(s, &field->path);
	if (r)
		return r;
	if (memchr(field->path.bytes, 0, field->path.length))
		return refuse_value(s);
	r = yaml_file_read(s->arena, field->path.bytes, TEXT_FILE_BYTES_MAX, &bytes, &length);
	if (r)
		return r == -ENOMEM ? r : tell_unreadable(s, r);
	field->content = (struct text){
	    .bytes = bytes,
	    .length = length,
	    /* its first line is the one behind line 0 */
	    .at = {.file = text_shown(&field->path, field->path.bytes), .line = 0, .column = 1},
	    .lead = TEXT_LINES,
	};
	return 0;
}

/* An item of a list of texts. */
static int set_item(const struct subject *s, struct text *field)
{
	if (s->n->broken)
		return -EINVAL;
	if (s->n->kind != NODE_SCALAR || s->n->null) {
		problem_add(s->problems, s->n->at, "an item of `%s` is %s; write a text",
			    s->o->name, s->n->null ? "empty" : node_kind_name(s->n));
		return -EINVAL;
	}
	return set_text(s, field);
}

static int set_texts(const struct subject *s, struct text_list *field)
{
	size_t count = s->n->kind == NODE_LIST ? s->n->count : 1, good = 0;
	struct text *items = arena_take(s->arena, count * sizeof(*items));
	int result = 0;

	if (!items)
		return -ENOMEM;
	if (s->n->typed_list)
		problem_warn(s->problems, s->n->at,
			     "`%s` is taken as one text, as it stands; a list is given with `:=` "
			     "in the place of `=`",
			     quoted(s).text);
	if (!count && s->o->required && !s->o->may_be_empty) {
		problem_add(s->problems, s->n->at, "`%s` is empty; write at least one", s->o->name);
		return -EINVAL;
	}
	for (size_t i = 0; i < count; i++) {
		struct subject item = *s;
		int r;
		if (s->n->kind == NODE_LIST)
			item.n = s->n->items[i];
		r = set_item(&item, &items[good]);
		good += !r;
		result = result_worse(r, result);
	}
	*field = (struct text_list){items, good, s->n->kind != NODE_LIST};
	return result;
}

/* What is told of it is told of `fields.name`. */
static int set_pair(const struct subject *s, const struct node_pair *pair, struct text_pair *field)
{
	const struct node *key = pair->key, *value = node_as_text(pair->value);
	struct excerpt name = excerpt_of(key->bytes, key->length, key->secret);
	struct option named = *s->o;
	struct subject item = {&named, value, s->arena, s->problems};

	if (value->broken)
		return -EINVAL;
	named.type = OPTION_TEXT;
	named.name = arena_format(s->arena, "%s.%s", s->o->name, name.text);
	if (!named.name)
		return -ENOMEM;
	if (value->null || value->kind != NODE_SCALAR)
		return refuse_shape(&item);
	field->name = (struct text){
	    .bytes = key->bytes, .length = key->length, .at = key->at, .lead = key->lead};
	return set_text(&item, &field->value);
}

static int set_map(const struct subject *s, struct text_map *field)
{
	struct text_pair *items = arena_take(s->arena, s->n->count * sizeof(*items));
	size_t good = 0;
	int result = 0;

	if (!items)
		return -ENOMEM;
	if (!s->n->count && s->o->required && !s->o->may_be_empty) {
		problem_add(s->problems, s->n->at, "`%s` is empty; write at least one `name: text`",
			    s->o->name);
		return -EINVAL;
	}
	for (size_t i = 0; i < s->n->count && result != -ENOMEM; i++) {
		int r = set_pair(s, &s->n->pairs[i], &items[good]);
		good += !r;
		result = result_worse(r, result);
	}
	*field = (struct text_map){items, good};
	return result;
}

static bool has_its_shape(const struct option *o, const struct node *n)
{
	if (o->type == OPTION_MAP)
		return n->kind == NODE_MAP;
	return (n->kind == NODE_SCALAR && !n->null) ||
	       (n->kind == NODE_LIST && o->type == OPTION_TEXTS);
}

int option_value_set(const struct option *o, const struct node *n, void *field, struct arena *arena,
		     struct problems *problems)
{
	bool text = o->type == OPTION_TEXT || o->type == OPTION_TEXTS || o->type == OPTION_FILE;
	struct subject s = {o, text ? node_as_text(n) : n, arena, problems};

	assert(o->type != OPTION_GROUP);
	n = s.n;
	if (n->broken)
		return -EINVAL;
	if (!has_its_shape(o, n))
		return refuse_shape(&s);
	switch (o->type) {
	case OPTION_BOOL:
		return set_bool(&s, field);
	case OPTION_CHOICE:
		return set_choice(&s, field);
	case OPTION_TEXT:
		return set_text(&s, field);
	case OPTION_TEXTS:
		return set_texts(&s, field);
	case OPTION_FILE:
		return set_file(&s, field);
	case OPTION_MAP:
		return set_map(&s, field);
	default:
		break;
	}
	return set_number(&s, field);
}
