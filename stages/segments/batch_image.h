/* batch_image.h - a batch as bytes, and back: records, fields and where they came from, for whoever keeps batches on disk.
 *
 *   head | names: source, file, columns | runs {skip, count} | lengths | the records' bytes | fields, column by column
 *
 * Records that lie one delimiter apart are one run, copied at once. What lies between runs is not kept, but how much it is, so that
 * records stand where they stood in relation to each other and to their file (batch->place). A field that lies within its own record
 * is an offset and a length; another has its bytes with it. Columns are kept by name, as each topology numbers them
 * anew: those that nobody speaks of any more are passed over. Where members of a JSON object stand (FIELD_PLACES) is not kept.
 *
 * Reading trusts nothing: whatever the bytes are, the batch that comes of them is sound, or none comes.
 *
 * Threads: the owner's. Memory: the home's; of the file that records came from, one allocation when it is another than that of
 * the batch before. Layer: stages. */
#pragma once

#include "stages/env.h"
#include "stages/fields.h"

#include <stddef.h>
#include <stdint.h>

/* What records [first, first + count) of b will take at most. fields: of the topology; NULL: there are none. */
size_t batch_image_bound(const struct fields *fields, const struct batch *b, uint32_t first,
			 uint32_t count);

/* As many records from `first` on as an image has room for in so many bytes; 0: not even one fits. ret_bound: what they, or that
 * one, will take at most. */
uint32_t batch_image_fitting(const struct fields *fields, const struct batch *b, uint32_t first,
			     size_t most, size_t *ret_bound);

/* What any batch can take that has no fields outside of its records' bytes, and whose records lie within one buffer of that capacity;
 * names: the lengths of the source's id and the file's path. */
size_t batch_image_plain_max(const struct fields *fields, size_t capacity, size_t names);

/* Writes them there. How many bytes it came to. boot: env_boot(). */
size_t batch_image_write(const struct fields *fields, const struct batch *b, uint32_t first,
			 uint32_t count, uint64_t boot, uint8_t *out);

struct batch_image_reader {
	struct env *env;
	const struct fields *fields; /* NULL: there are none */
	const char
	    *source; /* an id that outlives the batches: of who read most of them; NULL: nobody's */
	struct file_origin *origin; /* of the batch before */
};

/* All of it outlives the reader. */
void batch_image_reader_init(struct batch_image_reader *r, struct env *env,
			     const struct fields *fields, const char *source);
void batch_image_reader_release(struct batch_image_reader *r);

/* A batch from h, whose buffers hold what lies between its first record and the end of its last one, and whose batches have a column
 * for each field. 0; -EAGAIN: h has not enough of them at the moment; -EMSGSIZE: it never will; -EBADMSG: this is no
 * image; -ENOMEM. */
int batch_image_read(struct batch_image_reader *r, struct home *h, const uint8_t *bytes,
		     size_t length, struct batch **ret_batch);
