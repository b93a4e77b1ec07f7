#include "stages/dead_letter.h"

#include <string.h>

static void write_field(const struct stage *s, struct batch *b, uint32_t record,
			enum field_known known, struct value value)
{
	int column = fields_find_known(s->fields, known);
	bool wanted = column >= 0 && (s->needs_all || column_set_has(s->needed, (unsigned)column));
	if (wanted)
		batch_column(b, (unsigned)column)[b->rows[record]] = value;
}

static struct value text(const char *t)
{
	return (struct value){
	    .bytes = (const uint8_t *)t, .length = (uint32_t)strlen(t), .type = VALUE_STRING};
}

void dead_letter_address_one(const struct stage *s, struct batch *b, uint32_t record,
			     const char *reason, uint64_t attempts)
{
	write_field(s, b, record, FIELD_DEAD_REASON, text(reason));
	write_field(s, b, record, FIELD_DEAD_STAGE, text(s->id));
	write_field(s, b, record, FIELD_DEAD_ATTEMPTS,
		    (struct value){.u = attempts, .type = VALUE_UINT});
}

void dead_letter_address(const struct stage *s, struct batch *b, const char *reason,
			 uint64_t attempts)
{
	batch_give_rows(b);
	for (uint32_t i = 0; i < b->count; i++)
		dead_letter_address_one(s, b, i, reason, attempts);
}
