#include "stages/tls/tls_options.h"

#define AT(member) offsetof(struct tls_options, member)

static const char *const versions[] = {"1.2", "1.3", NULL};

/* clang-format off */
#define COMMON_ROWS                                                                                \
	{"min_version", OPTION_CHOICE, AT(min_version), .preset = "\"1.2\"", .choices = versions,  \
	 .doc = "The oldest version of TLS that will do"},                                         \
	{"handshake_timeout", OPTION_DURATION, AT(handshake_timeout_ns), .preset = "10s",          \
	 .min = 1, .doc = "How long a handshake may take; then the connection is closed"},         \
	{0}
/* clang-format on */

const struct option tls_server_table[] = {
    {"cert", OPTION_FILE, AT(cert), .required = true,
     .doc = "The file with our certificate, and those that it is signed by (PEM)"},
    {"key", OPTION_FILE, AT(key), .required = true, .doc = "The file with its private key (PEM)"},
    {"ca", OPTION_FILE, AT(ca),
     .doc = "The file with the certificates that clients' have to be signed by (PEM)"},
    {"require_client_certificate", OPTION_BOOL, AT(require_client_certificate), .preset = "false",
     .doc = "Refuse clients that show no certificate; one that is shown is checked where there is "
	    "`ca`"},
    COMMON_ROWS,
};

const struct option tls_client_table[] = {
    {"ca", OPTION_FILE, AT(ca),
     .doc = "The file with the certificates that the server's has to be signed by (PEM); without "
	    "it, those that this machine trusts"},
    {"cert", OPTION_FILE, AT(cert),
     .doc = "The file with a certificate to show to the server, and those that it is signed by"},
    {"key", OPTION_FILE, AT(key), .doc = "The file with its private key (PEM)"},
    {"server_name", OPTION_TEXT, AT(server_name), .min = 1, .max = 255,
     .doc = "The name that has to be in the server's certificate; without it, that of the address"},
    {"verify", OPTION_BOOL, AT(verify), .preset = "true",
     .doc = "Whether the server's certificate is checked; without that anybody may be it"},
    COMMON_ROWS,
};
