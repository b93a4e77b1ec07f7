/* file_turn.h - a file's turn in a file_reader: how far it has been read, what of its bytes is kept, how the turn ends.
 *
 *   PICK -> turn of reader->file ... turn_rest      nothing more for now
 *                                    turn_wait      more to come, after the others
 *                                    turn_pause     a stream without a writer: tried again in a while
 *                                    turn_give_up_* unreadable or damaged: stuck, or removed
 *                                    turn_remove_file
 *
 * Threads: the owner's. Memory: what a stream keeps, and the one compressed file that is open. Layer: stages. */
#pragma once

#include "stages/source/file_reader.h"

#define TURN_PAUSE_NS (50 * UINT64_C(1000000))

/* What a move of the machine returns: go on, wait for something, or below 0: failed. */
enum { WAIT = 0, GO_ON = 1 };

uint64_t turn_now_ns(const struct file_reader *r);
/* Hands in r->op, whose operands are set. */
void turn_submit(struct file_reader *r, enum io_code code, enum file_reader_at at);
/* Of the open file, into r->stat. */
void turn_stat(struct file_reader *r, enum file_reader_at at);
/* Says so: -ENOMEM. */
int turn_out_of_memory(struct file_reader *r);

void turn_set_packed(struct tracked_file *f, enum packing packing);
/* Offset in the file, as it is stored, of the next byte to read. */
uint64_t turn_position(const struct file_reader *r);
/* The file is known, and has been read, up to that offset. */
void turn_account(struct file_reader *r, uint64_t upto);
/* Something was read of it, or its end was reached: should it fail again, that is told again. */
void turn_is_readable(struct tracked_file *f);
/* n bytes of what was read have been handed on. */
void turn_consumed(struct file_reader *r, size_t n);
/* n bytes were read at offset `at` of the file as it is stored. 0 or -ENOMEM. */
int turn_was_read(struct file_reader *r, uint64_t at, const uint8_t *bytes, size_t n);
/* Drops what was read and not handed on; it will be read again. */
void turn_forget_bytes(struct file_reader *r);
/* The file has lost its end and is `size` bytes long: on from there, or from where it was read to. */
void turn_go_on_at_end(struct file_reader *r, uint64_t size);
/* The file is another one than it was: from its first byte. */
void turn_begin_anew(struct file_reader *r);

/* Frees the intake of reader->carried's bytes, keeping those that cannot be read again. 0 or -ENOMEM. */
int turn_put_aside(struct file_reader *r);
/* Brings back what was kept of reader->file. False: no buffer. */
bool turn_take_back(struct file_reader *r);
void turn_drop_kept(struct tracked_file *f);

/* A record of several lines is open, and nothing has come to the file for so long that it is handed on as it is. To be asked at
 * what is the end for now. */
bool turn_has_waited(struct file_reader *r);

void turn_end(struct file_reader *r);
void turn_rest(struct file_reader *r);
void turn_wait(struct file_reader *r);
void turn_pause(struct file_reader *r);
/* error: -errno. Says so, the first time. Followed, it is tried again in a while. */
void turn_give_up_unreadable(struct file_reader *r, int error);
/* Says so, once a file. at: offset in the file, as it is stored. */
void turn_give_up_damaged(struct file_reader *r, uint64_t at, const char *why);

void turn_close_file(struct file_reader *r, struct tracked_file *f);
/* Closes it and takes it out of the set. What is remembered of it stays so, unless it is gone. */
void turn_remove_file(struct file_reader *r, struct tracked_file *f);
