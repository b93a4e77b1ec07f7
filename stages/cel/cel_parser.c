#include "stages/cel/cel_parser.h"

#include "conf/excerpt.h"
#include "stages/cel/cel_lexer.h"
#include "stages/cel/cel_literal.h"
#include "stages/cel/cel_refuse.h"

#include <errno.h>
#include <string.h>

struct parser {
	struct cel_lexer lexer;
	struct cel_token token; /* the one that is looked at */
	struct arena *arena;
	struct cel_error *error;
	unsigned depth;
	int result; /* of the first thing that failed */
};

static struct cel_node *parse_expression(struct parser *p);

static void *failed(struct parser *p, int result)
{
	if (p->result == 0)
		p->result = result;
	return NULL;
}

static bool advance(struct parser *p)
{
	int r = cel_lexer_next(&p->lexer, &p->token);
	if (r < 0)
		failed(p, r);
	return r == 0;
}

static bool at_sign(const struct parser *p, const char *sign)
{
	return cel_token_is(&p->token, CEL_SIGN, sign);
}

static void *expected(struct parser *p, const char *what)
{
	if (p->token.kind == CEL_END)
		return failed(p, cel_refuse(p->error, p->token.offset,
					    "expected %s, not the end of the expression", what));
	return failed(p, cel_refuse(p->error, p->token.offset, "expected %s, not `%s`", what,
				    excerpt_of(p->token.bytes, p->token.length, false).text));
}

static bool take_sign(struct parser *p, const char *sign, const char *what)
{
	if (at_sign(p, sign))
		return advance(p);
	expected(p, what);
	return false;
}

static struct cel_node *new_node(struct parser *p, enum cel_op op, size_t offset)
{
	struct cel_node *n = arena_take(p->arena, sizeof *n);
	if (!n)
		return failed(p, -ENOMEM);
	n->op = (uint8_t)op;
	n->type = CEL_DYN;
	n->depth = 1;
	n->offset = (uint32_t)offset;
	return n;
}

/* NULL when child is, or the tree would be too deep. */
static struct cel_node *add_child(struct parser *p, struct cel_node *n, struct cel_node *child)
{
	if (!n || !child)
		return NULL;
	if (child->depth >= CEL_DEPTH_MAX)
		return failed(p, cel_refuse(p->error, n->offset,
					    "expression nested more than %d deep", CEL_DEPTH_MAX));
	if (n->depth <= child->depth)
		n->depth = (uint16_t)(child->depth + 1);
	if (n->last)
		n->last->next = child;
	else
		n->first = child;
	n->last = child;
	n->count++;
	return n;
}

static struct cel_node *named(struct cel_node *n, const struct cel_token *t)
{
	if (n) {
		n->name = t->bytes;
		n->name_length = (uint32_t)t->length;
	}
	return n;
}

/* ---- primary ---- */

