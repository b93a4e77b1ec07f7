#include "stages/cel/cel_overloads.h"

#include "stages/cel/cel.h"
#include "stages/cel/cel_functions.h"

#define OP(name) (UINT32_C(1) << CEL_##name)
#define ORDER (OP(LESS) | OP(LESS_EQUAL) | OP(GREATER) | OP(GREATER_EQUAL))
#define SAME (OP(EQUAL) | OP(NOT_EQUAL))
#define WHOLE (OP(ADD) | OP(SUBTRACT) | OP(MULTIPLY) | OP(DIVIDE) | OP(MODULO))

#define T(name) CEL_BIT(VALUE_##name)
#define NUMBER (T(INT) | T(UINT) | T(DOUBLE))
#define KEY (NUMBER | T(BOOL) | T(STRING))
#define ANY UINT16_MAX

static const struct overload {
	uint32_t ops;
	uint16_t left, right;
	uint8_t gives;
} overloads[] = {
    {WHOLE | OP(NEGATE), T(INT), T(INT), VALUE_INT},
    {WHOLE, T(UINT), T(UINT), VALUE_UINT},
    {(WHOLE & ~OP(MODULO)) | OP(NEGATE), T(DOUBLE), T(DOUBLE), VALUE_DOUBLE},
    {OP(ADD), T(STRING), T(STRING), VALUE_STRING},
    {OP(ADD), T(BYTES), T(BYTES), VALUE_BYTES},
    {OP(ADD), T(LIST), T(LIST), VALUE_LIST},
    {OP(ADD) | OP(SUBTRACT), T(DURATION), T(DURATION), VALUE_DURATION},
    {OP(ADD) | OP(SUBTRACT), T(TIMESTAMP), T(DURATION), VALUE_TIMESTAMP},
    {OP(ADD), T(DURATION), T(TIMESTAMP), VALUE_TIMESTAMP},
    {OP(SUBTRACT), T(TIMESTAMP), T(TIMESTAMP), VALUE_DURATION},
    {ORDER | SAME, NUMBER, NUMBER, VALUE_BOOL},
    {ORDER | SAME | OP(NOT), T(BOOL), T(BOOL), VALUE_BOOL},
    {ORDER | SAME, T(STRING), T(STRING), VALUE_BOOL},
    {ORDER | SAME, T(BYTES), T(BYTES), VALUE_BOOL},
    {ORDER | SAME, T(TIMESTAMP), T(TIMESTAMP), VALUE_BOOL},
    {ORDER | SAME, T(DURATION), T(DURATION), VALUE_BOOL},
    {SAME, T(NULL), T(NULL), VALUE_BOOL},
    {SAME, T(LIST), T(LIST), VALUE_BOOL},
    {SAME, T(MAP), T(MAP), VALUE_BOOL},
    {OP(IN), ANY, T(LIST), VALUE_BOOL},
    {OP(IN), KEY, T(MAP), VALUE_BOOL},
    {OP(INDEX), T(LIST), T(INT), CEL_DYN},
    {OP(INDEX), T(MAP), KEY, CEL_DYN},
};

bool cel_overload(enum cel_op op, unsigned left, unsigned right, unsigned *ret_type)
{
	unsigned lefts = left == CEL_DYN ? (unsigned)ANY : CEL_BIT(left);
	unsigned rights = right == CEL_DYN ? (unsigned)ANY : CEL_BIT(right);
	bool fits = false;
	for (size_t i = 0; i < sizeof overloads / sizeof *overloads; i++) {
		const struct overload *o = &overloads[i];
		if (!(o->ops & (UINT32_C(1) << op)) || !(o->left & lefts) || !(o->right & rights))
			continue;
		*ret_type = fits && *ret_type != o->gives ? CEL_DYN : o->gives;
		fits = true;
	}
	return fits;
}

const char *cel_op_sign(enum cel_op op)
{
	static const char *const signs[] = {
	    [CEL_INDEX] = "[]",      [CEL_NOT] = "!",        [CEL_NEGATE] = "-",
	    [CEL_MULTIPLY] = "*",    [CEL_DIVIDE] = "/",     [CEL_MODULO] = "%",
	    [CEL_ADD] = "+",         [CEL_SUBTRACT] = "-",   [CEL_LESS] = "<",
	    [CEL_LESS_EQUAL] = "<=", [CEL_GREATER] = ">",    [CEL_GREATER_EQUAL] = ">=",
	    [CEL_EQUAL] = "==",      [CEL_NOT_EQUAL] = "!=", [CEL_IN] = "in",
	    [CEL_AND] = "&&",        [CEL_OR] = "||",        [CEL_CONDITION] = "?:",
	};
	return signs[op] ? signs[op] : "";
}

const char *cel_type_name(unsigned type)
{
	static const char *const names[] = {
	    [VALUE_MISSING] = "nothing",   [VALUE_ERROR] = "error",
	    [VALUE_NULL] = "null",         [VALUE_BOOL] = "bool",
	    [VALUE_INT] = "int",           [VALUE_UINT] = "uint",
	    [VALUE_DOUBLE] = "double",     [VALUE_STRING] = "string",
	    [VALUE_BYTES] = "bytes",       [VALUE_TIMESTAMP] = "timestamp",
	    [VALUE_DURATION] = "duration", [VALUE_LIST] = "list",
	    [VALUE_MAP] = "map",           [CEL_DYN] = "dyn",
	};
	return names[type];
}
