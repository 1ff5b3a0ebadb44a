/* run/share.h: the rows of a pack dealt to the ranks of a comm.
 *
 * Every rank has the whole table; its backend sees its own rows only, through a view of the same arrays, and
 * settles the copies that it owns whole. A copy that is cut between ranks is settled by all of them alike, from
 * what they gather at each exchange: labels move, weights never.                                     */
#ifndef LEHR_RUN_SHARE_H
#define LEHR_RUN_SHARE_H

#include "run/run.h"

/* Rows [first, first+rows) of a table of these groups for a rank: nearly equal numbers, cut between copies where that
 * costs no rank more than a twentieth. */
void lehr_share_rows(const lehr_table *shape, int32_t rank, int32_t ranks, int32_t *first,
                     int32_t *rows);

/* Deal the rows of a table of that shape, and make pack->view, what this rank's backend will see of it, without arrays
 * yet. Fails with LEHR_ERR_ARG when there are more ranks than rows. */
lehr_status lehr_share_deal(lehr_pack *pack, const lehr_table *shape);

/* The arrays of the view are those of pack->table; room for what ranks tell each other. */
lehr_status lehr_share_create(lehr_pack *pack);
void lehr_share_destroy(lehr_pack *pack);

/* The groups of the table have changed: so do those of the view. */
void lehr_share_groups(lehr_pack *pack);

/* Is this row of the table ours? */
bool lehr_share_owns(const lehr_pack *pack, int32_t row);

/* Scans [scan, end) with everything that is settled on the way. */
lehr_status lehr_share_slice(lehr_pack *pack, uint64_t scan, uint64_t end);

/* Bring the rows of all ranks into the table of each: all that stands beside the weights, or the weights. */
lehr_status lehr_share_gather(lehr_pack *pack);
lehr_status lehr_share_gather_weights(lehr_pack *pack);

/* Every rank has looked at its own rows: the best of all becomes that of each. `changed`: ours is a new one. */
lehr_status lehr_share_best(lehr_run *run, bool changed);

#endif
