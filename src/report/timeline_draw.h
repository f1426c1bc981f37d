/*
 * The drawing of a timeline. A pure function of the record and the place it is drawn in.
 *
 *	HEAD blob            |##                                    |    12
 *	PUT blob             |   ######### ###########              | 3 of 288
 *	PUT manifest         |                           x#         |     2
 *	                     |                                      |
 *	A credential         |========================X             | refused
 *	B credential         |                         =============|
 *	one login            |........................X             |
 *	  too late           |                          ^^          | 2 requests
 *	                      14:00:00                      14:04:11
 */
#ifndef REPORT_TIMELINE_DRAW_H
#define REPORT_TIMELINE_DRAW_H

#include "report/timeline_record.h"

void timeline_draw_record(const struct timeline_record *r, const struct look *look,
			  struct buf *out);

#endif
