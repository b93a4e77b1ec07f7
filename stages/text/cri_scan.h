/* cri_scan.h - one line of a container's log as its runtime writes it, around what the container wrote.
 *
 *	2016-10-06T00:17:09.669794202Z stdout F message              containerd, CRI-O; P: the message goes on in the next line
 *	{"log":"message\n","stream":"stdout","time":"2016-..."}      Docker; no \n: likewise
 *
 * Threads: any; a struct cri_json may be shared. Memory: what cri_json_init() takes. Layer: stages. */
#pragma once

#include "stages/json/json_plan.h"
#include "stages/text/syslog_stamp.h"
#include "stages/value.h"

enum { CRI_TIME_MAX = 64 }; /* bytes */

struct cri_line {
	/* Strings. Of the JSON, `message` may be ESCAPED, and is without the newline at its end. */
	struct value time, stream, message;
	struct syslog_stamp stamp; /* of `time` */
	bool partial;              /* the message goes on in the next line of that stream */
};

/* How Docker's JSON is scanned. */
struct cri_json {
	struct json_plan plan;
};

/* 0 or -ENOMEM: then there is nothing to release. */
int cri_json_init(struct cri_json *j);
void cri_json_release(struct cri_json *j);

/* What begins with a brace is JSON. 0, or -EBADMSG and ret_why says why (static). */
int cri_scan(const struct cri_json *j, const uint8_t *bytes, uint32_t length,
	     struct cri_line *ret_line, const char **ret_why);
