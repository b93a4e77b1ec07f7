/* cel_lexer.h - the text of an expression as tokens.
 *
 *   path.startsWith("/api")   NAME . NAME ( STRING ) END
 *
 * Threads: one. Memory: none; tokens point into the text. Layer: stages. */
#pragma once

#include "stages/cel/cel.h"

enum cel_token_kind {
	CEL_END,
	CEL_NAME,   /* also what is reserved, true, false, null and in */
	CEL_QUOTED, /* `a-b`, behind a dot; the token is what stands between the quotes */
	CEL_INT_TEXT,
	CEL_UINT_TEXT,
	CEL_DOUBLE_TEXT,
	CEL_STRING_TEXT, /* with prefix and quotes */
	CEL_BYTES_TEXT,
	CEL_SIGN, /* an operator or bracket */
};

struct cel_token {
	enum cel_token_kind kind;
	const char *bytes;
	size_t length;
	size_t offset; /* into the text; of CEL_QUOTED the quote's */
};

struct cel_lexer {
	const char *text;
	size_t length, at;
	struct cel_error *error;
};

/* The next token. 0, or -EINVAL with the error filled in. */
int cel_lexer_next(struct cel_lexer *l, struct cel_token *ret_token);

bool cel_token_is(const struct cel_token *t, enum cel_token_kind kind, const char *text);
