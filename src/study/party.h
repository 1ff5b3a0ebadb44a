/* party.h: neighboring seats of a launch in one pack: what they do together, and the files of each, which are in the end
 * those of `lehr run`. */
#ifndef LEHR_STUDY_PARTY_H
#define LEHR_STUDY_PARTY_H

#include "study/launch.h"

/* What the seats of a launch share while it lasts. */
typedef struct lehr_stage {
    lehr_launch *launch;
    lehr_dataset *dataset;
    lehr_objective *objective;
    lehr_model *model;
    lehr_config *config; /* [count of the launch] */
} lehr_stage;

/* Run them from where their states stand until all have ended, wait for others, or are told to stop: those that have not
 * ended are then saved. A single one that is to blame for a failure has failed, or starts over where what others have
 * kept of it is of no use; a failure of several leaves them as they were saved last. Fails on what no trial is to blame for, and when it cannot be said which one is. */
lehr_status lehr_party_run(lehr_stage *stage, int32_t first, int32_t count);

#endif
