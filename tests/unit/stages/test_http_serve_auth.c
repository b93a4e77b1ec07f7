#include "stages/http_serve/http_auth.h"

#include <criterion/criterion.h>

#include <string.h>

static struct text text_of(const char *s)
{
	return (struct text){.bytes = s, .length = strlen(s)};
}

static struct http_auth auth_of(const char *token, const char *user, const char *password)
{
	struct text tokens[2] = {text_of("first"), text_of(token ? token : "")};
	struct text_pair users[2] = {
	    {.name = text_of("root"), .value = text_of("toor")},
	    {.name = text_of(user ? user : ""), .value = text_of(password ? password : "")}};
	struct http_serve_auth_options o = {.tokens = {.items = tokens, .count = token ? 2 : 0},
					    .users = {.items = users, .count = user ? 2 : 0}};
	struct http_auth a;
	cr_assert_eq(http_auth_init(&a, &o), 0);
	return a;
}

Test(http_auth, without_tokens_and_users_anybody_may)
{
	struct http_auth a = auth_of(NULL, NULL, NULL);
	cr_expect(http_auth_allows(&a, NULL));
	cr_expect(http_auth_allows(&a, "Bearer x"));
	http_auth_release(&a);
}

Test(http_auth, a_token_lets_in_and_nothing_else_does)
{
	struct http_auth a = auth_of("s3cret", NULL, NULL);
	cr_expect(http_auth_allows(&a, "Bearer s3cret"));
	cr_expect(http_auth_allows(&a, "bearer   first"));
	static const char *const others[] = {"",
					     "Bearer",
					     "Bearer ",
					     "Bearer s3cre",
					     "Bearer s3crett",
					     "Bearers3cret",
					     "s3cret",
					     "Basic s3cret",
					     "Bearer s3cret ",
					     "Bearer S3CRET",
					     "Digest s3cret"};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		cr_expect_not(http_auth_allows(&a, others[i]), "%s", others[i]);
	cr_expect_not(http_auth_allows(&a, NULL));
	cr_expect(strstr(http_auth_challenge(&a), "Bearer"));
	cr_expect_not(strstr(http_auth_challenge(&a), "Basic"));
	http_auth_release(&a);
}

Test(http_auth, a_user_and_password_let_in_and_nothing_else_does)
{
	struct http_auth a = auth_of(NULL, "me", "a:b");
	cr_expect(http_auth_allows(&a, "Basic bWU6YTpi"));
	cr_expect(http_auth_allows(&a, "basic cm9vdDp0b29y"));
	static const char *const others[] = {
	    "Basic bWU6YTpj",  "Basic bWU=",   "Basic ",
	    "Bearer bWU6YTpi", "Basic me:a:b", "Basic cm9vdDphOmI="};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		cr_expect_not(http_auth_allows(&a, others[i]), "%s", others[i]);
	cr_expect(strstr(http_auth_challenge(&a), "Basic"));
	http_auth_release(&a);
}

Test(http_auth, either_lets_in_where_there_are_both)
{
	struct http_auth a = auth_of("t", "me", "pw");
	cr_expect(http_auth_allows(&a, "Bearer t"));
	cr_expect(http_auth_allows(&a, "Basic bWU6cHc="));
	cr_expect_not(http_auth_allows(&a, "Basic t"));
	cr_expect_not(http_auth_allows(&a, "Bearer bWU6cHc="));
	http_auth_release(&a);
}