static bool is_reserved(const struct cel_token *t)
{
	static const char *const words[] = {
	    "as",  "break", "const",   "continue",  "else",   "for", "function", "if",    "import",
	    "let", "loop",  "package", "namespace", "return", "var", "void",     "while", "in"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (cel_token_is(t, CEL_NAME, words[i]))
			return true;
	return false;
}

/* Elements up to `closing`, which is taken. A comma may stand before it where trailing says so. */
static struct cel_node *parse_list(struct parser *p, struct cel_node *n, const char *closing,
				   bool trailing)
{
	while (n && !at_sign(p, closing)) {
		n = add_child(p, n, parse_expression(p));
		if (!n)
			return NULL;
		if (!at_sign(p, ","))
			break;
		if (!advance(p))
			return NULL;
		if (at_sign(p, closing) && !trailing)
			return expected(p, "an argument");
	}
	char what[] = "`,` or `?`";
	what[sizeof what - 3] = closing[0];
	return n && take_sign(p, closing, what) ? n : NULL;
}

static struct cel_node *parse_map(struct parser *p, struct cel_node *n)
{
	while (n && !at_sign(p, "}")) {
		n = add_child(p, n, parse_expression(p));
		if (!n || !take_sign(p, ":", "`:`"))
			return NULL;
		n = add_child(p, n, parse_expression(p));
		if (!n)
			return NULL;
		if (n->count / 2 > CEL_PAIRS_MAX)
			return failed(p, cel_refuse(p->error, n->offset,
						    "map of more than %d pairs", CEL_PAIRS_MAX));
		if (!at_sign(p, ","))
			break;
		if (!advance(p))
			return NULL;
	}
	return n && take_sign(p, "}", "`,` or `}`") ? n : NULL;
}

static struct cel_node *parse_constant(struct parser *p, bool negative)
{
	struct cel_node *n = new_node(p, CEL_CONSTANT, p->token.offset);
	if (!n)
		return NULL;
	int r = cel_literal(&p->token, negative, p->arena, p->error, &n->constant);
	if (r < 0)
		return failed(p, r);
	n->type = n->constant.type;
	return advance(p) ? n : NULL;
}

static struct cel_node *parse_word(struct parser *p, struct value is)
{
	struct cel_node *n = new_node(p, CEL_CONSTANT, p->token.offset);
	if (!n)
		return NULL;
	n->constant = is;
	n->type = is.type;
	return advance(p) ? n : NULL;
}

static struct cel_node *parse_name(struct parser *p)
{
	struct cel_token name = p->token;
	if (cel_token_is(&name, CEL_NAME, "true") || cel_token_is(&name, CEL_NAME, "false"))
		return parse_word(p, (struct value){.b = name.length == 4, .type = VALUE_BOOL});
	if (cel_token_is(&name, CEL_NAME, "null"))
		return parse_word(p, (struct value){.type = VALUE_NULL});
	if (is_reserved(&name))
		return failed(p, cel_refuse(p->error, name.offset, "`%.*s` is a reserved word",
					    (int)name.length, name.bytes));
	if (!advance(p))
		return NULL;
	if (!at_sign(p, "("))
		return named(new_node(p, CEL_IDENT, name.offset), &name);
	if (!advance(p))
		return NULL;
	return parse_list(p, named(new_node(p, CEL_CALL, name.offset), &name), ")", false);
}

static struct cel_node *parse_sign(struct parser *p)
{
	size_t offset = p->token.offset;
	if (at_sign(p, "(")) {
		if (!advance(p))
			return NULL;
		struct cel_node *inner = parse_expression(p);
		return inner && take_sign(p, ")", "`)`") ? inner : NULL;
	}
	if (at_sign(p, "["))
		return advance(p) ? parse_list(p, new_node(p, CEL_LIST, offset), "]", true) : NULL;
	if (at_sign(p, "{"))
		return advance(p) ? parse_map(p, new_node(p, CEL_MAP, offset)) : NULL;
	if (!at_sign(p, "."))
		return expected(p, "a value, a name or `(`");
	if (!advance(p))
		return NULL;
	return p->token.kind == CEL_NAME ? parse_name(p) : expected(p, "a name");
}

static struct cel_node *parse_primary(struct parser *p)
{
	switch (p->token.kind) {
	case CEL_NAME:
		return parse_name(p);
	case CEL_INT_TEXT:
	case CEL_UINT_TEXT:
	case CEL_DOUBLE_TEXT:
	case CEL_STRING_TEXT:
	case CEL_BYTES_TEXT:
		return parse_constant(p, false);
	case CEL_SIGN:
		return parse_sign(p);
	default:
		return expected(p, "a value, a name or `(`");
	}
}

/* ---- member ---- */

static bool is_keyword(const struct cel_token *t)
{
	return cel_token_is(t, CEL_NAME, "true") || cel_token_is(t, CEL_NAME, "false") ||
	       cel_token_is(t, CEL_NAME, "null") || cel_token_is(t, CEL_NAME, "in");
}

/* Behind the dot. */
static struct cel_node *parse_selection(struct parser *p, struct cel_node *of)
{
	struct cel_token name = p->token;
	if ((name.kind != CEL_NAME && name.kind != CEL_QUOTED) || is_keyword(&name))
		return expected(p, "a name");
	if (!advance(p))
		return NULL;
	bool call = name.kind == CEL_NAME && at_sign(p, "(");
	struct cel_node *n = new_node(p, call ? CEL_METHOD : CEL_SELECT, name.offset);
	n = add_child(p, named(n, &name), of);
	if (!call)
		return n;
	return advance(p) ? parse_list(p, n, ")", false) : NULL;
}

static struct cel_node *parse_index(struct parser *p, struct cel_node *of)
{
	struct cel_node *n = add_child(p, new_node(p, CEL_INDEX, p->token.offset), of);
	if (!n || !advance(p))
		return NULL;
	n = add_child(p, n, parse_expression(p));
	return n && take_sign(p, "]", "`]`") ? n : NULL;
}

static struct cel_node *parse_member(struct parser *p)
{
	struct cel_node *n = parse_primary(p);
	while (n) {
		if (at_sign(p, "."))
			n = advance(p) ? parse_selection(p, n) : NULL;
		else if (at_sign(p, "["))
			n = parse_index(p, n);
		else if (at_sign(p, "{") && (n->op == CEL_IDENT || n->op == CEL_SELECT))
			return failed(p, cel_refuse(p->error, p->token.offset,
						    "messages (`Type{...}`) are not supported"));
		else
			return n;
	}
	return NULL;
}

/* ---- operators ---- */

static bool is_number(const struct cel_token *t)
{
	return t->kind == CEL_INT_TEXT || t->kind == CEL_UINT_TEXT || t->kind == CEL_DOUBLE_TEXT;
}

static struct cel_node *parse_operand(struct parser *p, const char *sign, enum cel_op op);

/* Behind the sign: the operand, in a node for the sign. */
static struct cel_node *parse_signed(struct parser *p, const char *sign, enum cel_op op)
{
	size_t offset = p->token.offset;
	if (!advance(p))
		return NULL;
	/* The smallest int is written with its sign. */
	if (op == CEL_NEGATE && is_number(&p->token))
		return parse_constant(p, true);
	if (p->depth >= CEL_DEPTH_MAX)
		return failed(p, cel_refuse(p->error, offset, "expression nested more than %d deep",
					    CEL_DEPTH_MAX));
	p->depth++;
	struct cel_node *operand = parse_operand(p, sign, op);
	p->depth--;
	return add_child(p, new_node(p, op, offset), operand);
}

/* One sign may be repeated; two different ones need parentheses. */
static struct cel_node *parse_operand(struct parser *p, const char *sign, enum cel_op op)
{
	return at_sign(p, sign) ? parse_signed(p, sign, op) : parse_member(p);
}

static struct cel_node *parse_unary(struct parser *p)
{
	if (at_sign(p, "!"))
		return parse_signed(p, "!", CEL_NOT);
	return parse_operand(p, "-", CEL_NEGATE);
}

enum level { LEVEL_OR, LEVEL_AND, LEVEL_RELATION, LEVEL_SUM, LEVEL_PRODUCT, LEVEL_UNARY };

struct infix {
	const char *sign;
	enum level level;
	enum cel_op op;
};

static const struct infix *infix_at(const struct cel_token *t)
{
	static const struct infix infixes[] = {
	    {"||", LEVEL_OR, CEL_OR},           {"&&", LEVEL_AND, CEL_AND},
	    {"<", LEVEL_RELATION, CEL_LESS},    {"<=", LEVEL_RELATION, CEL_LESS_EQUAL},
	    {">", LEVEL_RELATION, CEL_GREATER}, {">=", LEVEL_RELATION, CEL_GREATER_EQUAL},
	    {"==", LEVEL_RELATION, CEL_EQUAL},  {"!=", LEVEL_RELATION, CEL_NOT_EQUAL},
	    {"in", LEVEL_RELATION, CEL_IN},     {"+", LEVEL_SUM, CEL_ADD},
	    {"-", LEVEL_SUM, CEL_SUBTRACT},     {"*", LEVEL_PRODUCT, CEL_MULTIPLY},
	    {"/", LEVEL_PRODUCT, CEL_DIVIDE},   {"%", LEVEL_PRODUCT, CEL_MODULO},
	};
	for (size_t i = 0; i < sizeof infixes / sizeof *infixes; i++)
		if (cel_token_is(t, infixes[i].op == CEL_IN ? CEL_NAME : CEL_SIGN, infixes[i].sign))
			return &infixes[i];
	return NULL;
}

/* `a || b || c` is one node of three: however long, it is not deep. */
static struct cel_node *joined(struct parser *p, const struct infix *o, size_t offset,
			       struct cel_node *left, struct cel_node *right)
{
	if ((o->op == CEL_OR || o->op == CEL_AND) && left->op == o->op)
		return add_child(p, left, right);
	return add_child(p, add_child(p, new_node(p, o->op, offset), left), right);
}

/* Operators of that level and all that bind closer. */
static struct cel_node *parse_binary(struct parser *p, enum level level)
{
	struct cel_node *left = parse_unary(p);
	const struct infix *o;
	while (left && (o = infix_at(&p->token)) && o->level >= level) {
		size_t offset = p->token.offset;
		if (!advance(p))
			return NULL;
		struct cel_node *right = parse_binary(p, o->level + 1);
		left = right ? joined(p, o, offset, left, right) : NULL;
	}
	return left;
}

static struct cel_node *parse_condition(struct parser *p)
{
	struct cel_node *test = parse_binary(p, LEVEL_OR);
	if (!test || !at_sign(p, "?"))
		return test;
	struct cel_node *n = add_child(p, new_node(p, CEL_CONDITION, p->token.offset), test);
	if (!n || !advance(p))
		return NULL;
	n = add_child(p, n, parse_binary(p, LEVEL_OR));
	if (!n || !take_sign(p, ":", "`:`"))
		return NULL;
	return add_child(p, n, parse_expression(p));
}

static struct cel_node *parse_expression(struct parser *p)
{
	if (p->depth >= CEL_DEPTH_MAX)
		return failed(p, cel_refuse(p->error, p->token.offset,
					    "expression nested more than %d deep", CEL_DEPTH_MAX));
	p->depth++;
	struct cel_node *n = parse_condition(p);
	p->depth--;
	return n;
}

int cel_parse(const char *text, size_t length, struct arena *arena, struct cel_node **ret_root,
	      struct cel_error *ret_error)
{
	struct parser p = {
	    .lexer = {text, length, 0, ret_error}, .arena = arena, .error = ret_error};
	struct cel_node *root = advance(&p) ? parse_expression(&p) : NULL;
	if (root && p.token.kind != CEL_END)
		root = expected(&p, "an operator");
	if (!root)
		return p.result;
	*ret_root = root;
	return 0;
}
