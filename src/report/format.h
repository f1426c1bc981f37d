/*
 * Bytes, durations and foreign words as people read them.
 */
#ifndef REPORT_FORMAT_H
#define REPORT_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define FORMAT_TEXT_SIZE 32

/* Decimal units, three digits, as docker writes them: "812 B", "4.05 kB", "412 MB". */
void format_bytes(int64_t bytes, char ret[FORMAT_TEXT_SIZE]);

/* "288/412 MB": both in the unit of the second. */
void format_bytes_of(int64_t done_bytes, int64_t size_bytes, char ret[FORMAT_TEXT_SIZE]);

/* Roughly, for people: "180 ms", "9.4 s", "41 min", "3 h 5 min". */
void format_duration(int64_t ms, char ret[FORMAT_TEXT_SIZE]);

/* "sha256:05f95b26ed10...": enough of a digest to tell it from its neighbours. */
void format_digest(const char *digest, char ret[FORMAT_TEXT_SIZE]);

/* Columns of TEXT on a terminal, taking every character for one column wide. */
size_t format_columns(const char *text);

/* How many bytes of TEXT fit into COLUMNS, whole characters only. */
size_t format_fit(const char *text, size_t columns);

/* Words of foreign origin: control characters, which could command a terminal, become '?'. */
void format_clean(char *text);
void print_clean(FILE *out, const char *text);

#endif
