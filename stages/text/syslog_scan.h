/* syslog_scan.h - one syslog message: where its parts are.
 *
 *	<165>1 2003-10-11T22:14:15.003Z host.example app 42 ID47 [x@1 k="v"] text      RFC 5424
 *	<34>Oct 11 22:14:15 host su[230]: text                                        RFC 3164
 *	    Oct 11 22:14:15 host su(pam_unix)[230]: text                              the same as it stands in a file
 *	<30>dnsmasq[1]: text                                                          what some daemons send
 *
 * What says nothing (`-` in RFC 5424) is not there. Parts of a header are longer than the RFC allows if they have to be, up
 * to SYSLOG_WORD_MAX. In RFC 3164 a message begins with a priority or a timestamp, else it is none; the timestamp may be one
 * of RFC 3339; a host is there only behind a timestamp. A tag is a word before a colon or before a number in brackets:
 *
 *	su:   su(pam_unix)[230]:   postfix/smtpd[7]:   sshd[12]             and of two words
 *	-- root[230]:              the first only dashes
 *	syslogd 1.4.1:             the second a version
 *
 * Anything else, `last message repeated 2 times`, is a message without one.
 *
 * Threads: any. Memory: none; time is linear. Nothing outside [bytes, bytes + length) is read. Layer: stages, libc only. */
#pragma once

#include "stages/text/syslog_stamp.h"
#include "stages/text/text_span.h"

enum {
	SYSLOG_WORD_MAX = 1024, /* bytes, of a host, a program, ... */
	SYSLOG_NO_PRIORITY = -1,
	SYSLOG_PRIORITY_MAX = 191,
};

enum syslog_format {
	SYSLOG_AUTO, /* RFC 5424 where a version stands behind the priority */
	SYSLOG_RFC3164,
	SYSLOG_RFC5424,
};

struct syslog_parts {
	int16_t priority;          /* 8 * facility + severity */
	struct syslog_stamp stamp; /* when there is a timestamp */
	/* In the order in which they stand; those that are not there have no bytes. */
	struct text_span timestamp, hostname, appname, procid, msgid;
	struct text_span
	    structured_data;      /* with its brackets; its pieces are right (syslog_data.h) */
	struct text_span message; /* without a byte order mark; without the blank before it */
};

/* 0, or -EBADMSG and ret_why says why (static). */
int syslog_scan(enum syslog_format format, const uint8_t *bytes, uint32_t length,
		struct syslog_parts *ret_parts, const char **ret_why);

/* The names that are usual (`authpriv`, `warning`). */
const char *syslog_facility(int priority);
const char *syslog_severity(int priority);
