#include "study/report.h"
#include "base/status.h"
lehr_status lehr_report_many(const lehr_run_list *list, struct json_t **out)
{
    (void)list;
    (void)out;
    return lehr_fail(LEHR_ERR_UNSUPPORTED, "not yet");
}
